import concurrent.futures
import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloche.errors import InternalError
from cloche.vault.server_secret import SECRET_BYTES, load_or_create


def test_a_secret_is_made_once_and_then_stays(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "secret")

    assert len(first) == SECRET_BYTES
    assert load_or_create(tmp_path / "secret") == first
    assert load_or_create(tmp_path / "other") != first


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create(tmp_path / "secret")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_nothing_but_the_secret_is_left_in_the_directory(tmp_path: Path) -> None:
    load_or_create(tmp_path / "secret")

    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_a_file_that_a_killed_start_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".secret.0123456789abcdef").write_bytes(b"half")

    assert len(load_or_create(tmp_path / "secret")) == SECRET_BYTES


@pytest.mark.parametrize("content", [b"", b"short", b"x" * (SECRET_BYTES + 1)])
def test_a_damaged_secret_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    """A new one would make everything sealed under the old one unreadable for good."""
    (tmp_path / "secret").write_bytes(content)

    with pytest.raises(InternalError):
        load_or_create(tmp_path / "secret")
    assert (tmp_path / "secret").read_bytes() == content


STARTING = """
import sys
from pathlib import Path
from cloche.vault.server_secret import load_or_create
print("ready", flush=True)
sys.stdin.readline()
print(load_or_create(Path(sys.argv[1])).hex())
"""


def test_daemons_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTING, str(tmp_path / "secret")]
    with ExitStack() as stack:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        children = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(4)]
        assert [child.stdout.readline() for child in children] == ["ready\n"] * 4
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        found = {child.stdout.read().strip() for child in children}

    assert found == {(tmp_path / "secret").read_bytes().hex()}
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_threads_that_start_at_once_agree_too(tmp_path: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = set(pool.map(load_or_create, [tmp_path / "secret"] * 8))

    assert found == {(tmp_path / "secret").read_bytes()}
