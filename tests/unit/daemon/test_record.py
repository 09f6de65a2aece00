import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cloche.daemon import record
from cloche.errors import ConflictError
from cloche.process.pidfd import start_time

HOLD = """
import sys
from pathlib import Path
from cloche.daemon.record import only_daemon
with only_daemon(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_two_daemons_do_not_share_a_state_directory(tmp_path: Path) -> None:
    with record.only_daemon(tmp_path), pytest.raises(ConflictError), record.only_daemon(tmp_path):
        pytest.fail("the second got in")
    with record.only_daemon(tmp_path):
        pass


def test_a_daemon_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(ConflictError), record.only_daemon(tmp_path):
            pytest.fail("two at once")
        child.kill()
        child.wait(5)
    with record.only_daemon(tmp_path):
        pass


def test_the_record_names_this_process_beyond_its_pid(tmp_path: Path) -> None:
    record.write(tmp_path, http="127.0.0.1:8090", grpc="127.0.0.1:8091")

    found = json.loads((tmp_path / "daemon.json").read_text())
    listens = {"http": "127.0.0.1:8090", "grpc": "127.0.0.1:8091"}
    assert found == {"pid": os.getpid(), "start_time": start_time(os.getpid()), **listens}
    assert found["start_time"] > 0


def test_what_is_written_is_for_the_owner_alone_and_replaces_what_was(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for secret in ("ck_one", "ck_two"):
            record.write_admin_key(tmp_path, secret)
            record.write(tmp_path, http="127.0.0.1:1")
    finally:
        os.umask(before)

    assert (tmp_path / "admin.key").read_text() == "ck_two\n"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["admin.key", "daemon.json"]
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()} == {0o600}


def test_a_half_written_file_of_a_killed_daemon_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".daemon.json.new").write_text("{")
    record.write(tmp_path, http="x")

    assert json.loads((tmp_path / "daemon.json").read_text())["http"] == "x"


def test_a_link_planted_for_the_fresh_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / ".admin.key.new").symlink_to(tmp_path / "victim")
    record.write_admin_key(tmp_path, "ck_x")

    assert (tmp_path / "victim").read_text() == "mine"


def test_the_record_can_be_removed_twice(tmp_path: Path) -> None:
    record.write(tmp_path, http="x")
    record.remove(tmp_path)
    record.remove(tmp_path)

    assert not (tmp_path / "daemon.json").exists()
