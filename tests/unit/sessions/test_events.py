import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from structlog.testing import capture_logs

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.ids import EventId, SessionId, new_session_id
from cloche.sessions import events as module
from cloche.sessions import rows
from cloche.sessions.events import EventLog
from cloche.sessions.model import EventType, Session, SessionEvent
from cloche.storage.database import Database
from cloche.testing.clock import FakeClock
from cloche.testing.sessions import make_session

START, REFUSED = EventId(0), EventType.EGRESS_REFUSED


@pytest.fixture
async def session(database: Database) -> Session:
    session = make_session()
    async with database.begin() as connection:
        await rows.add(connection, session, agent_token_hash="h", upstream_sealed=None)
    return session


async def numbers(events: EventLog, session: Session, *, after: EventId = START, live: bool = False) -> list[int]:
    async with asyncio.timeout(5):
        return [event.id async for event in events.read(session.id, after=after, live=live)]


async def test_an_event_is_numbered_stamped_and_stored(
    events: EventLog, session: Session, database: Database, clock: FakeClock
) -> None:
    first = events.publish(session.id, EventType.CREATED, {"owner": "ann"})
    clock.advance(5)
    second = events.publish(session.id, EventType.READY)
    await events.flush()

    assert (first.id, second.id) == (1, 2)
    assert (second.at - first.at).total_seconds() == 5
    async with database.read() as connection:
        assert await rows.events_after(connection, session.id, START, 10) == [first, second]


async def test_the_batch_is_written_without_being_asked(events: EventLog, session: Session, database: Database) -> None:
    events.publish(session.id, EventType.CREATED)
    async with asyncio.timeout(5):
        while True:
            async with database.read() as connection:
                if await rows.last_event_id(connection) == 1:
                    return
            await asyncio.sleep(0.01)


async def test_closing_writes_what_is_still_pending(database: Database, clock: FakeClock, session: Session) -> None:
    events = EventLog(database, clock)
    await events.open()
    for _ in range(10):
        events.publish(session.id, EventType.CREATED)
    await events.close()

    async with database.read() as connection:
        assert await rows.last_event_id(connection) == 10


async def test_numbers_go_on_growing_after_a_restart_also_beyond_what_was_never_written(
    database: Database, clock: FakeClock, session: Session
) -> None:
    before = EventLog(database, clock)
    await before.open()
    before.publish(session.id, EventType.CREATED)
    await before.flush()
    await before.close()
    # Killed now: these were announced to listeners, and never stored.
    announced = [before.publish(session.id, REFUSED).id for _ in range(100)]

    after = EventLog(database, clock)
    await after.open()
    fresh = after.publish(session.id, EventType.ADOPTED)
    assert fresh.id > max(announced)
    assert await numbers(after, session, after=max(announced)) == [fresh.id]
    await after.close()


async def test_a_listener_resumes_after_the_number_it_names(events: EventLog, session: Session) -> None:
    for _ in range(5):
        events.publish(session.id, REFUSED)

    assert await numbers(events, session) == [1, 2, 3, 4, 5]
    assert await numbers(events, session, after=EventId(3)) == [4, 5]
    assert await numbers(events, session, after=EventId(5)) == []
    assert await numbers(events, session, after=EventId((1 << 63) - 1)) == []
    assert await numbers(events, session, after=EventId(-1)) == [1, 2, 3, 4, 5]


