import asyncio
import socket

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, ConflictError, DeadlineError, GoneError, LostError
from cloche.sessions import entrance as module
from cloche.sessions.model import EventType, SessionRequest
from cloche.testing.agent import Handed
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.session_world import ADMIN, ANN, World
from cloche.wire.agent_config import DEVTOOLS_PORT


async def greeting(connection: socket.socket) -> bytes:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 100), 5)


async def test_a_client_dials_the_browser_and_learns_its_path(world: World) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id) as attachment:
        with await attachment.dial() as connection:
            assert connection.getpeername() == ("127.0.0.1", DEVTOOLS_PORT)
            assert await greeting(connection) == b"hello"
        assert attachment.browser_path == world.agent(session).devtools_path
        assert not attachment.ended.done()


async def test_clients_are_counted_and_their_coming_and_going_told(world: World) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id), world.manager.attach(None, session.id, quiet=True):
        assert (await world.manager.get(ANN, session.id)).usage.devtools_clients == 2
        assert world.measured()["cloche_devtools_clients"] == 2
    assert (await world.manager.get(ANN, session.id)).usage.devtools_clients == 0
    assert world.measured()["cloche_devtools_clients"] == 0

    history = await world.history(session.id)
    assert history[-2:] == ["devtools.attached", "devtools.detached"], "the quiet one left no trace"


async def test_a_client_whose_block_breaks_is_counted_out(world: World) -> None:
    session = await world.ready()
    with pytest.raises(ZeroDivisionError):
        async with world.manager.attach(ANN, session.id):
            raise ZeroDivisionError

    assert (await world.manager.get(ANN, session.id)).usage.devtools_clients == 0


async def test_a_dial_waits_for_a_browser_that_is_starting_again_and_gets_the_new_one(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    async with world.manager.attach(ANN, session.id) as attachment:
        first = attachment.browser_path
        await agent.crash_browser()
        assert await asyncio.wait_for(attachment.ended, 5) == "browser_restarting"
        await world.told(session.id, EventType.BROWSER_RESTARTING)
        dialling = spawn(attachment.dial(), name="dial")
        await asyncio.sleep(0)
        assert not dialling.done()
        await agent.restart_browser()
        with await asyncio.wait_for(dialling, 5) as connection:
            assert await greeting(connection) == b"hello"
        assert attachment.browser_path == agent.devtools_path != first
        assert not attachment.ended.done()
    exited = await world.told(session.id, EventType.BROWSER_EXITED)
    assert (exited.data["reason"], exited.data["signal"]) == ("crashed", 11)
    assert (await world.manager.get(ANN, session.id)).usage.browser_restarts == 1
    assert world.measured()["cloche_browser_exits_total"] == 1


async def test_the_wait_for_a_browser_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTACH_WAIT_S", 0.05)
    session = await world.ready()
    await world.agent(session).crash_browser()
    await world.told(session.id, EventType.BROWSER_RESTARTING)
    async with world.manager.attach(ANN, session.id) as attachment:
        with pytest.raises(DeadlineError):
            await attachment.dial()


async def test_one_that_waits_for_a_browser_when_the_session_ends_is_told_so_at_once(world: World) -> None:
    session = await world.ready()
    await world.agent(session).crash_browser()
    await world.told(session.id, EventType.BROWSER_RESTARTING)
    async with world.manager.attach(ANN, session.id) as attachment:
        dialling = spawn(attachment.dial(), name="dial")
        await asyncio.sleep(0)
        await world.manager.close(ANN, session.id)
        with pytest.raises(GoneError) as caught:
            await asyncio.wait_for(dialling, 1)
    assert caught.value.fields["reason"] == "closed_by_user"


async def test_every_client_learns_why_the_session_ended(world: World) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id) as one, world.manager.attach(ADMIN, session.id) as other:
        await world.manager.close(ANN, session.id)
        assert one.ended.result() == other.ended.result() == "closed_by_user"
        with pytest.raises(GoneError):
            await one.dial()


async def test_nobody_attaches_to_a_session_that_has_ended_or_not_begun(world: World, driver: AgentDriver) -> None:
    session = await world.ready()
    await world.manager.close(ANN, session.id)
    with pytest.raises(GoneError) as caught:
        async with world.manager.attach(None, session.id):
            pytest.fail("it has ended")
    assert caught.value.fields["reason"] == "closed_by_user"

    driver.holds["start"] = asyncio.Event()
    pending = await world.manager.create(ANN, SessionRequest(), wait=False)
    with pytest.raises(ConflictError):
        async with world.manager.attach(ANN, pending.id):
            pytest.fail("it has not begun")
    with pytest.raises(ConflictError):
        await world.manager.agent(ANN, pending.id)
    driver.holds.pop("start").set()
    await world.told(pending.id, EventType.READY)


async def test_a_browser_connection_that_is_none_is_refused(world: World) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id) as attachment:
        for handed in (Handed.NOTHING, Handed.FILE, Handed.WRONG_PORT):
            world.agent(session).handed = handed
            with pytest.raises(AgentError):
                await attachment.dial()
        world.agent(session).handed = Handed.RIGHT
        (await attachment.dial()).close()


@pytest.mark.parametrize(
    ("error", "expected"), [(LostError("gone"), LostError), (ConnectionRefusedError(), AgentError)]
)
async def test_a_driver_that_cannot_connect_is_the_sandboxs_fault(
    world: World, driver: AgentDriver, error: Exception, expected: type[Exception]
) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id) as attachment:
        driver.fails["connect"] = error
        with pytest.raises(expected):
            await attachment.dial()


async def test_many_dial_at_once(world: World) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id) as attachment:
        connections = await asyncio.gather(*(attachment.dial() for _ in range(20)))
        for connection in connections:
            connection.close()
