import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.audit import journal as module
from cloche.audit.model import AuditFilter, AuditRecord
from cloche.concurrency.tasks import spawn
from cloche.errors import JournalError
from cloche.ids import PrincipalName
from cloche.sessions.principal import Principal, Role
from cloche.storage.database import Database
from cloche.testing.audit import JournalWorld, journal_in, open_database, verified
from cloche.testing.databases import fresh_database

ADMIN = Principal(PrincipalName("root"), Role.ADMIN)


def record(kind: str = "a.b", **data: Any) -> AuditRecord:
    return AuditRecord(kind=kind, actor="ann", owner="ann", data=data)


async def test_what_was_noted_stands_in_order_once_it_has_settled(world: JournalWorld) -> None:
    for number in range(1200):
        world.journal.note(record(number=number))
    await world.journal.settled()
    rows = await world.rows()
    assert [row.entry.seq for row in rows] == list(range(1, 1201))
    assert [row.entry.data for row in rows] == [f'{{"number":{number}}}' for number in range(1200)]
    assert (await world.journal.verify()).broken_at is None


async def test_settled_without_anything_noted_waits_for_nothing(world: JournalWorld) -> None:
    await world.journal.settled()
    assert await world.rows() == []


async def test_many_writers_at_once_make_one_chain_and_each_waits_for_its_own(world: JournalWorld) -> None:
    async def act(number: int) -> int:
        await world.wrote("a.b", data={"number": number})
        return len(await world.rows())

    seen = await asyncio.gather(*(act(number) for number in range(40)))
    assert min(seen) >= 1 and len(await world.rows()) == 40
    assert (await world.journal.verify()).rows == 40


async def test_a_waiter_that_goes_away_takes_nothing_along(world: JournalWorld) -> None:
    world.journal.note(record())
    waiting = spawn(world.journal.settled(), name="waiting")
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await world.wrote("a.b")
    assert len(await world.rows()) == 2


async def test_texts_and_data_are_bounded(world: JournalWorld) -> None:
    await world.wrote("k" * 100, subject="\n" * 500, data={f"n{n}": "x" * 9000 for n in range(50)})
    (row,) = await world.rows()
    assert len(row.entry.kind) == 64 and len(row.entry.subject) == 128 and "\n" not in row.entry.subject
    assert len(row.entry.data) < 16 * 600
    assert (await world.journal.verify()).broken_at is None


async def test_a_journal_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    for _ in range(3):
        async with journal_in(tmp_path, segment_events=2) as world:
            await world.wrote("a.b")
            await world.wrote("a.b", "a.b")
    found = await verified(tmp_path)
    assert (found.rows, found.segments, found.broken_at) == (9, 3, None)


