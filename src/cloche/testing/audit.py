"""A real journal in a directory, and somebody who can write its database: what tests of the audit journal stand on."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from cloche.audit import rows
from cloche.audit.journal import Journal, JournalOptions, verify_with_file
from cloche.audit.metrics import JournalMetrics
from cloche.audit.model import AuditRecord, Verified
from cloche.audit.rows import StoredRow
from cloche.clock import Clock
from cloche.errors import JournalError
from cloche.sessions.audit import AuditWriter
from cloche.sessions.audit_reader import JournalReader
from cloche.storage.database import Database, metadata
from cloche.testing.clock import FakeClock

KEY: Final = bytes(range(32))
TABLES: Final = [rows.events, rows.segments]


class NotingAudit(AuditWriter):
    """Keeps what is noted. `refuses` is what `require` raises, `fails` what `settled` does."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.refuses: JournalError | None = None
        self.fails: JournalError | None = None
        self.settled_at: list[int] = []
        """How many records there were each time somebody waited."""

    def require(self) -> None:
        if self.refuses is not None:
            raise self.refuses

    def note(self, record: AuditRecord) -> None:
        self.records.append(record)

    async def settled(self) -> None:
        self.settled_at.append(len(self.records))
        if self.fails is not None:
            raise self.fails

    @property
    def kinds(self) -> list[str]:
        return [record.kind for record in self.records]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalWorld:
    """A journal at work, and what stands around it."""

    directory: Path
    database: Database
    journal: Journal
    reader: JournalReader
    registry: CollectorRegistry

    async def wrote(self, *kinds: str, **fields: Any) -> None:
        """Write a record of each kind, and wait for it."""
        for kind in kinds:
            self.journal.note(AuditRecord(**({"kind": kind, "actor": "ann", "owner": "ann"} | fields)))
        await self.journal.settled()

    async def rows(self) -> list[StoredRow]:
        async with self.database.read() as connection:
            return await rows.stored_after(connection, None, 100_000)

    def measured(self) -> dict[str, float]:
        lines = generate_latest(self.registry).decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


@asynccontextmanager
async def journal_in(
    directory: Path, *, clock: Clock | None = None, database: Database | None = None, **options: Any
) -> AsyncIterator[JournalWorld]:
    """Open the journal of a directory, a new one or what an earlier one has left there. `options`: JournalOptions."""
    opened = database or await open_database(directory)
    registry = CollectorRegistry()
    journal = Journal(
        opened,
        clock or FakeClock(),
        mac_key=KEY,
        tip_file=directory / "audit.tip",
        options=JournalOptions(**options),
        metrics=JournalMetrics(registry),
    )
    await journal.open()
    try:
        yield JournalWorld(
            directory=directory,
            database=opened,
            journal=journal,
            reader=JournalReader(opened, journal.verify),
            registry=registry,
        )
    finally:
        await journal.close()
        if database is None:
            await opened.close()


async def open_database(directory: Path) -> Database:
    """The journal's tables without the migrations, which read files and take longer than most tests."""
    await asyncio.to_thread(_make_tables, directory / "cloche.db")
    return Database(create_async_engine(f"sqlite+aiosqlite:///{directory / 'cloche.db'}"))


async def verified(directory: Path, *, key: bytes = KEY) -> Verified:
    """What an operator finds out without a daemon."""
    database = await open_database(directory)
    try:
        return await verify_with_file(database, key, directory / "audit.tip")
    finally:
        await database.close()


def tamper(directory: Path, *statements: str) -> None:
    """Do what somebody does who has the database and not the secret."""
    with closing(sqlite3.connect(directory / "cloche.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _make_tables(path: Path) -> None:
    plain = create_engine(f"sqlite:///{path}")
    metadata.create_all(plain, tables=TABLES)
    plain.dispose()
