"""The audit journal: one record after the other, and many writers at once, with both durabilities."""

import asyncio
import tempfile
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from cloche.audit.journal import Journal, JournalOptions
from cloche.audit.metrics import JournalMetrics
from cloche.audit.model import AuditRecord
from cloche.clock import SystemClock
from cloche.storage.database import Database
from figures import Samples, table

WRITERS = 50


def measure(events: int) -> None:
    rows = [asyncio.run(_measure(events, durable=durable)) for durable in (False, True)]
    print(f"\n### The audit journal, {events} events each\n")
    print(
        table(
            ["durability", "append p50 (ms)", "p95", f"events/s, {WRITERS} writers at once", "events/s, one batch"],
            rows,
        )
    )


async def _measure(events: int, *, durable: bool) -> list[object]:
    with tempfile.TemporaryDirectory() as directory:
        database = await Database.open(f"sqlite:///{directory}/bench.db")
        options = JournalOptions(durable=durable)
        metrics, tip = JournalMetrics(CollectorRegistry()), Path(directory, "audit.tip")
        journal = Journal(database, SystemClock(), mac_key=b"k" * 32, tip_file=tip, options=options, metrics=metrics)
        await journal.open()
        one = Samples()
        for number in range(min(events, 2000) + 20):
            began = time.perf_counter()
            journal.note(record(number))
            await journal.settled()
            if number >= 20:
                one.add((time.perf_counter() - began) * 1000)

        async def write() -> None:
            for number in range(events // WRITERS):
                journal.note(record(number))
                await journal.settled()

        began = time.perf_counter()
        await asyncio.gather(*(write() for _ in range(WRITERS)))
        many = events / (time.perf_counter() - began)
        began = time.perf_counter()
        for number in range(events):
            journal.note(record(number))
            if number % 1000 == 999:
                await journal.settled()
        await journal.settled()
        batch = events / (time.perf_counter() - began)
        await journal.close()
        await database.close()
    return ["full" if durable else "normal", one.p50, one.p95, round(many), round(batch)]


def record(number: int) -> AuditRecord:
    data = {"page": "https://shop.test/basket", "tab": "4C1D", "typed_bytes": number}
    return AuditRecord(
        kind="action.click", actor="ann", owner="ann", session_id="ses_01J0000000000000000000000", data=data
    )
