"""Both Python clients and a session's machine, through a real daemon and the real agent."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from cloche.client.aio import Client
from cloche.client.sync import SyncClient
from cloche.errors import AgentError, ConflictError, GoneError, InvalidError, LostError, NotFoundError
from cloche.testing.api import RunningApi, running_api
from cloche.testing.daemon import DaemonProcess
from cloche.testing.machine import Scripted

COUNTER = ["sh", "-c", "read a; echo got $a; echo err >&2; exit 3"]
FILES = {"a.txt": b"one", "b/c.bin": bytes(range(256))}


def archive() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        for name, content in FILES.items():
            opened.writestr(name, content)
    return written.getvalue()


def contents(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


async def test_programs_files_logs_and_the_browser_are_used_asynchronously(stub_daemon: DaemonProcess) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 100_000

    async with Client(stub_daemon.base_url, stub_daemon.key) as client:
        machine = client.sessions.machine((await client.sessions.create(machine=True)).id)
        run = await machine.exec(COUNTER, stdin=b"in\n", cwd="/workspace", env={"A": "b"}, timeout_sec=10)
        assert (run.exit_code, run.stdout, run.stderr, run.timed_out) == (3, b"got in\n", b"err\n", False)
        assert (await machine.exec(["sleep", "9"], timeout_sec=0.1)).timed_out
        spawned = await machine.spawn(COUNTER)
        assert (await machine.status(spawned.process_id)).state == "running"
        assert spawned.process_id in {each.process_id for each in (await machine.programs()).processes}
        await machine.write_stdin(spawned.process_id, b"it\n", eof=True)
        printed = [each async for each in machine.output(spawned.process_id)]
        assert {(each.stream, each.data) for each in printed[:-1]} == {("stdout", b"got it\n"), ("stderr", b"err\n")}
        assert (printed[-1].event, printed[-1].exit_code) == ("exit", 3)
        assert b"".join([e.data async for e in machine.output(spawned.process_id, offset=11)]) == b""
        on_terminal = await machine.spawn(["sh", "-c", "stty size; read x"], tty=(7, 42))
        async with aclosing(machine.output(on_terminal.process_id)) as seen:
            assert (await anext(seen)).data == b"7 42\r\n"
        await machine.kill(on_terminal.process_id, "KILL")
        assert [each.signal async for each in machine.output(on_terminal.process_id)][-1] == 9

        await machine.create_directory("/workspace/d")
        await machine.write_file("/workspace/d/big", pieces(), mode="600")
        assert (await machine.file_info("/workspace/d/big")).mode == "-rw-------"
        assert len(b"".join([piece async for piece in machine.read_pieces("/workspace/d/big")])) == 300_000
        await machine.move("/workspace/d/big", "/workspace/d/moved")
        assert await machine.read_file("/workspace/d/moved") == b"x" * 300_000
        assert [entry.name for entry in await machine.list_files("/workspace/d")] == ["moved"]
        await machine.delete_file("/workspace/d/moved")
        uploaded = await machine.upload("/workspace/d", archive(), is_zip=True, replace=True)
        assert (uploaded.files, uploaded.bytes, uploaded.notes) == (2, 259, ())
        packed = b"".join([piece async for piece in machine.download("/workspace/d")])
        await machine.upload("/workspace/e", packed)
        assert contents(b"".join([p async for p in machine.download("/workspace/e", is_zip=True)])) == FILES
        await machine.delete_directory("/workspace/d")

        lines = [line.message async for line in machine.logs("path", path="/workspace/e/a.txt", follow=False)]
        assert lines == ["one"]
        assert [line.message async for line in machine.logs("agent", follow=False, tail=1)]
        assert {"agent", "browser"} <= {part.name for part in (await machine.parts()).parts}
        assert (await machine.stop_browser()).state == "stopped"
        assert (await machine.start_browser()).browser["product"]
        assert (await machine.restart_browser(flags=["--mark=x"], restore_tabs=False)).restored_tabs == 0


async def test_the_synchronous_client_does_the_same(stub_daemon: DaemonProcess) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x" * 100_000

    def use() -> None:
        with SyncClient(stub_daemon.base_url, stub_daemon.key) as client:
            machine = client.sessions.machine(client.sessions.create(machine=True).id)
            run = machine.exec(COUNTER, stdin=b"in\n", kill_on_disconnect=True)
            assert (run.exit_code, run.stdout, run.stderr) == (3, b"got in\n", b"err\n")
            spawned = machine.spawn(COUNTER, cwd="/workspace")
            assert machine.status(spawned.process_id).state == "running"
            assert [each.process_id for each in machine.programs().processes if each.state == "running"] == [
                spawned.process_id
            ]
            machine.write_stdin(spawned.process_id, b"it\n")
            assert [each.exit_code for each in machine.output(spawned.process_id)][-1] == 3
            lasting = machine.spawn(["sleep", "30"])
            machine.kill(lasting.process_id)
            assert [each.signal for each in machine.output(lasting.process_id)][-1] == 15

            machine.create_directory("/workspace/d")
            machine.write_file("/workspace/d/big", pieces())
            assert machine.file_info("/workspace/d/big").size_bytes == 300_000
            assert b"".join(machine.read_pieces("/workspace/d/big")) == machine.read_file("/workspace/d/big")
            machine.move("/workspace/d/big", "/workspace/d/moved")
            assert [entry.name for entry in machine.list_files("/workspace/d")] == ["moved"]
            machine.delete_file("/workspace/d/moved")
            assert machine.upload("/workspace/d", archive(), is_zip=True).files == 2
            machine.upload("/workspace/e", machine.download("/workspace/d"), replace=True)
            assert contents(b"".join(machine.download("/workspace/e", is_zip=True))) == FILES
            machine.delete_directory("/workspace/d")

            lines = machine.logs("path", path="/workspace/e/a.txt", follow=False)
            assert [(line.message, line.partial) for line in lines] == [("one", True)]
            assert {"agent", "browser"} <= {part.name for part in machine.parts().parts}
            assert machine.stop_browser().state == "stopped"
            assert machine.start_browser().total_ms > 0
            assert machine.restart_browser().stop_ms > 0

    await asyncio.to_thread(use)


async def test_what_is_refused_comes_back_as_the_error_it_was(stub_daemon: DaemonProcess) -> None:
    async def large() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 100_000

    async with Client(stub_daemon.base_url, stub_daemon.key) as client:
        session = await client.sessions.create(machine=True)
        machine = client.sessions.machine(session.id)
        with pytest.raises(InvalidError):
            await machine.exec([])
        with pytest.raises(InvalidError) as unknown:
            await machine.exec(["no-such-program"])
        assert unknown.value.fields["reason"] == "command_not_found"
        with pytest.raises(NotFoundError):
            await machine.read_file("/workspace/none")
        with pytest.raises(NotFoundError):
            await anext(machine.read_pieces("/workspace/none"))
        with pytest.raises(NotFoundError):
            await anext(machine.logs("path", path="/workspace/none"))
        for _ in range(3):
            # It is refused while its body is still on the way, which must not cost the reason.
            with pytest.raises(ConflictError) as refused:
                await machine.write_file("/profile/x", large())
            assert refused.value.fields["reason"] == "browser_running"

        async with aclosing(machine.logs("agent", tail=1)) as lines:
            assert (await anext(lines)).message
            await client.sessions.close(session.id)
            with pytest.raises(GoneError) as gone:
                async for _ in lines:
                    pass
        assert gone.value.fields["reason"] == "closed_by_user"


async def test_a_stream_that_breaks_off_is_no_end(api: RunningApi) -> None:
    machine_id = (await api.session({"machine": True}))["id"]
    streams = api.manager.session_machine.streams
    line = b'data: {"timestamp":"2026-01-01T00:00:00Z","message":"a"}\n\n'
    gap = b'data: {"event":"gap","missed_lines":3}\n\n'
    async with Client(api.url, api.user_key) as client:
        machine = client.sessions.machine(machine_id)
        streams["GET /logs/stream"] = Scripted([b": still here\n\n", line, gap], breaks_off=True)
        lines = machine.logs("agent")
        assert (await anext(lines)).message == "a"
        assert (await anext(lines)).missed_lines == 3
        with pytest.raises(AgentError):
            await anext(lines)
        streams["GET /logs/stream"] = Scripted([line, line[:20]], breaks_off=True)
        lines = machine.logs("agent")
        assert (await anext(lines)).message == "a"
        with pytest.raises(LostError):
            await anext(lines)


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running
