import asyncio
from datetime import timedelta

import pytest

from cloche.audit import rows
from cloche.audit.model import AuditFilter
from cloche.testing.audit import JournalWorld, tamper
from cloche.testing.clock import FakeClock

NOW = FakeClock().now()


async def found(world: JournalWorld, **wanted: object) -> list[int]:
    async with world.database.read() as connection:
        page = await rows.page(connection, AuditFilter(**wanted), owner=None, limit=100)  # type: ignore[arg-type]
    return [event.seq for event in page]


@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        ({}, [3, 2, 1]),
        ({"kind": "session.created"}, [1]),
        ({"kind": "session."}, [2, 1]),
        ({"kind": "session"}, []),
        ({"kind": "%."}, []),
        ({"actor": "bob"}, [3]),
        ({"session_id": "ses_1"}, [2, 1]),
        ({"subject": "key_1"}, [3]),
        ({"since": NOW}, [3, 2, 1]),
        ({"since": NOW + timedelta(seconds=1)}, []),
        ({"until": NOW}, []),
        ({"until": NOW + timedelta(microseconds=1)}, [3, 2, 1]),
    ],
)
async def test_a_filter_lets_through_what_it_says(
    world: JournalWorld, wanted: dict[str, object], seqs: list[int]
) -> None:
    await world.wrote("session.created", "session.closed", session_id="ses_1")
    await world.wrote("key.created", actor="bob", subject="key_1")
    assert await found(world, **wanted) == seqs


async def test_a_row_somebody_has_edited_is_still_shown(world: JournalWorld) -> None:
    await world.wrote("a.b")
    await asyncio.to_thread(tamper, world.directory, "update audit_events set data = '[', at = 'x'")
    assert await found(world) == [1]
