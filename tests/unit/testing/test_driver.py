import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import StartError
from cloche.ids import new_session_id
from cloche.sandbox.driver import Sandbox, SandboxState
from cloche.sandbox.spec import SandboxSpec
from cloche.testing.driver import FakeDriver, FakeHost, Temper
from cloche.wire.agent_config import AgentConfig
from cloche.wire.preface import Preface, StreamKind


@pytest.fixture
async def host() -> AsyncIterator[FakeHost]:
    with tempfile.TemporaryDirectory(prefix="f-") as root:
        yield FakeHost(Path(root))


def spec() -> SandboxSpec:
    session_id = new_session_id()
    return SandboxSpec(session_id=session_id, agent_config=AgentConfig(session_id=session_id, token="token"))


async def first_lines(sandbox: Sandbox, start: Any, count: int) -> list[dict[str, Any]]:
    """Listen on the link, start, and return the agent's first messages."""
    lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def on_link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            lines.put_nowait(json.loads(line))
        writer.close()

    server = await asyncio.start_unix_server(on_link, sandbox.link_path)
    await start
    async with asyncio.timeout(5):
        found = [await lines.get() for _ in range(count)]
    server.close()
    return found


async def test_a_good_sandbox_registers_with_its_token_and_reports_its_browser(host: FakeHost) -> None:
    driver = FakeDriver(host)
    sandbox = await driver.create(spec())
    register, browser = await first_lines(sandbox, driver.start(sandbox), 2)
    await driver.destroy(sandbox)
    assert (register["type"], register["payload"]["token"]) == ("register", "token")
    assert (browser["type"], browser["payload"]["state"]) == ("browser", "ready")


async def test_an_egress_stream_hands_over_a_listening_socket(host: FakeHost) -> None:
    driver = FakeDriver(host)
    sandbox = await driver.create(spec())
    await driver.start(sandbox)
    with await driver.connect(sandbox) as stream:
        stream.send(Preface(StreamKind.EGRESS, True).encode())
        stream.setblocking(True)
        answer, fds, _, _ = await asyncio.to_thread(socket.recv_fds, stream, 1024, 1)
    with socket.socket(fileno=fds[0]) as listener:
        assert json.loads(answer) == {"ok": True}
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    await driver.destroy(sandbox)


@pytest.mark.parametrize("temper", [Temper.FAILS_CREATE, Temper.FAILS_START])
async def test_a_bad_temper_fails_where_it_says(host: FakeHost, temper: Temper) -> None:
    driver = FakeDriver(host, temper)
    with pytest.raises(StartError):
        sandbox = await driver.create(spec())
        try:
            await driver.start(sandbox)
        finally:
            await driver.destroy(sandbox)
    assert host.sandboxes == {}


async def test_a_slow_start_waits_for_the_test(host: FakeHost) -> None:
    driver = FakeDriver(host, Temper.SLOW_START)
    sandbox = await driver.create(spec())
    starting = spawn(driver.start(sandbox), name="start")
    await asyncio.sleep(0)
    assert not starting.done()
    host.let_start.set()
    await starting
    assert (await driver.poll(sandbox)).state is SandboxState.RUNNING
    await driver.destroy(sandbox)


async def test_one_that_dies_after_its_start_is_seen_dead(host: FakeHost) -> None:
    driver = FakeDriver(host, Temper.DIES_AFTER_START)
    sandbox = await driver.create(spec())
    await driver.start(sandbox)
    agent = host.sandboxes[sandbox.session_id].agent
    assert agent is not None
    await asyncio.wait([agent])
    seen = await driver.poll(sandbox)
    await driver.destroy(sandbox)
    assert (seen.state, seen.exit_code, seen.reason) == (SandboxState.EXITED, 137, "killed")


async def test_one_that_never_registers_runs_all_the_same(host: FakeHost) -> None:
    driver = FakeDriver(host, Temper.NEVER_REGISTERS)
    sandbox = await driver.create(spec())
    dialled = asyncio.Event()
    server = await asyncio.start_unix_server(lambda *_: dialled.set(), sandbox.link_path)
    await driver.start(sandbox)
    (await driver.connect(sandbox)).close()
    assert (await driver.poll(sandbox)).state is SandboxState.RUNNING
    await driver.destroy(sandbox)
    server.close()
    assert not dialled.is_set()


async def test_one_that_hangs_on_stop_takes_all_of_its_grace(host: FakeHost) -> None:
    driver = FakeDriver(host, Temper.HANGS_ON_STOP)
    sandbox = await driver.create(spec())
    await driver.start(sandbox)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await driver.stop(sandbox, grace_s=0.1)
    assert loop.time() - began >= 0.1
    assert (await driver.poll(sandbox)).reason == "killed"
    await driver.destroy(sandbox)


async def test_each_sandbox_can_have_a_temper_of_its_own(host: FakeHost) -> None:
    bad = spec()
    driver = FakeDriver(host, lambda asked: Temper.FAILS_CREATE if asked is bad else Temper.OK)
    with pytest.raises(StartError):
        await driver.create(bad)
    await driver.destroy(await driver.create(spec()))
