import asyncio
from pathlib import Path

import pytest

from cloche.errors import JournalError
from cloche.testing.audit import JournalWorld, journal_in, tamper, verified
from cloche.testing.clock import FakeClock

DAY_S = 86_400


async def fill(world: JournalWorld, count: int) -> None:
    for _ in range(count):
        await world.wrote("a.b")


async def test_old_segments_go_whole_and_what_is_left_still_holds(tmp_path: Path) -> None:
    clock = FakeClock()
    async with journal_in(tmp_path, clock=clock, segment_events=5, retention_days=10) as world:
        await fill(world, 7)
        clock.advance(6 * DAY_S)
        await fill(world, 6)
        assert await world.journal.drop_old() == 0
        clock.advance(5 * DAY_S)
        assert await world.journal.drop_old() == 1
        await world.journal.settled()
        found = await world.journal.verify()
        assert (found.first_seq, found.rows, found.segments, found.broken_at) == (6, 9, 2, None)
        last = (await world.rows())[-1].entry
        assert (last.kind, last.data) == ("audit.segment_dropped", '{"first":1,"last":5,"segment":1}')
    assert (await verified(tmp_path)).broken_at is None


async def test_a_full_journal_has_room_again_once_an_old_segment_is_gone(tmp_path: Path) -> None:
    clock = FakeClock()
    async with journal_in(tmp_path, clock=clock, segment_events=5, retention_days=1, max_events=6) as world:
        await fill(world, 6)
        with pytest.raises(JournalError):
            world.journal.require()
        clock.advance(2 * DAY_S)
        await world.journal.drop_old()
        world.journal.require()


async def test_when_everything_was_dropped_the_chain_goes_on_from_there(tmp_path: Path) -> None:
    clock = FakeClock()
    async with journal_in(tmp_path, clock=clock, segment_events=5, retention_days=1) as world:
        await fill(world, 5)
        clock.advance(2 * DAY_S)
    async with journal_in(tmp_path, clock=clock, segment_events=5, retention_days=1) as world:
        await world.journal.drop_old()
        await fill(world, 1)
        assert [row.entry.seq for row in await world.rows()] == [6, 7]
    found = await verified(tmp_path)
    assert (found.first_seq, found.rows, found.broken_at) == (6, 2, None)


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update audit_segments set dropped_at = '2026-01-01T00:00:00.000000+00:00' where id = 1", 1),
        ("update audit_segments set last_seq = last_seq + 1 where id = 1", 1),
        ("update audit_segments set dropped_at = '' where id = 1", 1),
        ("delete from audit_events where seq = 6", 6),
        ("delete from audit_segments", 1),
    ],
)
async def test_what_is_done_to_an_anchor_or_to_the_row_behind_it_is_found(
    tmp_path: Path, statement: str, broken_at: int
) -> None:
    clock = FakeClock()
    async with journal_in(tmp_path, clock=clock, segment_events=5, retention_days=1) as world:
        await fill(world, 7)
        clock.advance(2 * DAY_S)
        await world.journal.drop_old()
    await asyncio.to_thread(tamper, tmp_path, statement)
    found = await verified(tmp_path)
    assert found.broken_at == broken_at
