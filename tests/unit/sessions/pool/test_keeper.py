"""Warm sandboxes are built ahead, given away once, and never when something has happened to them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ConflictError, InternalError, LostError, StartError
from cloche.ids import SessionId
from cloche.sandbox.driver import Observation, SandboxState, Usage
from cloche.sandbox.spec import SandboxSpec
from cloche.sessions import rows
from cloche.sessions import runner as runner_module
from cloche.sessions.model import BudgetRequest, EventType, SessionOptions, SessionStatus, Started, Viewport
from cloche.sessions.pool import keeper as module
from cloche.sessions.pool.keeper import PoolSettings
from cloche.sessions.pool.warm import Warm
from cloche.sessions.pressure.judge import Resource
from cloche.sessions.pressure.relief import Need
from cloche.sessions.profiles.keeper import Beginning
from cloche.sessions.runner import SessionRunner
from cloche.storage.database import Database
from cloche.testing.agent import AgentTemper
from cloche.testing.cancelling import cancelled_at
from cloche.testing.session_world import ANN, BOB, World
from cloche.wire.agent_config import EGRESS_PORT
from cloche.wire.messages import BrowserState, FromAgent
from cloche.wire.preface import StreamKind

from .conftest import Make, asleep, until

PHONE = Viewport(width=400)
SOCKS_GREETING, SOCKS_NO_PASSWORD = b"\x05\x01\x00", b"\x05\x00"  # RFC 1928, section 3


def counted(world: World, series: str, **labels: str) -> float:
    wanted = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return world.measured().get(f"cloche_pool_{series}" + (f"{{{wanted}}}" if wanted else ""), 0.0)


def hits(world: World) -> float:
    return counted(world, "takes_total", outcome="hit", pool="default")


async def test_a_create_takes_one_that_was_built_before(pool: World) -> None:
    waiting = set(pool.driver.host.sandboxes)
    session = await pool.ready(labels={"a": "1"})

    assert session.id in waiting
    assert session.status is SessionStatus.READY
    assert not pool.driver.host.sandboxes[session.id].is_frozen
    assert session.browser is not None, "what its agent said before is known"
    assert await pool.history(session.id) == ["session.created", "browser.ready", "session.ready"]
    assert hits(pool) == 1


async def test_what_its_browser_connects_to_is_there_before_it_is_taken(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    world.manager.begin_pool()
    await until(lambda: len(asleep(world)) == 1)
    world.driver.holds["create"] = asyncio.Event()  # no other listens beside it
    (agent,) = world.driver.agents.values()
    assert agent.asked == [StreamKind.EGRESS]
    reader, writer = await asyncio.open_connection("127.0.0.1", EGRESS_PORT)
    writer.write(SOCKS_GREETING)

    session = await world.ready()

    async with asyncio.timeout(5):
        assert await reader.readexactly(2) == SOCKS_NO_PASSWORD, "it waited for whoever takes the sandbox"
    writer.close()
    assert world.agent(session).asked == [StreamKind.EGRESS]


async def test_what_nobody_takes_listens_no_more(make_world: Make) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    world.manager.begin_pool()
    await until(lambda: len(asleep(world)) == 1)
    (warm,) = (warm for stock in world.manager.pool.stocks for warm in stock.warm)
    await world.manager.drain()

    assert warm.take_way_out() is None
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", EGRESS_PORT)


@pytest.mark.parametrize(
    ("request_", "status"), [({}, SessionStatus.READY), ({"start_url": "about:blank"}, SessionStatus.PENDING)]
)
async def test_what_needs_nothing_more_is_written_down_as_ready_before_it_is_taken_over(
    pool: World, database: Database, monkeypatch: pytest.MonkeyPatch, request_: dict[str, Any], status: SessionStatus
) -> None:
    """One transaction in place of two; a daemon that dies in between leaves a session that the next one adopts."""
    held, take_over = asyncio.Event(), SessionRunner.take_over

    async def later(runner: SessionRunner) -> None:
        await held.wait()
        await take_over(runner)

    async def open_start_page(*_: object) -> None:
        """No browser is there that could."""

    monkeypatch.setattr(SessionRunner, "take_over", later)
    monkeypatch.setattr(runner_module, "open_start_page", open_start_page)
    creating = spawn(pool.ready(**request_), name="creating")
    found: dict[Any, rows.Unfinished] = {}
    async with asyncio.timeout(5):
        while not found:
            await asyncio.sleep(0.005)
            async with database.read() as connection:
                found = await rows.unfinished(connection)
    ((session_id, row),) = found.items()
    assert row.session.status is status
    assert (row.session.browser is not None) is (status is SessionStatus.READY)
    assert (await pool.manager.get(ANN, session_id)).status is SessionStatus.PENDING
    held.set()
    assert (await creating).status is SessionStatus.READY


async def test_each_is_given_once_and_another_takes_its_place(pool: World) -> None:
    first, second = await asyncio.gather(pool.ready(ANN), pool.ready(BOB))
    assert first.id != second.id
    assert hits(pool) == 2
    await until(lambda: len(asleep(pool)) >= 2)

    await pool.manager.close(ANN, first.id)
    third = await pool.ready(BOB)
    assert third.id not in {first.id, second.id}


async def test_when_none_is_left_a_session_is_built_from_nothing(pool: World) -> None:
    pool.driver.holds["create"] = asyncio.Event()  # nothing new comes up
    await pool.ready()
    await pool.ready()
    cold = spawn(pool.ready(), name="cold")
    await until(lambda: counted(pool, "takes_total", outcome="miss", pool="default") == 1)
    pool.driver.holds["create"].set()

    assert (await cold).status is SessionStatus.READY


async def dies(world: World, session_id: Any) -> None:
    world.driver.host.end(session_id)


async def loses_its_agent(world: World, session_id: Any) -> None:
    await world.driver.agents[session_id].lose_link()


async def loses_its_browser(world: World, session_id: Any) -> None:
    await world.driver.agents[session_id].crash_browser()


async def speaks_nonsense(world: World, session_id: Any) -> None:
    await world.driver.agents[session_id].say_raw(b"nonsense\n")


async def runs_a_program(world: World, session_id: Any) -> None:
    await world.driver.agents[session_id].heartbeat(programs=1)


@pytest.mark.parametrize(
    "happens", [dies, loses_its_agent, loses_its_browser, speaks_nonsense, runs_a_program], ids=lambda f: f.__name__
)
async def test_one_that_something_happened_to_is_never_given_away(
    make_world: Make, chromium: None, happens: Callable[[World, Any], Awaitable[None]]
) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    world.manager.begin_pool()
    await until(lambda: len(asleep(world)) == 1)
    (spoilt,) = world.driver.host.sandboxes
    await happens(world, spoilt)
    await until(lambda: spoilt not in world.driver.host.sandboxes)

    assert (await world.ready()).id != spoilt


async def test_a_death_that_its_link_does_not_show_is_noticed_by_who_takes_it(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, poll = set(pool.driver.host.sandboxes), pool.driver.poll

    async def dead(sandbox: Any) -> Observation:
        return Observation(SandboxState.EXITED) if sandbox.session_id in waiting else await poll(sandbox)

    monkeypatch.setattr(pool.driver, "poll", dead)
    assert (await pool.ready()).id not in waiting


async def test_death_is_noticed_by_who_takes_it_also_between_two_looks(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 3600)
    await asyncio.sleep(0.05)  # the look that was under way
    waiting = set(pool.driver.host.sandboxes)
    for session_id in waiting:
        pool.driver.host.end(session_id)
    await until(lambda: all(pool.driver.host.sandboxes[id_].agent.done() for id_ in waiting))  # type: ignore[union-attr]
    session = await pool.ready()

    assert session.id not in waiting
    assert counted(pool, "discarded_total", reason="agent_lost") == 2


async def test_one_whose_memory_ran_out_while_it_waited_is_not_given_away(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = set(pool.driver.host.sandboxes)
    poll = pool.driver.poll

    async def out_of_memory(sandbox: Any) -> Observation:
        if sandbox.session_id in waiting:
            return Observation(SandboxState.RUNNING, usage=Usage(out_of_memory_kills=1))
        return await poll(sandbox)

    monkeypatch.setattr(pool.driver, "poll", out_of_memory)
    assert (await pool.ready()).id not in waiting


async def test_a_shape_that_is_asked_for_again_gets_a_stock(pool: World) -> None:
    first, second = await pool.ready(viewport=PHONE), await pool.ready(viewport=PHONE)
    assert hits(pool) == 0
    cold = {first.id, second.id}
    await until(lambda: len(waiting_with(pool, "--window-size=400,800") - cold) == 2)
    ready = waiting_with(pool, "--window-size=400,800") - cold

    assert (await pool.ready(viewport=PHONE)).id in ready
    assert hits(pool) == 1


def waiting_with(world: World, flag: str) -> set[str]:
    def has(spec: SandboxSpec) -> bool:
        return spec.agent_config.browser is not None and flag in spec.agent_config.browser.args

    return {id_ for id_, facts in world.driver.host.sandboxes.items() if has(facts.spec)}


async def test_a_shape_nobody_asks_for_any_more_is_forgotten(pool: World) -> None:
    for session in [await pool.ready(viewport=PHONE), await pool.ready(viewport=PHONE)]:
        await pool.manager.close(ANN, session.id)
    await until(lambda: len(waiting_with(pool, "--window-size=400,800")) == 2)
    pool.clock.advance(400)
    await until(lambda: not waiting_with(pool, "--window-size=400,800"))

    assert counted(pool, "discarded_total", reason="superfluous") == 2
    assert len(asleep(pool)) == 2


async def test_no_more_wait_than_the_server_allows(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=2, most=3, settle_s=0))
    world.manager.begin_pool()
    for _ in range(6):
        await world.ready(viewport=PHONE)
    await until(lambda: len(asleep(world)) == 3)
    await asyncio.sleep(0.1)

    assert len(asleep(world)) == 3
    assert counted(world, "wanted", pool="default") == 3


async def test_without_a_size_nothing_waits_and_nothing_is_learnt(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=0))
    world.manager.begin_pool()
    sessions = [await world.ready() for _ in range(3)]
    await asyncio.sleep(0.1)

    assert set(world.driver.host.sandboxes) == {session.id for session in sessions}
    assert counted(world, "takes_total", outcome="miss", pool="default") == 0


async def test_nothing_is_built_while_somebody_waits_for_a_session(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    world.driver.holds["create"] = asyncio.Event()
    coming = spawn(world.ready(), name="coming")
    await world.driver.reached["create"].wait()
    world.manager.begin_pool()
    await asyncio.sleep(0.3)
    assert world.driver.calls["create"] == 1
    world.driver.holds.pop("create").set()
    session = await coming

    await until(lambda: len(asleep(world)) == 1)
    assert set(world.driver.host.sandboxes) > {session.id}


async def test_where_somebody_always_waits_one_is_built_all_the_same(
    make_world: Make, chromium: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_YIELD_S", 0.1)
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    monkeypatch.setattr(type(world.manager), "is_busy", True)
    world.manager.begin_pool()
    await until(lambda: len(asleep(world)) == 1)


async def test_what_cannot_be_built_is_tried_again_later_each_time(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    world.driver.fails["create"] = StartError("no room", reason="run_dir_full")
    world.manager.begin_pool()
    tries = []
    for seconds in (0, 0.9, 0.2, 1.8, 0.3):
        world.clock.advance(seconds)
        await asyncio.sleep(0.3)
        tries.append(world.driver.calls["create"])
    assert tries == [1, 1, 2, 2, 3]

    world.driver.fails.clear()
    world.clock.advance(60)
    await until(lambda: len(asleep(world)) == 1)


@pytest.mark.parametrize("temper", [AgentTemper.GIVES_UP, AgentTemper.VANISHES, AgentTemper.GARBAGE])
async def test_of_one_that_does_not_come_up_nothing_is_left(
    make_world: Make, chromium: None, temper: AgentTemper
) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    world.driver.agent_temper = temper
    world.manager.begin_pool()
    await until(lambda: world.driver.calls["create"] == 1 and world.driver.calls["start"] == 1)
    await until(lambda: counted(world, "discarded_total", reason="not_built") == 1 or temper is AgentTemper.GARBAGE)
    await world.manager.drain()

    assert world.driver.host.sandboxes == {}


async def test_the_old_make_room_for_fresh_ones(pool: World) -> None:
    old = set(pool.driver.host.sandboxes)
    pool.clock.advance(3601)
    await until(lambda: not old & set(pool.driver.host.sandboxes) and len(asleep(pool)) == 2)

    assert counted(pool, "discarded_total", reason="old") == 2


@pytest.mark.parametrize("year", [2001, 2099])
async def test_the_wall_clock_makes_none_of_them_old(pool: World, year: int) -> None:
    waiting = set(pool.driver.host.sandboxes)
    pool.clock.set_wall_clock(pool.clock.now().replace(year=year))
    await asyncio.sleep(5 * module.LOOK_EVERY_S)
    assert (set(pool.driver.host.sandboxes), len(asleep(pool))) == (waiting, 2)
    assert (await pool.ready()).id in waiting


async def test_what_is_not_used_after_all_waits_on(pool: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise ConflictError("another session has it", reason="profile_in_use")

    monkeypatch.setattr(pool.profiles, "begin", refuse)
    waiting = set(pool.driver.host.sandboxes)
    with pytest.raises(ConflictError):
        await pool.ready()
    await until(lambda: len(asleep(pool)) == 2)
    monkeypatch.undo()

    assert set(pool.driver.host.sandboxes) == waiting
    assert (await pool.ready()).id in waiting


async def test_who_is_cancelled_while_taking_leaves_it_to_the_next(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, thaw = pool.manager.pool, pool.driver.thaw
    taken: Warm | None = None

    async def slowly(sandbox: Any, *_: object) -> Observation:
        await asyncio.sleep(0)
        seen = await thaw(sandbox)
        await asyncio.sleep(0)
        return seen

    monkeypatch.setattr(pool.driver, "thaw", slowly)
    monkeypatch.setattr(pool.driver, "limit", slowly)
    options = keeper.stocks[0].options
    options = replace(options, budget=replace(options.budget, processes=100))
    pool.driver.holds["create"] = asyncio.Event()  # none takes the place of one that is taken

    async def take() -> None:
        nonlocal taken
        taken = await keeper.take(options)

    step = 0
    while await cancelled_at(take(), step):
        waiting = {warm.session_id for stock in keeper.stocks for warm in stock.warm}
        assert taken is None
        assert waiting == set(pool.driver.host.sandboxes), "none is anybody's and none is lost"
        await until(lambda: len(asleep(pool)) == 2)
        step += 1

    assert step == 4
    assert taken is not None
    await taken.discard()


async def test_one_that_cannot_be_thawed_is_thrown_away(pool: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = set(pool.driver.host.sandboxes)

    async def stuck(_: object) -> None:
        raise InternalError("the kernel refuses")

    monkeypatch.setattr(pool.driver, "thaw", stuck)
    session = await pool.ready()

    assert session.id not in waiting
    assert counted(pool, "discarded_total", reason="not_roused") == 2


async def test_a_drain_leaves_nothing_that_nobody_has_taken(pool: World) -> None:
    session = await pool.ready()
    await pool.manager.drain()

    assert set(pool.driver.host.sandboxes) == {session.id}


async def test_a_drain_in_the_middle_of_building_leaves_nothing(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=1))
    for verb in ("create", "start"):
        world.driver.reached[verb].clear()
    world.driver.holds["start"] = asyncio.Event()
    world.manager.begin_pool()
    await world.driver.reached["start"].wait()
    await world.manager.drain()

    assert world.driver.host.sandboxes == {}


async def test_a_session_that_fails_with_a_warm_sandbox_takes_it_along(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise LostError("gone in between")

    monkeypatch.setattr(pool.driver, "connect", refuse)
    waiting = set(pool.driver.host.sandboxes)
    with pytest.raises(LostError):
        await pool.ready(start_url="about:blank")
    (taken,) = waiting - {warm.session_id for stock in pool.manager.pool.stocks for warm in stock.warm}
    assert taken not in pool.driver.host.sandboxes


async def test_an_error_before_it_is_started_takes_its_sandbox_along(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise InternalError("the database is gone")

    waiting = set(pool.driver.host.sandboxes)
    monkeypatch.setattr(pool.manager._store, "add", refuse)
    with pytest.raises(InternalError):
        await pool.ready()
    monkeypatch.undo()

    (taken,) = waiting - {warm.session_id for stock in pool.manager.pool.stocks for warm in stock.warm}
    assert taken not in pool.driver.host.sandboxes


async def test_when_the_host_runs_short_as_many_go_as_are_needed_and_are_gone_then(pool: World) -> None:
    waiting = set(pool.driver.host.sandboxes)
    assert await pool.manager.warm_relief.relieve(Need(Resource.MEMORY, 1)) == 64 << 20
    assert len(waiting & set(pool.driver.host.sandboxes)) == 1
    assert await pool.manager.warm_relief.relieve(Need(Resource.MEMORY, 1 << 40)) >= 64 << 20
    assert not waiting & set(pool.driver.host.sandboxes)


async def test_a_browser_that_ends_after_it_was_taken_is_the_sessions_matter(pool: World) -> None:
    session = await pool.ready()
    await pool.agent(session).say(FromAgent.BROWSER, {"state": str(BrowserState.EXITED), "reason": "crashed"})
    exited = await pool.told(session.id, EventType.BROWSER_EXITED)

    assert exited.data["reason"] == "crashed"
    assert (await pool.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_a_pool_that_is_closed_gives_nothing(pool: World) -> None:
    keeper = pool.manager.pool
    taking = spawn(keeper.take(keeper.stocks[0].options), name="taking")
    warm = await taking
    assert warm is not None
    await keeper.close()
    keeper.put_back(warm)
    await keeper.close()

    assert await keeper.take(keeper.stocks[0].options) is None
    assert pool.driver.host.sandboxes == {}
    await cancel_and_wait(taking)


async def test_a_budget_of_processes_and_processors_is_applied_to_what_is_warm(pool: World) -> None:
    plain = await pool.ready()
    asks = await pool.ready(budget=BudgetRequest(processes=100, cpu_cores=0.5))

    assert hits(pool) == 2
    assert pool.driver.host.sandboxes[plain.id].limits is None, "what it was built with is right"
    given = pool.driver.host.sandboxes[asks.id].limits
    assert given is not None
    assert (given.processes, given.cpu_cores) == (100, 0.5)


async def test_limits_of_one_who_has_put_it_back_are_not_those_of_the_next(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise ConflictError("another session has it", reason="profile_in_use")

    waiting = set(pool.driver.host.sandboxes)
    monkeypatch.setattr(pool.profiles, "begin", refuse)
    for _ in waiting:
        with pytest.raises(ConflictError):
            await pool.ready(budget=BudgetRequest(processes=100))
    await until(lambda: len(asleep(pool)) == 2)
    monkeypatch.undo()
    first, second = await pool.ready(), await pool.ready()

    assert {first.id, second.id} == waiting
    for session in (first, second):
        limits = pool.driver.host.sandboxes[session.id].limits
        assert limits is None or limits.processes == session.options.budget.processes


async def test_where_limits_cannot_be_changed_who_wants_others_gets_one_built_for_it(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise InternalError("no control group")

    monkeypatch.setattr(pool.driver, "limit", refuse)
    waiting = set(pool.driver.host.sandboxes)
    session = await pool.ready(budget=BudgetRequest(processes=100))

    assert session.id not in waiting
    assert session.started is Started.COLD


def rests(spec: SandboxSpec) -> AgentTemper:
    browser = spec.agent_config.browser
    return AgentTemper.AT_REST if browser is not None and browser.at_rest else AgentTemper.OK


def profiles_say(world: World, monkeypatch: pytest.MonkeyPatch, *, wanted: bool, is_at_rest: bool) -> None:
    """`wanted` before there is a lease on the profile, and `is_at_rest` with it."""

    async def wants_rest(_: object, __: object) -> bool:
        return wanted

    async def begin(_: object, __: object, options: SessionOptions) -> Beginning:
        return Beginning(options, is_at_rest)

    monkeypatch.setattr(world.profiles, "wants_rest", wants_rest)
    monkeypatch.setattr(world.profiles, "begin", begin)


async def two_at_rest(world: World) -> set[SessionId]:
    """Ask as often as it takes until two wait whose browsers are at rest."""
    world.driver.agent_temper = rests
    options = world.manager.pool.stocks[0].options
    for _ in range(2):
        assert await world.manager.pool.take(options, browser_at_rest=True) is None
    await until(lambda: len(at_rest(world)) == 2)
    return at_rest(world)


def at_rest(world: World) -> set[SessionId]:
    stocks = [stock for stock in world.manager.pool.stocks if stock.browser_at_rest]
    return {warm.session_id for stock in stocks for warm in stock.warm}


async def test_who_brings_a_directory_is_given_one_whose_browser_starts_with_it(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = await two_at_rest(pool)
    profiles_say(pool, monkeypatch, wanted=True, is_at_rest=True)
    coming = spawn(pool.ready(start_url="https://a.example/"), name="coming")
    await until(lambda: hits(pool) == 1)
    (taken,) = waiting - at_rest(pool)
    assert not coming.done(), "there is no browser yet"
    await pool.driver.agents[taken].restart_browser()
    session = await coming

    assert (session.id, session.started) == (taken, Started.WARM)
    assert session.browser is not None
    assert StreamKind.DEVTOOLS not in pool.agent(session).asked, "whoever started the browser gave it its page"


async def test_a_browser_that_comes_out_of_its_rest_by_itself_is_nobodys(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=1))
    world.manager.begin_pool()
    gone = (await two_at_rest(world)).pop()
    await world.driver.agents[gone].restart_browser()
    await until(lambda: gone not in world.driver.host.sandboxes)
    assert counted(world, "discarded_total", reason="browser_ended") == 1


@pytest.mark.parametrize("is_at_rest", [True, False])
async def test_a_profile_that_was_saved_in_the_other_form_meanwhile_gets_a_sandbox_built_for_it(
    pool: World, monkeypatch: pytest.MonkeyPatch, is_at_rest: bool
) -> None:
    if not is_at_rest:
        await two_at_rest(pool)
    profiles_say(pool, monkeypatch, wanted=not is_at_rest, is_at_rest=is_at_rest)
    pool.driver.agent_temper = AgentTemper.OK
    waiting = set(pool.driver.host.sandboxes)
    session = await pool.ready()

    assert session.id in waiting, "the lease on the profile was taken under the id of the one that was taken"
    assert session.started is Started.COLD
    browser = pool.driver.host.sandboxes[session.id].spec.agent_config.browser
    assert browser is not None and browser.at_rest == is_at_rest


async def test_a_start_page_that_fits_into_no_request_is_no_reason_to_ask_the_machine_for_nothing(pool: World) -> None:
    options = pool.manager.pool.stocks[0].options
    assert pool.manager.pool.has(options)
    assert not pool.manager.pool.has(replace(options, start_url="https://a.example/" + "%20" * 4000))
