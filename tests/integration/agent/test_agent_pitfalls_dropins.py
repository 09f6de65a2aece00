"""A pitfall of the published agents that this one must not share: what is dropped in.

P13  Whoever could write a drop-in file ran commands as the agent, and names went to terminals as they were.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .stage import NOBODY, Stage, needs_root


def _a_link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


FILES = {
    "for-everybody": lambda file: file.chmod(0o666),
    "for-the-group": lambda file: file.chmod(0o664),
    "link": _a_link,
    "fifo": _a_fifo,
}


def test_p13_a_drop_in_that_others_may_write_is_refused(stage: Stage) -> None:
    ran = stage.directory / "ran"
    for name, spoil in FILES.items():
        spoil(stage.integration(name, health_cmd=f"touch {ran}"))
    stage.integration("good", health_cmd="true")
    stage.start()
    assert stage.checked("good")["status"] == "active"
    assert list(stage.integrations()) == ["good"]
    assert not ran.exists()
    assert [name for name in FILES if f"{name}.json" not in stage.log_text] == []


@needs_root
def test_p13_a_drop_in_of_another_user_is_refused(stage: Stage) -> None:
    os.chown(stage.integration("bad", health_cmd="true"), NOBODY, NOBODY)
    stage.integration("good", health_cmd="true")
    stage.start()
    stage.checked("good")
    assert list(stage.integrations()) == ["good"]


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777], ids=oct)
def test_p13_a_directory_that_others_may_write_is_not_read(stage: Stage, mode: int) -> None:
    ran = stage.directory / "ran"
    stage.integration("bad", health_cmd=f"touch {ran}")
    stage.probe("good", cmd="true")
    stage.integrations_d.chmod(mode)
    stage.start()
    assert stage.probed("good")["healthy"] is True
    assert stage.integrations() == {}
    assert not ran.exists()
    assert str(stage.integrations_d) in stage.log_text


BAD_NAMES = ["\x1b[31mred", "a\nb", "../up", "", "x" * 64, "sp ace", "\u202eevil", 7, None]


def test_p13_names_that_could_be_more_than_names_are_refused(stage: Stage) -> None:
    for number, name in enumerate(BAD_NAMES):
        stage.integration(str(number)).write_text(json.dumps({"name": name, "health_cmd": "true"}))
        stage.probe(str(number)).write_text(json.dumps({"name": name, "cmd": "true"}))
    stage.integration("good", health_cmd="true")
    stage.start()
    assert stage.checked("good")["status"] == "active"
    assert list(stage.integrations()) == ["good"]
    assert stage.probes() == {}
    assert all(line.isprintable() for line in stage.log_text.splitlines())


def _play_agent(listener: socket.socket, answers: dict[str, Any]) -> None:
    """Answer one request on each connection, as an agent would that has gone over to the other side."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection:
                (length,) = struct.unpack(">I", connection.recv(4))
                body = json.dumps(answers[json.loads(connection.recv(length))]).encode()
                connection.sendall(struct.pack(">I", len(body)) + body)


EVIL = "\x1b]0;evil\x07\x1b[31m\r\x9b\u202e"
EVIL_HEALTH = {"healthy": False, "detail": EVIL, "checked_at": EVIL}
EVIL_INTEGRATION = {"name": EVIL, "status": {"error": EVIL}, "last_checkpoint_at": EVIL, "state_size_bytes": 0}
EVIL_ANSWERS = {
    "Ping": {"Error": {"message": EVIL}},
    "WorkerStatus": {"WorkerStatus": {"status": EVIL, "last_busy_at": EVIL}},
    "IntegrationStatus": {"IntegrationStatusReport": {"integrations": [{**EVIL_INTEGRATION, "health": EVIL_HEALTH}]}},
    "ProbeStatus": {"ProbeStatusReport": {"probes": [{"name": EVIL, **EVIL_HEALTH, "output": EVIL}]}},
}


@pytest.mark.parametrize("verb", ["ping", "status", "inspect"])
def test_p13_what_a_hostile_agent_says_does_not_reach_a_terminal_as_it_is(stage: Stage, verb: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stage.guest))
        listener.listen()
        player = threading.Thread(target=_play_agent, args=(listener, EVIL_ANSWERS))
        player.start()
        try:
            words = [sys.executable, "-m", "cloche.cli.main", "agent", verb, "--socket", str(stage.guest)]
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            player.join()
    assert done.stdout + done.stderr
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())


def test_p13_what_commands_print_is_made_printable(stage: Stage) -> None:
    stage.probe("red", cmd="printf 'a\\033[31m\\rb\\nc\\302\\233' >&2; exit 1")
    stage.start()
    detail = stage.probed("red")["detail"]
    assert detail.isprintable(), detail
    assert "a" in detail


BAD_SECONDS = (b"-1", b"1.5", b'"1"', b"1e999")
BAD_FILES = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b"[" * 99_999,
    b'{"name": "x"}',
    b'{"cmd": "true"}',
    b'{"name": "x", "cmd": 1}',
    *(b'{"name": "x", "cmd": "true", "interval_secs": %b}' % seconds for seconds in BAD_SECONDS),
]


def test_p13_drop_ins_that_are_none_do_not_stop_the_others(stage: Stage) -> None:
    for number, content in enumerate(BAD_FILES):
        stage.probe(f"bad-{number}").write_bytes(content)
    stage.probe("good", cmd="true", unknown_key=1)
    (stage.probes_d / "readme.txt").write_text("{")
    (stage.probes_d / "folder.json").mkdir()
    stage.start()
    assert stage.probed("good")["healthy"] is True
    assert list(stage.probes()) == ["good"]
    assert [number for number in range(len(BAD_FILES)) if f"bad-{number}.json" not in stage.log_text] == []
    assert "readme" not in stage.log_text


def test_p13_commands_inherit_nothing_of_the_agents_own(stage: Stage) -> None:
    command = 'env | grep -E "^(CLOCHE|MESHBROW)" >&2; cat >&2; ls /proc/self/fd | wc -l >&2; exit 1'
    stage.probe("spy", cmd=command)
    secrets = {"CLOCHE_SECRET": "hunter2", "MESHBROW_SECRET": "hunter2"}
    stage.start(env=secrets)
    # 0, 1, 2 and the directory that is being listed.
    assert stage.probed("spy")["detail"] == "4"


def test_p13_drop_ins_are_read_again_on_a_signal_and_what_stays_keeps_its_result(stage: Stage) -> None:
    stage.probe("stays", cmd="true", interval_secs=3600)
    gone = stage.probe("goes", cmd="true")
    stage.start()
    before = stage.probed("stays")
    stage.probed("goes")
    gone.unlink()
    stage.probe("comes", cmd="true")
    stage.process.send_signal(signal.SIGHUP)
    stage.probed("comes")
    assert stage.probes()["stays"] == before
    assert "goes" not in stage.probes()
