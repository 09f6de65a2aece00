"""The workspace's changes on the link of a real agent: hosts that switch, stall, leave and come back."""

import fcntl
import os
import struct
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .conftest import PATIENCE_S, Agent, Connection, Host

Start = Callable[..., Agent]
Copy = set[str]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return workspace


def take(event: dict[str, Any], copy: Copy) -> None:
    """Do to a host's copy what an event says."""
    path, operation = event["path"], event["operation"]
    if operation == "create":
        assert path not in copy
        copy.add(path)
    elif operation == "delete":
        copy.remove(path)
    elif operation == "rename":
        old = event["old_path"]
        moved = {p for p in copy if p == old or p.startswith(old + "/")}
        copy -= moved
        copy |= {path + p[len(old) :] for p in moved}


def follow(link: Connection, copy: Copy, until: Callable[[], bool]) -> list[dict[str, Any]]:
    """Read events into the copy until it is as it should be; return the rescans among them."""
    rescans = []
    while not until():
        event = link.read_until("fs_event")["payload"]
        take(event, copy)
        rescans += [event] if event.get("rescan") else []
    return rescans


def names(workspace: Path) -> Copy:
    return {"."} | {str(path.relative_to(workspace)) for path in workspace.rglob("*")}


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        os.sched_yield()


def inotify_instances(agent: Agent) -> int:
    found = 0
    for entry in Path(f"/proc/{agent.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed just now
            found += os.readlink(entry) == "anon_inode:inotify"
    return found


def unread_bytes(link: Connection) -> int:
    return struct.unpack("i", fcntl.ioctl(link.sock, termios.FIONREAD, b"\0" * 4))[0]


def wait_until_stalled(agent: Agent, link: Connection) -> None:
    """Wait until the agent has written all that the unread connection takes: it had many turns and wrote no more."""
    before, turns = -1, 0
    while turns < 200:
        agent.get_json("/health")
        now = unread_bytes(link)
        turns = turns + 1 if now == before and now > 50_000 else 0
        before = now


def test_what_is_there_is_told_after_the_registration_and_then_what_changes(
    host: Host, start_agent: Start, workspace: Path
) -> None:
    (workspace / "folder").mkdir()
    (workspace / "folder" / "file").touch()
    start_agent(temper=None, watch_workspace=True)
    link = host.accept()
    assert link.read()["type"] == "register"
    for path, is_dir in ((".", True), ("folder", True), ("folder/file", False)):
        assert link.read_until("fs_event")["payload"] == {"path": path, "operation": "create", "is_dir": is_dir}
    (workspace / "folder" / "file").rename(workspace / "moved")
    event = link.read_until("fs_event")
    assert event.keys() == {"type", "session_id", "timestamp", "payload"}
    assert event["payload"] == {"path": "moved", "operation": "rename", "is_dir": False, "old_path": "folder/file"}


def test_a_host_switches_the_watching_on_and_off_and_nothing_of_it_stays(
    host: Host, start_agent: Start, workspace: Path
) -> None:
    agent = start_agent(temper=None)
    link = host.accept()
    link.send("health_check", "before")
    link.read_until("health_response")
    assert inotify_instances(agent) == 0
    for _ in range(2):
        link.send("watch", enabled=True)
        assert link.read_until("fs_event")["payload"]["path"] == "."
        assert inotify_instances(agent) == 1
        link.send("watch", enabled=False)
        wait_for(lambda: inotify_instances(agent) == 0)


def test_names_that_are_not_utf_8_leave_the_lines_whole(host: Host, start_agent: Start, workspace: Path) -> None:
    start_agent(temper=None, watch_workspace=True)
    link = host.accept()
    assert link.read_until("fs_event")["payload"]["path"] == "."
    name = b"\xff\xfe\n\x01\xed\xa0\x80"
    os.mkdir(os.path.join(os.fsencode(workspace), name))
    path = link.read_until("fs_event")["payload"]["path"]
    assert path.encode("utf-8", "surrogateescape") == name


def test_a_host_that_reads_nothing_while_five_thousand_files_are_made_misses_none(
    host: Host, start_agent: Start, workspace: Path
) -> None:
    start_agent(temper=None, watch_workspace=True, heartbeat_interval_s=0.05)
    link = host.accept()
    copy: Copy = set()
    follow(link, copy, lambda: "." in copy)
    for folder in range(10):
        (workspace / f"{folder}").mkdir()
        for number in range(500):
            (workspace / f"{folder}" / f"{number}").touch()
    (workspace / "0").rename(workspace / "renamed")
    (workspace / "last").touch()
    wanted = names(workspace)
    rescans = follow(link, copy, lambda: copy == wanted)
    assert {event["reason"] for event in rescans} <= {"overflow", "backlog"}


def test_a_host_that_does_not_read_is_still_obeyed(host: Host, start_agent: Start, workspace: Path) -> None:
    agent = start_agent(temper=None, watch_workspace=True, log_level="debug")
    link = host.accept()
    assert link.read_until("fs_event")["payload"]["path"] == "."
    # More than the socket and the outbox hold.
    for number in range(2000):
        (workspace / f"{number}{'x' * 200}").touch()
    wait_until_stalled(agent, link)
    link.send("shutdown")
    assert agent.exit_code() == 0


def test_beats_and_answers_get_through_a_flood(host: Host, start_agent: Start, workspace: Path) -> None:
    start_agent(temper=None, watch_workspace=True, heartbeat_interval_s=0.01)
    link = host.accept()
    assert link.read_until("fs_event")["payload"]["path"] == "."
    for number in range(3000):
        (workspace / f"{number}").touch()
    link.send("health_check", "amid")
    kinds, events = [], 0
    while events < 3000:
        message = link.read()
        kinds.append(message["type"])
        events += message["type"] == "fs_event" and message["payload"]["operation"] == "create"
    last = len(kinds) - 1 - kinds[::-1].index("fs_event")
    assert kinds.index("health_response") < last
    assert "heartbeat" in kinds[kinds.index("fs_event") : last]


def test_a_host_that_comes_back_is_told_to_look_anew_and_what_has_changed(
    host: Host, start_agent: Start, workspace: Path
) -> None:
    start_agent(temper=None, watch_workspace=True)
    link = host.accept()
    assert link.read_until("fs_event")["payload"]["path"] == "."
    host.vanish()
    (workspace / "meanwhile").touch()
    host.listen()
    link = host.accept()
    assert link.read()["type"] == "register"
    events = [link.read_until("fs_event")["payload"] for _ in range(2)]
    # One event may have been waiting for the connection already.
    assert {"path": ".", "operation": "modify", "is_dir": True, "rescan": True, "reason": "reconnected"} in events
    assert {"path": "meanwhile", "operation": "create", "is_dir": False} in events


def test_a_first_connection_is_no_return(host: Host, start_agent: Start, workspace: Path) -> None:
    host.vanish()
    agent = start_agent(temper=None, watch_workspace=True)
    wait_for(lambda: inotify_instances(agent) == 1)
    host.listen()
    link = host.accept()
    assert link.read()["type"] == "register"
    assert link.read_until("fs_event")["payload"] == {"path": ".", "operation": "create", "is_dir": True}
    (workspace / "file").touch()
    assert link.read_until("fs_event")["payload"] == {"path": "file", "operation": "create", "is_dir": False}
