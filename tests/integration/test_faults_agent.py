"""A hostile program in place of the agent, inside a real sandbox, against the real session layer."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import structlog

from cloche.clock import SystemClock
from cloche.errors import ClocheError
from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sandbox.spec import Engine
from cloche.sessions.events import EventLog
from cloche.sessions.model import EndReason, EventType, SessionRequest
from cloche.storage.database import Database
from cloche.testing.session_world import ANN, World

HOSTILE = Path(__file__).parents[1] / "data" / "sandbox" / "hostile_agent.py"
START_TIMEOUT_S = 1.5

MakeWorld = Callable[[str], Awaitable[World]]


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A short path that a sandbox's own uid can walk to. The root image is built in it once."""
    root = Path(tempfile.mkdtemp(prefix="ha-"))
    root.chmod(0o711)
    yield root
    shutil.rmtree(root)


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """structlog's own choice for a terminal reads source files to colour a traceback, in the middle of the loop."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"])])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def world_with(ground: Path, stub_browser: Path, tmp_path: Path) -> AsyncIterator[MakeWorld]:
    """`await world_with(temper)`: a session layer whose sandboxes hold that hostile agent."""
    made: list[tuple[World, EventLog, Database]] = []

    async def make(temper: str) -> World:
        config = NamespaceConfig(
            run_dir=ground / "run",
            state_dir=ground / "state",
            engines={Engine.SHELL: stub_browser},
            agent_argv=(places.PYTHON, "-I", "-S", "-c", await asyncio.to_thread(HOSTILE.read_text), temper),
        )
        database = await Database.open(f"sqlite:///{tmp_path}/cloche.db")
        events = EventLog(database, SystemClock())
        await events.open()
        driver = cast(Any, NamespaceDriver(config))
        clock = cast(Any, SystemClock())
        world = World(database, events, clock, driver, start_timeout_s=START_TIMEOUT_S)
        made.append((world, events, database))
        return world

    yield make
    for world, events, database in made:
        await world.close()
        await events.close()
        await database.close()
    left = await asyncio.to_thread(lambda: [path.name for path in (ground / "run").iterdir() if path.name != ".lock"])
    assert left == []


async def refusal(world: World) -> ClocheError:
    """What a create comes to. It may take as long as a start may, and a little to clean up."""
    with pytest.raises(ClocheError) as raised:
        async with asyncio.timeout(START_TIMEOUT_S + 8):
            await world.manager.create(ANN, SessionRequest())
    return raised.value


@pytest.mark.parametrize(
    ("temper", "reason"),
    [
        ("silent", "start_timeout"),
        ("exit", "sandbox_died_at_start"),
        ("garbage", "start_timeout"),
        ("half_a_line", "start_timeout"),
        ("oversize", "start_timeout"),
        ("deep", "start_timeout"),
        ("crowd", "start_timeout"),
        ("wrong_token", "start_timeout"),
        ("wrong_session", "start_timeout"),
        ("register_and_leave", "agent_lost"),
        ("no_streams", "start_timeout"),
    ],
)
async def test_an_agent_that_does_not_introduce_itself_fails_the_start(
    world_with: MakeWorld, temper: str, reason: str
) -> None:
    error = await refusal(await world_with(temper))
    assert (error.code, error.fields.get("reason")) == ("start_failed", reason)


@pytest.mark.parametrize(
    "temper",
    [
        "pass_nothing",
        "pass_refusal",
        "pass_garbage",
        "pass_file",
        "pass_pipe",
        "pass_unix",
        "pass_udp",
        "pass_unbound",
        "pass_other_port",
        "pass_any_address",
        "pass_link",
        "pass_many",
    ],
)
async def test_an_agent_that_hands_over_something_else_fails_the_start(world_with: MakeWorld, temper: str) -> None:
    error = await refusal(await world_with(temper))
    assert (error.code, error.http_status) == ("agent_failed", 502)


async def test_an_agent_that_floods_holds_nobody_up_and_can_be_ended(world_with: MakeWorld) -> None:
    world = await world_with("flood")
    session = await world.ready()
    async with asyncio.timeout(10):
        for _ in range(40):
            await asyncio.sleep(0.01)
            assert (await world.manager.list(ANN)).sessions
        closed = await world.manager.close(ANN, session.id)
    assert closed.reason == EndReason.CLOSED_BY_USER


async def test_an_agent_that_babbles_is_told_on_at_most_once_a_second_and_lives_on(world_with: MakeWorld) -> None:
    world = await world_with("babble")
    session = await world.ready()
    await world.told(session.id, EventType.AGENT_PROTOCOL_ERROR)
    await asyncio.sleep(0.6)  # the twenty lines take 0.4 s
    history = await world.history(session.id)
    assert history.count("agent.protocol_error") <= 2
    assert (await world.manager.get(ANN, session.id)).status == "ready"


async def test_strange_news_of_the_browser_are_cut_down_and_change_nothing_for_others(world_with: MakeWorld) -> None:
    world = await world_with("strange_news")
    session = await world.ready()
    await world.told(session.id, EventType.BROWSER_EXITED)
    shown = await world.manager.get(ANN, session.id)
    assert shown.usage.browser_restarts <= 2**31
    assert shown.browser is not None
    assert shown.browser.product.isprintable()
    assert len(shown.browser.product) <= 64
    events = world.events.read(session.id, after=cast(Any, 0), live=False)
    for event in [event async for event in events]:
        assert all(len(value) <= 64 and value.isprintable() for value in event.data.values() if isinstance(value, str))


async def test_an_agent_that_does_not_read_its_commands_can_still_be_ended(world_with: MakeWorld) -> None:
    world = await world_with("deaf")
    session = await world.ready()
    async with asyncio.timeout(15):
        assert (await world.manager.close(ANN, session.id)).status == "closed"
