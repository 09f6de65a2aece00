import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.exc import SQLAlchemyError

import cloche.artifacts.rows
import cloche.audit.rows
import cloche.profiles.rows
import cloche.sessions.live.recording.rows
import cloche.sessions.pool.rows
import cloche.sessions.rows  # noqa: F401 - declares tables
from cloche.api.auth.rows import keys
from cloche.storage import database as module
from cloche.storage.database import HEAD_REVISION, Database, metadata


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite:///{tmp_path}/x.db")
    yield database
    await database.close()


def migrations() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(module.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


def test_the_named_revision_is_the_newest_and_only_end_of_the_chain() -> None:
    assert migrations().get_heads() == [HEAD_REVISION]
    assert migrations().get_bases() == ["0001"]


async def test_the_migrated_schema_is_the_one_the_rows_declare(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_keys_of_the_first_schema_are_kept_and_may_no_more_than_before(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    config = Config()
    config.set_main_option("script_location", str(Path(module.__file__).parent / "migrations"))

    def first_schema() -> None:
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            at = "2026-01-02 03:04:05.000000"
            for row in (("key_1", "a" * 64, "root", "admin", None), ("key_2", "b" * 64, "alice", "user", at)):
                id_, secret_hash, principal, role, revoked_at = row
                connection.exec_driver_sql(
                    "insert into keys values (?, ?, ?, ?, 'laptop', ?, ?, null)",
                    (id_, secret_hash, principal, role, at, revoked_at),
                )
        engine.dispose()

    await asyncio.to_thread(first_schema)
    database = await Database.open(f"sqlite:///{path}")
    async with database.read() as connection:
        found = (await connection.execute(select(keys).order_by(keys.c.id))).mappings().all()
    await database.close()
    assert [(row["principal"], row["role"], row["name"], row["scopes"]) for row in found] == [
        ("root", "admin", "laptop", []),
        ("alice", "user", "laptop", []),
    ]
    assert found[0]["revoked_at"] is None and found[1]["revoked_at"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with sqlite3.connect(path) as plain:
        indices = {name for (name,) in plain.execute("select name from sqlite_master where type = 'index'")}
    plain.close()
    assert "keys_by_principal" in indices


async def test_opening_a_current_schema_changes_nothing(database: Database, tmp_path: Path) -> None:
    async with database.begin() as connection:
        await connection.execute(text("create table mine (x integer)"))
    again = await Database.open(f"sqlite:///{tmp_path}/x.db")
    await again.check()
    await again.close()

    with sqlite3.connect(tmp_path / "x.db") as connection:
        tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    connection.close()
    assert {"mine", "sessions", "session_labels", "session_events", "keys", "alembic_version"} <= tables


async def test_two_that_open_an_empty_database_at_once_both_find_it_whole(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    databases = await asyncio.gather(Database.open(url), Database.open(url))
    for database in databases:
        await database.check()
        await database.close()


async def test_an_upgrade_that_breaks_half_way_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        # The migration makes its tables in order; this one in the middle is there already.
        connection.execute("create table session_events (x integer)")
    connection.close()
    with pytest.raises(SQLAlchemyError):
        await Database.open(f"sqlite:///{path}")

    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        assert tables == ["session_events"]
        connection.execute("drop table session_events")
    connection.close()
    database = await Database.open(f"sqlite:///{path}")
    await database.check()
    await database.close()


async def test_a_file_that_is_no_database_is_told_at_once_and_nothing_stays_open(tmp_path: Path) -> None:
    before = threading.active_count()
    (tmp_path / "x.db").write_bytes(b"this is not a database" * 100)

    with pytest.raises(SQLAlchemyError):
        await Database.open(f"sqlite:///{tmp_path}/x.db")
    async with asyncio.timeout(5):
        while threading.active_count() != before:  # the connection's thread has been told, and may still be ending
            await asyncio.sleep(0.01)


async def test_a_directory_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SQLAlchemyError):
        await Database.open(f"sqlite:///{tmp_path}/none/x.db")


async def test_a_block_that_raises_leaves_no_trace(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as connection:
            await connection.execute(text("create table trace (x integer)"))
            await connection.execute(text("insert into trace values (1)"))
            raise ZeroDivisionError

    async with database.read() as connection:
        assert (await connection.execute(text("select count(*) from trace"))).scalar() == 0


async def test_a_writer_that_is_cancelled_lets_the_next_one_in(database: Database) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        async with database.begin() as connection:
            await connection.execute(text("create table half (x integer)"))
            await connection.execute(text("insert into half values (1)"))
            entered.set()
            await asyncio.Event().wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        hanging = group.create_task(hang())
        await entered.wait()
        hanging.cancel()
        async with database.begin() as connection:
            await connection.execute(text("create table whole (x integer)"))


async def test_writers_of_one_process_never_find_the_database_locked(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text("create table counter (x integer)"))
        await connection.execute(text("insert into counter values (0)"))

    async def count() -> None:
        async with database.begin() as connection:
            value = (await connection.execute(text("select x from counter"))).scalar_one()
            await connection.execute(text("update counter set x = :x"), {"x": value + 1})

    await asyncio.gather(*(count() for _ in range(50)))
    async with database.read() as connection:
        assert (await connection.execute(text("select x from counter"))).scalar_one() == 50


async def test_readers_go_on_while_one_writes(database: Database) -> None:
    async with database.begin() as writing, asyncio.timeout(5):
        await writing.execute(text("create table held (x integer)"))
        async with database.read() as reading:
            assert (await reading.execute(text("select count(*) from sessions"))).scalar() == 0


async def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(SQLAlchemyError):
        async with database.begin() as connection:
            await connection.execute(text("insert into session_labels values ('ses_none', 'k', 'v')"))
