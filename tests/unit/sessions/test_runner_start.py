import asyncio
import contextlib
import socket
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, ClocheError, DeadlineError, InternalError, StartError
from cloche.sessions import entrance as module
from cloche.sessions.model import BudgetRequest, EgressOptions, EventType, Session, SessionRequest, SessionStatus
from cloche.testing.agent import PRODUCT, AgentTemper, Handed
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.session_world import ADMIN, ANN, World


async def failed(world: World, error: type[ClocheError] = StartError) -> tuple[ClocheError, Session]:
    """A create that fails; nothing of it may be left but the row."""
    with capture_logs(), pytest.raises(error) as caught:
        await world.ready()
    (session,) = (await world.manager.list(ADMIN)).sessions
    assert session.status is SessionStatus.FAILED
    assert session.reason == "start_failed"
    assert session.closed_at is not None
    assert world.driver.host.sandboxes == {}
    assert world.live == 0
    return caught.value, session


async def test_a_session_comes_up_step_by_step(world: World) -> None:
    session = await world.ready(labels={"a": "1"})

    assert session.status is SessionStatus.READY
    assert session.browser is not None
    assert session.browser.product == PRODUCT
    assert await world.history(session.id) == ["session.created", "browser.ready", "session.ready"]
    assert world.measured()["cloche_sessions_created_total"] == 1


async def test_the_agent_is_told_its_lease(world: World) -> None:
    session = await world.ready()
    async with asyncio.timeout(5):
        while not world.agent(session).commands:
            await asyncio.sleep(0.005)

    assert world.agent(session).commands[0].payload == {"ttl_s": 30}


async def test_the_gateway_serves_the_sandboxs_listener(world: World) -> None:
    session = await world.ready()
    reader, writer = await asyncio.open_connection("127.0.0.1", 1080)
    writer.write(b"\x05\x01\x00")  # RFC 1928: version 5, one method, no authentication
    assert await asyncio.wait_for(reader.readexactly(2), 5) == b"\x05\x00"
    writer.write(b"\x05\x01\x00\x01\x0a\x4d\x00\x05\x00\x50")  # connect to 10.77.0.5:80
    assert (await asyncio.wait_for(reader.readexactly(10), 5))[1] != 0
    writer.close()
    await writer.wait_closed()

    refused = await world.told(session.id, EventType.EGRESS_REFUSED)
    assert (refused.data["host"], refused.data["port"]) == ("10.77.0.5", 80)
    assert refused.data["reason"] == "address_not_public"
    assert (await world.manager.get(ANN, session.id)).usage.egress_refusals == 1


