import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloche.errors import StartError
from cloche.ids import new_session_id
from cloche.sandbox.namespace import run_dir
from cloche.sandbox.namespace.run_dir import RunDir


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="r-") as directory:
        yield Path(directory) / "run"


def test_a_reservation_is_a_directory_and_goes_with_it(root: Path) -> None:
    session_id = new_session_id()
    directory, uid = run_dir.reserve(root, session_id, None)
    assert uid is None
    assert root.stat().st_mode & 0o777 == 0o711
    assert directory.link_dir.stat().st_mode & 0o077 == 0
    assert run_dir.listed(root) == [session_id]
    run_dir.remove(directory)
    run_dir.remove(directory)
    assert run_dir.listed(root) == []


def test_a_directory_that_is_there_already_stays_with_its_owner(root: Path) -> None:
    session_id = new_session_id()
    directory, _ = run_dir.reserve(root, session_id, None)
    (directory.path / "kept").touch()
    with pytest.raises(StartError) as raised:
        run_dir.reserve(root, session_id, None)
    assert raised.value.reason == "run_dir_unwritable"
    assert (directory.path / "kept").exists()


def test_a_record_is_replaced_whole(root: Path) -> None:
    directory, _ = run_dir.reserve(root, new_session_id(), None)
    assert run_dir.read_record(directory) is None
    run_dir.write_record(directory, {"a": 1})
    run_dir.write_record(directory, {"a": 2})
    assert run_dir.read_record(directory) == {"a": 2}
    assert sorted(os.listdir(directory.path)) == ["link", "sandbox.json"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"a":' + b" " * 100_000 + b"1}"])
def test_a_record_that_is_none_is_none(root: Path, content: bytes) -> None:
    directory, _ = run_dir.reserve(root, new_session_id(), None)
    directory.record.write_bytes(content)
    assert run_dir.read_record(directory) is None


def test_only_names_that_are_session_ids_are_listed(root: Path) -> None:
    root.mkdir()
    for name in ("lost+found", "ses_short", ".lock"):
        (root / name).mkdir()
    assert run_dir.listed(root) == []
    assert run_dir.listed(root / "absent") == []


def test_the_guest_socket_is_for_the_daemon_alone(root: Path) -> None:
    directory, _ = run_dir.reserve(root, new_session_id(), None)
    with run_dir.listen(directory) as listener:
        assert listener.getsockname() == str(RunDir(directory.path).guest_socket)
        assert directory.guest_socket.stat().st_mode & 0o777 == 0o600
