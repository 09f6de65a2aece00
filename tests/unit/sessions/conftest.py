import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from cloche.sessions.events import EventLog
from cloche.storage.database import Database
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.clock import FakeClock
from cloche.testing.databases import fresh_database
from cloche.testing.driver import FakeHost
from cloche.testing.session_world import World
from cloche.wire.agent_config import DEVTOOLS_PORT


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """structlog's own choice for a terminal reads source files to colour a traceback, in the middle of the loop."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(["event"])])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await fresh_database(tmp_path / "cloche.db")
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def events(database: Database, clock: FakeClock) -> AsyncIterator[EventLog]:
    events = EventLog(database, clock)
    await events.open()
    yield events
    await events.close()


@pytest.fixture
def host() -> Iterator[FakeHost]:
    root = Path(tempfile.mkdtemp(prefix="h"))
    host = FakeHost(root)
    yield host
    shutil.rmtree(root)
    assert host.sandboxes == {}, "a sandbox was left"


@pytest.fixture
def driver(host: FakeHost) -> AgentDriver:
    return AgentDriver(host)


@pytest.fixture
async def chromium() -> AsyncIterator[None]:
    """What the agents' DevTools connections lead to: it greets and says nothing more."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        try:
            await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", DEVTOOLS_PORT)
    yield
    server.close()
    await asyncio.sleep(0)


Make = Callable[..., World]


@pytest.fixture
async def make_world(
    database: Database, events: EventLog, clock: FakeClock, driver: AgentDriver
) -> AsyncIterator[Make]:
    """Make a world with settings of its own; it is taken down after the test."""
    worlds = list[World]()

    def make(**changes: Any) -> World:
        parts: dict[str, Any] = {"database": database, "events": events, "clock": clock, "driver": driver}
        worlds.append(World(**parts | changes))
        return worlds[-1]

    yield make
    driver.fails.clear()
    for hold in driver.holds.values():
        hold.set()
    for world in worlds:
        world.driver.fails.clear()
        await world.close()


@pytest.fixture
async def world(make_world: Make, chromium: None) -> World:
    return make_world()