async def test_a_byte_budget_that_runs_out_is_told_once_and_closes_the_way_out(world: World) -> None:
    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 1000)
        writer.close()

    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    session = await world.ready(
        egress=EgressOptions(private_hosts=(f"127.0.0.1:{port}",)), budget=BudgetRequest(egress_bytes=100)
    )
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", 1080)
        writer.write(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01" + port.to_bytes(2, "big"))
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    server.close()

    assert (await world.told(session.id, EventType.BUDGET_EXHAUSTED)).data == {"what": "egress_bytes"}
    assert (await world.history(session.id)).count("budget.exhausted") == 1
    assert (await world.manager.get(ANN, session.id)).usage.egress_bytes_in == 100


@pytest.mark.parametrize("verb", ["create", "start", "connect"])
@pytest.mark.parametrize(
    "error",
    [StartError("no room", reason="run_dir_full"), InternalError("broken"), OSError("disk"), ValueError("bug")],
    ids=lambda error: type(error).__name__,
)
async def test_a_driver_that_fails_at_a_verb_fails_the_start_and_leaves_nothing(
    world: World, verb: str, error: Exception
) -> None:
    world.driver.fails[verb] = error
    caught, session = await failed(world, ClocheError)

    if isinstance(error, StartError):
        assert isinstance(caught, StartError)
        assert caught.reason == "run_dir_full"
        assert (await world.told(session.id, EventType.FAILED)).data["detail"] == "run_dir_full"
    else:
        assert isinstance(caught, InternalError)
        assert str(error) not in caught.detail or isinstance(error, ClocheError)


@pytest.mark.parametrize("verb", ["stop", "destroy"])
async def test_a_driver_that_cannot_even_clean_up_does_not_hide_why_the_start_failed(world: World, verb: str) -> None:
    world.driver.fails["connect"] = StartError("no", reason="sandbox_died_at_start")
    world.driver.fails[verb] = InternalError("cannot")
    with capture_logs(), pytest.raises(StartError) as caught:
        await world.ready()

    assert caught.value.reason == "sandbox_died_at_start"
    (session,) = (await world.manager.list(ADMIN)).sessions
    assert (session.status, world.live) == (SessionStatus.FAILED, 0)
    # What the driver could not remove is a leftover that no row wants: the next start reaps it.
    world.driver.fails.clear()
    await world.recover()


async def test_an_agent_that_never_registers_is_not_waited_for_beyond_the_start_timeout(
    make_world: Callable[..., World], driver: AgentDriver
) -> None:
    driver.agent_temper = AgentTemper.NEVER_REGISTERS
    caught, _ = await failed(make_world(start_timeout_s=0.1))

    assert isinstance(caught, StartError)
    assert caught.reason == "start_timeout"


@pytest.mark.parametrize(
    "temper", [AgentTemper.WRONG_TOKEN, AgentTemper.GARBAGE, AgentTemper.OVERSIZE, AgentTemper.HALF_LINE]
)
async def test_an_agent_that_does_not_keep_to_the_protocol_is_never_registered(
    make_world: Callable[..., World], driver: AgentDriver, temper: AgentTemper
) -> None:
    driver.agent_temper = temper
    caught, _ = await failed(make_world(start_timeout_s=0.2))

    assert isinstance(caught, StartError)
    assert caught.reason == "start_timeout"


async def test_a_sandbox_that_dies_before_its_agent_registers_is_noticed_early(
    world: World, driver: AgentDriver
) -> None:
    driver.agent_temper = AgentTemper.NEVER_REGISTERS

    async def kill() -> None:
        await driver.reached["start"].wait()
        while not driver.agents:
            await asyncio.sleep(0)
        next(iter(driver.agents.values())).end()

    killing = spawn(kill(), name="kill")
    caught, _ = await failed(world)
    await killing

    assert isinstance(caught, StartError)
    assert caught.reason == "sandbox_died_at_start"


async def test_a_browser_that_cannot_be_executed_gives_its_own_reason(world: World, driver: AgentDriver) -> None:
    driver.agent_temper = AgentTemper.GIVES_UP
    for _ in range(5):  # the news and the end of the guest socket race with each other
        with capture_logs(), pytest.raises(StartError) as caught:
            await world.ready()
        assert caught.value.reason == "exec_failed"


async def test_a_reason_that_the_agent_made_up_becomes_no_label_of_ours(world: World, driver: AgentDriver) -> None:
    """Else a hostile sandbox could fill the metrics with series."""
    driver.agent_temper = AgentTemper.NO_BROWSER
    creating = spawn(world.ready(), name="create")
    await driver.reached["connect"].wait()
    agent = next(iter(driver.agents.values()))
    await agent.give_up("made_up_1234567")
    with capture_logs(), pytest.raises(StartError) as caught:
        await creating

    assert caught.value.reason == "browser_gave_up"
    assert not any("made_up" in series for series in world.measured())


async def test_an_agent_that_vanishes_after_it_registered_fails_the_start(world: World, driver: AgentDriver) -> None:
    driver.agent_temper = AgentTemper.VANISHES
    for _ in range(5):
        with capture_logs(), pytest.raises(ClocheError) as caught:
            await world.ready()
        assert isinstance(caught.value, StartError | AgentError)
    assert world.live == 0


async def test_a_browser_that_is_never_ready_is_not_waited_for_beyond_the_start_timeout(
    make_world: Callable[..., World], driver: AgentDriver
) -> None:
    driver.agent_temper = AgentTemper.NO_BROWSER
    caught, _ = await failed(make_world(start_timeout_s=0.2))

    assert isinstance(caught, StartError)
    assert caught.reason == "start_timeout"


async def test_a_guest_socket_that_does_not_answer_fails_the_start(
    world: World, driver: AgentDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.agent_link.streams.ANSWER_SLACK_S", 0.05)
    driver.agent_temper = AgentTemper.SILENT_GUEST
    await failed(world, DeadlineError)


@pytest.mark.parametrize("handed", [handed for handed in Handed if handed is not Handed.RIGHT])
async def test_an_agent_that_hands_over_something_else_fails_the_start(
    world: World, driver: AgentDriver, handed: Handed
) -> None:
    driver.handed = handed
    await failed(world, AgentError)


async def test_a_client_that_goes_away_in_the_middle_leaves_a_session_that_is_listed(
    world: World, driver: AgentDriver
) -> None:
    driver.holds["start"] = asyncio.Event()
    creating = spawn(world.ready(), name="create")
    await driver.reached["start"].wait()
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    (session,) = (await world.manager.list(ANN)).sessions
    assert session.status is SessionStatus.PENDING
    driver.holds["start"].set()
    await world.told(session.id, EventType.READY)

    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_without_waiting_the_session_is_pending_and_comes_up_by_itself(world: World) -> None:
    pending = await world.manager.create(ANN, SessionRequest(), wait=False)

    assert pending.status is SessionStatus.PENDING
    assert (await world.manager.get(ANN, pending.id)).status is SessionStatus.PENDING
    await world.told(pending.id, EventType.READY)


@pytest.mark.parametrize("verb", ["create", "start", "connect"])
async def test_a_session_closed_while_it_starts_ends_once_and_leaves_nothing(
    world: World, driver: AgentDriver, verb: str
) -> None:
    driver.holds[verb] = asyncio.Event()
    creating = spawn(world.ready(), name="create")
    await driver.reached[verb].wait()
    (pending,) = (await world.manager.list(ANN)).sessions
    async with asyncio.timeout(5):
        closing = spawn(world.manager.close(ANN, pending.id), name="close")
        await asyncio.sleep(0)
        driver.holds.pop(verb).set()
        closed = await closing
        with capture_logs():
            outcome = (await asyncio.gather(creating, return_exceptions=True))[0]

    assert (closed.status, closed.reason) == (SessionStatus.CLOSED, "closed_by_user")
    assert isinstance(outcome, ClocheError) or outcome.status is SessionStatus.CLOSED
    assert world.driver.host.sandboxes == {}
    assert (world.live, world.measured()['cloche_sessions_ended_total{reason="closed_by_user"}']) == (0, 1)
    steps = [step for step in await world.history(pending.id) if step.startswith("session.")]
    assert steps == ["session.created", "session.closing", "session.closed"]


async def test_a_session_closed_while_the_driver_hangs_in_create_does_not_leave_the_sandbox_it_makes_later(
    world: World, driver: AgentDriver
) -> None:
    """Closing does not wait for the driver to come back by itself: it cancels it."""
    driver.holds["create"] = asyncio.Event()
    creating = spawn(world.ready(), name="create")
    await driver.reached["create"].wait()
    (pending,) = (await world.manager.list(ANN)).sessions
    async with asyncio.timeout(5):
        await world.manager.close(ANN, pending.id)
        with capture_logs():
            await asyncio.gather(creating, return_exceptions=True)

    assert driver.host.sandboxes == {}
    assert world.live == 0


async def test_a_link_that_cannot_be_bound_fails_the_start(
    world: World, driver: AgentDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_socket(*_: object) -> socket.socket:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cloche.agent_link.listen._bind", no_socket)
    caught, _ = await failed(world)

    assert isinstance(caught, StartError)
    assert caught.reason == "run_dir_full"
    assert "space" not in caught.detail


def test_how_long_a_client_may_wait_is_bounded() -> None:
    assert module.ATTACH_WAIT_S <= 60
