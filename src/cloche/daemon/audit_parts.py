"""The journal from the settings: for the daemon, and beside it or without one for `cloche audit verify --local`."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from cloche import __version__
from cloche.audit import rows
from cloche.audit.exported import ExportWalk
from cloche.audit.journal import SERVER, Journal, JournalOptions, verify_with_file
from cloche.audit.metrics import JournalMetrics
from cloche.audit.model import AuditRecord, Verified
from cloche.clock import Clock
from cloche.daemon.settings import Settings
from cloche.storage.database import Database
from cloche.vault.secret_box import derive_key

TIP_FILE: Final = "audit.tip"


@asynccontextmanager
async def open_journal(
    settings: Settings, database: Database, clock: Clock, *, secret: bytes, registry: CollectorRegistry
) -> AsyncIterator[Journal]:
    """The daemon's journal, for as long as the block lasts."""
    journal = Journal(
        database,
        clock,
        mac_key=derive_key(secret, "audit"),
        tip_file=settings.state_dir / TIP_FILE,
        options=JournalOptions(
            durable=settings.audit_durability == "full",
            stop_on_failure=settings.audit_on_failure == "stop",
            max_events=settings.audit_max_events,
            segment_events=settings.audit_segment_events,
            retention_days=settings.audit_retention_days,
        ),
        metrics=JournalMetrics(registry),
    )
    await journal.open()
    try:
        journal.note(AuditRecord(kind="server.started", actor=SERVER, data={"version": __version__}))
        yield journal
    finally:
        journal.note(AuditRecord(kind="server.stopped", actor=SERVER))
        await journal.close()


async def verify_here(settings: Settings, database: Database, secret: bytes) -> Verified:
    """Follow the chain in the database, with a daemon at work or without."""
    return await verify_with_file(database, derive_key(secret, "audit"), settings.state_dir / TIP_FILE)


def verify_export(lines: Iterable[str]) -> tuple[Verified, dict[int, str]]:
    """Follow the chain in an export; also every row's hash. Raises: InvalidError. Blocks."""
    walk = ExportWalk()
    return walk.follow(lines), walk.hashes


async def first_difference(database: Database, hashes: dict[int, str]) -> int | None:
    """The first row that an export has otherwise than the database; what retention has dropped there does not count."""
    after = min(hashes, default=1) - 1
    async with database.read() as connection:
        segments = await rows.all_segments(connection)
        gone = max((stored.facts.last_seq for stored in segments if stored.facts.dropped_at), default=0)
        expected = iter(sorted(seq for seq in hashes if seq > gone))
        wanted = next(expected, None)
        while wanted is not None:
            page = await rows.stored_after(connection, max(after, gone), 1000)
            for row in page:
                if wanted is None or row.entry.seq > wanted or row.hash != hashes[row.entry.seq]:
                    return wanted
                wanted = next(expected, None)
            if not page:
                return wanted
            after = page[-1].entry.seq
    return None
