"""`cloche machine` as a person runs it, against a real daemon and the real agent."""

import asyncio
import io
import os
import stat
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.concurrency.tasks import spawn
from cloche.testing.api import RunningApi, running_api
from cloche.testing.command_line import Outcome, cloche
from cloche.testing.daemon import DaemonProcess
from cloche.testing.machine import Scripted

ENTRY = {
    "path": "/workspace/x",
    "size_bytes": 3,
    "is_dir": False,
    "is_link": False,
    "mod_time": "2026-01-01T00:00:00Z",
    "mode": "-rw-r--r--",
}


class Typist:
    """Who types `cloche machine …` about one session."""

    def __init__(self, daemon: DaemonProcess, session_id: str) -> None:
        self._server = {"CLOCHE_URL": daemon.base_url, "CLOCHE_KEY": daemon.key}
        self._session_id = session_id

    async def __call__(self, command: str, *arguments: str, stdin: bytes | None = None) -> Outcome:
        return await cloche("machine", command, self._session_id, *arguments, stdin=stdin, **self._server)


@pytest.fixture
async def typed(stub_daemon: DaemonProcess) -> Typist:
    return Typist(stub_daemon, (await stub_daemon.create_session(machine=True))["id"])


async def test_a_programs_words_and_exit_code_become_ours(typed: Typist) -> None:
    text = "cat; pwd; echo err >&2; exit 7"
    ran, late, killed, unknown, too_much = await asyncio.gather(
        typed("exec", "--cwd", "/workspace", "--", "sh", "-c", text, stdin=b"in\n"),
        typed("exec", "--timeout", "0.2", "--", "sh", "-c", "echo begun; sleep 20"),
        typed("exec", "--", "sh", "-c", "kill -9 $$"),
        typed("exec", "--", "no-such-program"),
        typed("exec", "--", "cat", stdin=bytes(600_000)),
    )
    assert (ran.code, ran.out.splitlines()[0], ran.err) == (7, "in", "err\n")
    assert (late.code, late.out) == (124, "begun\n")
    assert killed.code == 255
    assert unknown.code == 1 and unknown.err.endswith("[invalid_request]\n")
    assert too_much.code == 1 and "512 KiB" in too_much.err


async def test_files_go_in_and_come_out_whole_or_not_at_all(typed: Typist, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 4000)
    target.write_bytes(b"old")
    target.chmod(0o600)
    bystander = tmp_path / "target.part"
    bystander.write_bytes(b"mine")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert (await typed("put", str(source), "/workspace/in/x")).code == 0
    missing, nowhere, into_one = await asyncio.gather(
        typed("get", "/workspace/none", str(target)),
        typed("get", "/workspace/in/x", str(tmp_path / "none" / "x")),
        typed("get", "/workspace/in/x", str(tmp_path)),
    )
    assert missing.code == 1 and missing.err.endswith("[not_found]\n") and target.read_bytes() == b"old"
    assert nowhere.code == 1 and "could not be written" in nowhere.err
    assert into_one.code == 1 and "is a directory" in into_one.err
    assert (await typed("get", "/workspace/in/x", str(link))).code == 0
    assert target.read_bytes() == source.read_bytes() and link.is_symlink()
    assert bystander.read_bytes() == b"mine", "a file that happens to be there is nobody's scratch"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "source", "target", "target.part"]
    listed, as_json = await asyncio.gather(typed("ls", "/workspace/in"), typed("ls", "--json"))
    assert listed.out.splitlines()[1].split()[:2] == ["-rw-r--r--", "1024000"]
    assert [entry["name"] for entry in as_json.json] == ["in"]


