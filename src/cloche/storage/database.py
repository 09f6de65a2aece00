"""One engine, opened at start and closed at stop.

Transactions are async context managers (`begin`, `read`); those that many requests wait for are functions of their
connection (`write`, `look`), which SQLite takes to its thread whole.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import MetaData, event, inspect, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from cloche.storage.sqlite_thread import SqliteThread, Work

BUSY_S: Final = 5
"""How long a statement waits for another process that holds the SQLite file."""

T = TypeVar("T")

metadata: Final = MetaData()
"""Every concern's `rows` module declares its tables on this."""


class Database:
    """Owns the engine. Opened by the composition root, closed by it last.

    On SQLite all writers go through one lock: two write transactions of one process would otherwise meet as
    "database is locked" once the busy timeout has run out.
    """

    def __init__(self, engine: AsyncEngine, thread: SqliteThread | None = None) -> None:
        self._engine = engine
        self._thread = thread
        self._write_lock = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @classmethod
    async def open(cls, url: str) -> "Database":
        """Connect and bring the schema up to date. `url` is `sqlite:///path` or `postgresql://…`."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _make_private(parsed.database)
            parsed = parsed.set(drivername="sqlite+aiosqlite")
            engine = create_async_engine(parsed)
            event.listen(engine.sync_engine, "connect", _tune_sqlite)
            thread = SqliteThread(url, _tune_sqlite)
        else:
            engine = create_async_engine(parsed.set(drivername="postgresql+asyncpg"), pool_pre_ping=True)
            thread = None
        database = cls(engine, thread)
        try:
            if engine.dialect.name == "sqlite":
                await database._use_wal()
            await database._migrate()
        except BaseException:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def begin(self, *, durable: bool = False) -> AsyncIterator[AsyncConnection]:
        """A write transaction: committed when the block ends, rolled back when it raises.

        With `durable` it is on the disk once it is committed; SQLite leaves that to its next checkpoint otherwise.
        """
        if self._write_lock is None:
            async with self._engine.begin() as connection:
                yield connection
            return
        if durable:
            async with self._write_lock, self._engine.connect() as connection, _synchronous(connection):
                yield connection
            return
        async with self._write_lock, self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading only."""
        async with self._engine.connect() as connection:
            yield connection

    async def write(self, work: Work[T], *, durable: bool = False) -> T:
        """A write transaction as a function of its connection, which awaits nothing else.

        As `begin`, and on SQLite in one trip to the thread instead of one for each step; cancelled, it is still
        finished, committed or not.
        """
        if self._thread is None or self._write_lock is None:
            async with self.begin(durable=durable) as connection:
                return await work(connection)
        async with self._write_lock:
            return await self._thread.write(work, durable=durable)

    async def look(self, work: Work[T]) -> T:
        """As `write`, for reading only."""
        if self._thread is None:
            async with self.read() as connection:
                return await work(connection)
        return await self._thread.look(work)

    async def check(self) -> None:
        """Raise what the driver raises if the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        if self._thread is not None:
            await self._thread.close()
        await self._engine.dispose()

    async def _use_wal(self) -> None:
        """Let readers go on while one writes (sqlite.org/wal.html). Stays with the file, so it is set once.

        Two that open a new file at once can each stand in the other's way here, and SQLite does not wait for that.
        """
        deadline = asyncio.get_running_loop().time() + BUSY_S
        while True:
            try:
                async with self._engine.connect() as connection:
                    await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                return
            except OperationalError as error:
                if "locked" not in str(error.orig) or asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(0.02)

    async def _migrate(self) -> None:
        async with self._engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                # Python's sqlite3 begins no transaction for CREATE TABLE by itself: half an upgrade would stay.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            if await connection.run_sync(_schema_revision) != HEAD_REVISION:
                await connection.run_sync(_upgrade)


@asynccontextmanager
async def _synchronous(connection: AsyncConnection) -> AsyncIterator[None]:
    """A transaction that is synced. The pragma does nothing inside of one, and the connection goes to others after."""
    await connection.exec_driver_sql("PRAGMA synchronous=FULL")
    await connection.commit()
    try:
        async with connection.begin():
            yield
    finally:
        await connection.exec_driver_sql("PRAGMA synchronous=NORMAL")


HEAD_REVISION: Final = "0009"
"""The newest file in `migrations/versions`. Compared first, so that a start with a current schema does not pay for
importing alembic; a test keeps the two in step."""


def _schema_revision(connection: Any) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
    return revision


def _upgrade(connection: Any) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make_private(file: str | None) -> None:
    """Create the file for this user alone; SQLite gives its -wal and -shm the same mode (sqlite.org/wal.html)."""
    if file and file != ":memory:":
        path = Path(file)
        with contextlib.suppress(FileNotFoundError):  # no such directory: SQLite says that better
            path.touch(mode=0o600)
            path.chmod(0o600)


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # NORMAL syncs at checkpoints: in WAL mode a power cut may lose the newest commits but never the file.
    for pragma in (f"busy_timeout={BUSY_S * 1000}", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