async def test_a_long_past_is_read_in_pages_without_gap(
    events: EventLog, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    for _ in range(9):
        events.publish(session.id, REFUSED)

    assert await numbers(events, session) == list(range(1, 10))


async def test_a_live_listener_gets_the_past_then_the_present_then_the_end(events: EventLog, session: Session) -> None:
    events.publish(session.id, EventType.CREATED)
    heard, second = list[int](), asyncio.Event()

    async def listen() -> None:
        async for event in events.read(session.id, after=START, live=True):
            heard.append(event.id)
            if len(heard) == 2:
                second.set()

    async with asyncio.timeout(5):
        listening = spawn(listen(), name="listener")
        await asyncio.sleep(0)
        events.publish(session.id, EventType.READY)
        await second.wait()
        events.publish(session.id, EventType.CLOSED)
        events.finish(session.id)
        await listening
    assert heard == [1, 2, 3]


async def test_events_of_another_session_are_not_heard(events: EventLog, session: Session, database: Database) -> None:
    other = make_session()
    async with database.begin() as connection:
        await rows.add(connection, other, agent_token_hash="h", upstream_sealed=None)
    events.publish(other.id, EventType.CREATED)
    mine = events.publish(session.id, EventType.CREATED)

    assert await numbers(events, session) == [mine.id]


async def test_a_listener_that_reads_slowly_falls_behind_and_still_misses_nothing(
    events: EventLog, session: Session
) -> None:
    async with asyncio.timeout(10), aclosing(events.read(session.id, after=START, live=True)) as reading:
        events.publish(session.id, EventType.CREATED)
        heard = [(await anext(reading)).id]
        for number in range(600):
            events.publish(session.id, REFUSED)
            if number == 300:
                heard.append((await anext(reading)).id)
        heard += [(await anext(reading)).id for _ in range(599)]
        events.finish(session.id)
        heard += [event.id async for event in reading]

    assert heard == list(range(1, 602))


async def test_a_listener_that_fell_behind_when_the_session_ended_gets_the_rest_and_the_end(
    events: EventLog, session: Session
) -> None:
    reading = events.read(session.id, after=START, live=True)
    events.publish(session.id, EventType.CREATED)
    heard = [(await anext(reading)).id]
    for _ in range(600):
        events.publish(session.id, REFUSED)
    events.finish(session.id)
    async with asyncio.timeout(5):
        heard += [event.id async for event in reading]

    assert heard == list(range(1, 602))


async def test_a_listener_that_goes_away_takes_no_event_along(
    events: EventLog, session: Session, database: Database
) -> None:
    """It is the listener's own `flush` that was writing when it was cancelled."""
    for turns in range(12):
        events.publish(session.id, REFUSED)
        listening = spawn(numbers(events, session, live=True), name="listener")
        for _ in range(turns):
            await asyncio.sleep(0)
        await cancel_and_wait(listening)
    await events.flush()

    async with database.read() as connection:
        stored = await rows.events_after(connection, session.id, START, 100)
    assert [event.id for event in stored] == list(range(1, 13))


async def test_the_writer_that_is_stopped_in_the_middle_loses_nothing(
    database: Database, clock: FakeClock, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_EVERY_S", 0)
    for total, turns in enumerate(range(12), 1):
        events = EventLog(database, clock)
        await events.open()
        events.publish(session.id, REFUSED)
        for _ in range(turns):
            await asyncio.sleep(0)
        await events.close()
        async with database.read() as connection:
            assert len(await rows.events_after(connection, session.id, START, 100)) == total


async def test_what_a_sandbox_causes_at_will_is_told_once_a_second(
    events: EventLog, session: Session, clock: FakeClock
) -> None:
    told = []
    for _ in range(30):
        told.append(events.publish_coalesced(session.id, EventType.AGENT_PROTOCOL_ERROR, {"reason": "x"}))
        clock.advance(0.1)
    events.publish_coalesced(session.id, REFUSED, {})

    assert sum(told) == 3
    assert len(await numbers(events, session)) == 4


async def test_a_burst_is_let_through_and_then_no_more_for_a_second(
    events: EventLog, session: Session, clock: FakeClock
) -> None:
    told = [events.publish_coalesced(session.id, EventType.BROWSER_EXITED, None, burst=3) for _ in range(10)]
    clock.advance(1)
    told += [events.publish_coalesced(session.id, EventType.BROWSER_EXITED, None, burst=3) for _ in range(10)]

    assert [n for n, was_told in enumerate(told) if was_told] == [0, 1, 2, 10, 11, 12]


async def test_coalescing_does_not_outlive_its_session(events: EventLog, session: Session) -> None:
    assert events.publish_coalesced(session.id, REFUSED, {})
    assert not events.publish_coalesced(session.id, REFUSED, {})
    events.finish(session.id)

    assert events.publish_coalesced(session.id, REFUSED, {})


# --- a database that fails -------------------------------------------------------------------------------------------


@pytest.fixture
async def broken(database: Database, events: EventLog) -> AsyncIterator[None]:
    """While this holds nothing can be written: the table has another name."""
    async with database.begin() as connection:
        await connection.execute(text("alter table session_events rename to away"))
    yield
    async with database.begin() as connection:
        await connection.execute(text("drop table if exists session_events"))


async def mend(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(text("alter table away rename to session_events"))


async def test_a_batch_that_cannot_be_written_is_kept_in_order_for_later(
    events: EventLog, session: Session, database: Database, broken: None
) -> None:
    events.publish(session.id, EventType.CREATED)
    with capture_logs(), pytest.raises(SQLAlchemyError):
        await events.flush()
    events.publish(session.id, EventType.READY)
    await mend(database)
    await events.flush()

    assert await numbers(events, session) == [1, 2]


async def test_memory_stays_bounded_while_nothing_can_be_written(
    events: EventLog, session: Session, database: Database, broken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 100)
    with capture_logs() as logs:
        for _ in range(250):
            events.publish(session.id, REFUSED)
        await mend(database)
        await events.flush()
    kept = await numbers(events, session)

    assert len(kept) <= 100
    assert kept[-1] == 250
    assert kept == sorted(kept)
    assert sum(entry["count"] for entry in logs if entry["event"] == "events_dropped") == 250 - len(kept)


async def test_an_event_the_database_will_never_take_does_not_keep_the_others_out(
    events: EventLog, session: Session
) -> None:
    """Its session was never written, or has been deleted: a failed create publishes its failure all the same."""
    stray = SessionId("ses_01J8ZQ4Y3M5N6P7R8S9T0V1W2X")
    published: list[SessionEvent] = []
    with capture_logs() as logs:
        for number in range(10):
            event = events.publish(stray if number in (0, 4, 9) else session.id, REFUSED)
            published += [event] if event.session_id == session.id else []
        await events.flush()

    assert await numbers(events, session) == [event.id for event in published]
    assert [entry["event"] for entry in logs] == ["event_dropped"] * 3


async def test_what_is_told_after_its_session_has_ended_is_not_counted_for_good(
    events: EventLog, clock: FakeClock
) -> None:
    for _ in range(20):
        over = new_session_id()
        events.finish(over)
        events.publish_coalesced(over, REFUSED, {})
        clock.advance(1)

    assert len(events._coalesced) == 1, "the last of them"