async def test_what_is_no_file_is_written_to_and_stays_what_it_is(typed: Typist, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert (await typed("put", __file__, "/workspace/x")).code == 0
    reading = spawn(asyncio.to_thread(fifo.read_bytes), name="read")
    assert (await typed("get", "/workspace/x", str(fifo))).code == 0
    assert await asyncio.wait_for(reading, 5) == Path(__file__).read_bytes()
    assert stat.S_ISFIFO(fifo.stat().st_mode)


async def test_directories_go_in_and_come_out_as_archives(typed: Typist, tmp_path: Path) -> None:
    packed, again, first = tmp_path / "a.tar.zst", tmp_path / "b.zip", tmp_path / "c.zip"
    with zipfile.ZipFile(first, "w") as opened:
        opened.writestr("one", b"1")
    uploaded = await typed("upload", "--zip", "--replace", str(first), "/workspace/d")
    assert (uploaded.code, uploaded.out) == (0, "1 files, 1 bytes\n")
    assert (await typed("download", "/workspace/d", str(packed))).code == 0
    assert (await typed("upload", str(packed), "/workspace/e")).code == 0
    assert (await typed("download", "--zip", "/workspace/e", str(again))).code == 0
    assert zipfile.ZipFile(io.BytesIO(again.read_bytes())).read("one") == b"1"
    refused = await typed("upload", str(first), "/workspace/f")
    assert refused.code == 1 and refused.err.endswith("[invalid_request]\n")


async def test_the_browser_is_stopped_started_and_restarted(typed: Typist) -> None:
    running = await typed("ps")
    assert running.out.splitlines()[0].split() == ["PART", "STATE", "PID", "STARTED", "RESTARTS", "REASON"]
    assert (await typed("stop-browser")).out.startswith("stopped after ")
    again, parts = await asyncio.gather(typed("stop-browser"), typed("ps", "--json"))
    assert again.code == 1 and again.err.endswith("[conflict]\n")
    assert {each["name"]: each["state"] for each in parts.json["parts"]}["browser"] == "stopped"
    started = await typed("start-browser", "--json")
    assert started.json["browser"]["product"]
    restarted = await typed("restart-browser", "--flag", "--mark=x", "--start-url", "about:blank")
    assert restarted.code == 0 and "ready after" in restarted.out
    refused = await typed("restart-browser", "--profile", "/workspace/none")
    assert refused.code == 1


async def test_logs_are_printed(typed: Typist, tmp_path: Path) -> None:
    source = tmp_path / "log"
    source.write_bytes(b"one\n\x1b[31mtwo\n")
    assert (await typed("put", str(source), "/workspace/log")).code == 0
    text, lines, agent, none = await asyncio.gather(
        typed("logs", "/workspace/log"),
        typed("logs", "/workspace/log", "--tail", "1", "--json"),
        typed("logs", "agent", "--tail", "1"),
        typed("logs", "/workspace/none"),
    )
    assert text.out == "one\n�[31mtwo\n"
    assert lines.json["message"] == "\x1b[31mtwo"
    assert agent.code == 0 and len(agent.out.splitlines()) == 1
    assert none.code == 1 and none.err.endswith("[not_found]\n")


async def test_a_log_that_breaks_off_is_a_failure_and_a_gap_is_not(api: RunningApi) -> None:
    user = {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.user_key}
    session_id = (await api.session({"machine": True}))["id"]
    line, gap = b'data: {"timestamp":"2026-01-01T00:00:00Z","message":"a"}\n\n', b'data: {"event":"gap"}\n\n'
    streams = api.manager.session_machine.streams
    streams["GET /logs/stream"] = Scripted([line, gap, line], breaks_off=True)
    broken = await cloche("machine", "logs", session_id, "--follow", **user)
    assert (broken.code, broken.out) == (1, "a\na\n")
    assert broken.err.splitlines()[0] == "cloche: lines are missing here" and broken.err.endswith("[agent_failed]\n")


async def test_names_from_inside_do_not_steer_the_terminal(api: RunningApi) -> None:
    user = {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.user_key}
    session_id = (await api.session({"machine": True}))["id"]
    hostile = ENTRY | {"name": "\x1b]0;x\x07\n", "is_link": True, "link_target": "\x9b2J"}
    api.manager.session_machine.payloads["GET /fs/list_files"] = {"entries": [hostile], "truncated": False}
    listed = await cloche("machine", "ls", session_id, **user)
    assert listed.code == 0, listed.err
    assert all(line.isprintable() for line in listed.out.splitlines())
    assert len(listed.out.splitlines()) == 2


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running
