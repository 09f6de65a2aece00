"""A database that fails at each step of a session's life: whatever else happens, no place stays taken."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError
from structlog.testing import capture_logs

from cloche.errors import InternalError
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.model import SessionStatus
from cloche.storage.database import Database
from cloche.testing.session_world import ADMIN, ANN, World


@asynccontextmanager
async def without(database: Database, table: str) -> AsyncIterator[None]:
    """The table has another name for as long as this lasts."""
    async with database.begin() as connection:
        await connection.execute(text(f"alter table {table} rename to away"))
    yield
    async with database.begin() as connection:
        await connection.execute(text(f"alter table away rename to {table}"))


@asynccontextmanager
async def full(database: Database, statement: str) -> AsyncIterator[None]:
    """The disk is full for one kind of statement on sessions (SQLITE_FULL, as the driver raises it)."""

    def refuse(_conn: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith(statement):
            raise sqlite3.OperationalError("database or disk is full")

    assert database._thread is not None
    for engine in (database._engine.sync_engine, database._thread._engine):
        event.listen(engine, "before_cursor_execute", refuse)
    yield
    for engine in (database._engine.sync_engine, database._thread._engine):
        event.remove(engine, "before_cursor_execute", refuse)


@pytest.fixture
def narrow(make_world: Callable[..., World], chromium: None) -> World:
    """A server with one place: whoever keeps it is found out."""
    return make_world(limits=AdmissionLimits(1, 1))


async def test_a_session_that_cannot_be_written_is_not_started(narrow: World, database: Database) -> None:
    async with without(database, "session_labels"):
        with capture_logs(), pytest.raises(InternalError):
            await narrow.ready(labels={"a": "1"})
        assert narrow.driver.calls["create"] == 0
        assert narrow.live == 0
    assert (await narrow.manager.list(ADMIN)).sessions == ()
    session = await narrow.ready()
    assert (await narrow.history(session.id))[0] == "session.created", "its failure must not keep later events out"


async def test_a_session_that_cannot_be_written_as_ready_is_taken_down(narrow: World, database: Database) -> None:
    async with full(database, "UPDATE sessions"):
        with capture_logs(), pytest.raises(InternalError):
            await narrow.ready()
        assert narrow.driver.host.sandboxes == {}
        assert narrow.live == 0
    await narrow.ready()


async def test_a_session_ends_also_when_its_end_cannot_be_written(narrow: World, database: Database) -> None:
    session = await narrow.ready()
    async with full(database, "UPDATE sessions"):
        with capture_logs():
            closed = await narrow.manager.close(ANN, session.id)
        assert closed.status is SessionStatus.CLOSED
        assert narrow.driver.host.sandboxes == {}
        assert narrow.live == 0
    # The row says that it lives; the next start finds no sandbox and ends it.
    assert (await narrow.manager.get(ANN, session.id)).status is SessionStatus.READY
    await narrow.recover()
    assert (await narrow.manager.get(ANN, session.id)).status is SessionStatus.FAILED
    await narrow.ready()


async def test_an_extension_that_cannot_be_written_is_not_in_force(narrow: World, database: Database) -> None:
    session = await narrow.ready()
    async with full(database, "UPDATE sessions"):
        with pytest.raises(SQLAlchemyError):
            await narrow.manager.extend(ANN, session.id, lifetime_s=10)

    assert (await narrow.manager.get(ANN, session.id)).expires_at == session.expires_at


async def test_events_that_cannot_be_written_do_not_stop_a_session(narrow: World, database: Database) -> None:
    with capture_logs():
        async with full(database, "INSERT INTO session_events"):
            session = await narrow.ready()
            assert session.status is SessionStatus.READY
            await narrow.manager.close(ANN, session.id)
        kept = await narrow.history(session.id)

    assert kept == ["session.created", "browser.ready", "session.ready", "session.closing", "session.closed"]