async def test_what_is_noted_last_is_written_at_the_end(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as world:
        world.journal.note(record())
    assert (await verified(tmp_path)).rows == 1


async def test_with_full_durability_the_chain_is_the_same(tmp_path: Path) -> None:
    database = await fresh_database(tmp_path / "cloche.db")
    async with journal_in(tmp_path, database=database, durable=True) as world:
        await world.wrote("a.b", "c.d")
        async with database.begin(durable=True) as connection:
            assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2
        async with database.begin() as connection:
            assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 1, "others pay for it"
        assert (await world.journal.verify()).rows == 2
    await database.close()


# --- failures --------------------------------------------------------------------------------------------------------


class FailingDatabase(Database):
    """A database whose disk is full while `is_full`; `loses_answers` commits and then breaks off."""

    is_full = loses_answers = False

    @asynccontextmanager
    async def begin(self, *, durable: bool = False) -> AsyncIterator[AsyncConnection]:
        if self.is_full:
            raise OperationalError("insert", {}, Exception("database or disk is full"))
        async with super().begin(durable=durable) as connection:
            yield connection
        if self.loses_answers:
            self.loses_answers = False
            raise OperationalError("commit", {}, Exception("the connection was lost"))


@asynccontextmanager
async def failing(tmp_path: Path, **options: Any) -> AsyncIterator[tuple[JournalWorld, FailingDatabase]]:
    plain = await open_database(tmp_path)
    database = FailingDatabase(plain._engine)
    try:
        async with journal_in(tmp_path, database=database, **options) as world:
            yield world, database
    finally:
        await database.close()


async def written(world: JournalWorld, count: int) -> None:
    async with asyncio.timeout(5):
        while len(await world.rows()) < count:
            await asyncio.sleep(0.01)


async def test_a_full_disk_stops_new_work_until_what_waits_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    async with failing(tmp_path) as (world, database):
        database.is_full = True
        world.journal.require()
        with pytest.raises(JournalError) as refused:
            await world.wrote("a.b")
        assert refused.value.fields["done"] is True
        with pytest.raises(JournalError) as refused:
            world.journal.require()
        assert refused.value.fields["done"] is False
        assert await world.journal.probe() == "the audit journal cannot be written"
        assert world.measured()["cloche_audit_failed"] == 1
        database.is_full = False
        await written(world, 1)
        world.journal.require()
        await world.wrote("a.b")
        assert await world.journal.probe() is None and world.measured()["cloche_audit_failed"] == 0
    assert (await verified(tmp_path)).rows == 2


async def test_when_told_to_go_on_without_a_journal_nothing_is_refused(tmp_path: Path) -> None:
    async with failing(tmp_path, stop_on_failure=False) as (world, database):
        database.is_full = True
        await world.wrote("a.b")
        world.journal.require()
        assert await world.journal.probe() is None
        database.is_full = False
    assert (await verified(tmp_path)).rows == 1


async def test_a_commit_whose_answer_was_lost_is_not_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    async with failing(tmp_path, segment_events=2) as (world, database):
        database.loses_answers = True
        with pytest.raises(JournalError):
            await world.wrote("a.b", "c.d")
        async with asyncio.timeout(5):
            while world.journal.problem() is not None:
                await asyncio.sleep(0.01)
        await world.wrote("e.f")
    found = await verified(tmp_path)
    assert (found.rows, found.segments, found.broken_at) == (3, 1, None)


async def test_a_full_journal_takes_no_new_work_but_writes_down_the_ends_of_the_old(tmp_path: Path) -> None:
    async with journal_in(tmp_path, max_events=3) as world:
        await world.wrote("a.b", "a.b")
        world.journal.require()
        await world.wrote("a.b")
        with pytest.raises(JournalError, match="full"):
            world.journal.require()
        await world.wrote("session.closed")
        assert len(await world.rows()) == 4


async def test_a_queue_that_grows_too_long_drops_and_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 10)
    async with journal_in(tmp_path) as world:
        for _ in range(13):
            world.journal.note(record())
        with pytest.raises(JournalError):
            world.journal.require()
        with pytest.raises(JournalError):
            await world.journal.settled()
        await written(world, 11)
        last = (await world.rows())[-1].entry
        assert (last.kind, last.data) == ("audit.dropped", '{"count":3}')
        world.journal.require()
        assert world.measured()["cloche_audit_events_dropped_total"] == 3


WRITE_ON = """
import asyncio, sys
from pathlib import Path
from cloche.audit.model import AuditRecord
from cloche.testing.audit import journal_in

async def main() -> None:
    async with journal_in(Path(sys.argv[1]), segment_events=50) as world:
        number = 0
        while True:
            for _ in range(20):
                world.journal.note(AuditRecord(kind="a.b", actor="ann", data={"number": number}))
                number += 1
            await world.journal.settled()
            print(number, flush=True)

asyncio.run(main())
"""


async def test_a_journal_killed_in_the_middle_of_its_work_holds_and_has_all_that_was_confirmed() -> None:
    with tempfile.TemporaryDirectory() as name:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITE_ON, name), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(20):
            for _ in range(30):
                confirmed = int(await process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        confirmed = max([confirmed, *map(int, (await process.stdout.read()).split(b"\n")[:-1])])
        await process.wait()
        found = await verified(Path(name))
        assert found.broken_at is None and found.rows >= confirmed
        async with journal_in(Path(name), segment_events=50) as world:
            await world.wrote("c.d")
        assert (await verified(Path(name))).rows == found.rows + 1


async def test_an_export_and_a_verification_go_on_beside_the_writing(world: JournalWorld) -> None:
    await world.wrote(*["a.b"] * 1500)
    exported = []
    async for event in world.reader.export(ADMIN, AuditFilter()):
        exported.append(event.seq)
        if event.seq == 1:
            await world.wrote("c.d")
    assert exported == list(range(1, 1502))
