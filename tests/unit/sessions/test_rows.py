from dataclasses import MISSING, fields, replace
from datetime import UTC, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from cloche.ids import EventId, PrincipalName
from cloche.sandbox.spec import Engine
from cloche.sessions import rows
from cloche.sessions.model import (
    BrowserFacts,
    Budget,
    EgressOptions,
    EventType,
    OnExhausted,
    Session,
    SessionEvent,
    SessionStatus,
    SessionUsage,
    Viewport,
)
from cloche.storage.database import Database
from cloche.testing.sessions import BUDGET, NOON, make_options, make_session

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
sessions = st.builds(
    make_session,
    owner=plain.map(PrincipalName),
    status=st.sampled_from(SessionStatus),
    reason=plain,
    expires_at=st.datetimes(timezones=st.just(UTC), min_value=NOON.replace(tzinfo=None)).filter(
        lambda moment: moment.year < 9999
    ),
    closed_at=st.none() | st.just(NOON),
    browser=st.none() | st.builds(BrowserFacts, product=plain, revision=plain),
    usage=st.builds(
        SessionUsage,
        egress_bytes_in=st.integers(0, 2**60),
        memory_bytes=st.none() | st.integers(0, 2**60),
        cpu_seconds=st.none() | st.floats(0, 1e9),
        devtools_clients=st.just(0),
    ),
    options=st.builds(
        make_options,
        engine=st.sampled_from(Engine),
        viewport=st.builds(Viewport, width=st.integers(1, 9999), device_scale_factor=st.floats(0.25, 8)),
        start_url=st.none() | plain,
        locale=st.none() | plain,
        egress=st.builds(EgressOptions, allow_hosts=st.lists(plain).map(tuple), upstream=st.none() | plain),
        labels=st.dictionaries(plain, plain, max_size=4),
        budget=st.builds(replace, st.just(BUDGET), on_exhausted=st.sampled_from(OnExhausted), tabs=st.integers(1, 99)),
        action_allowed_domains=st.lists(plain, max_size=3).map(tuple),
        machine=st.booleans(),
    ),
)


async def add(database: Database, *many: Session) -> None:
    async with database.begin() as connection:
        for session in many:
            await rows.add(connection, session, agent_token_hash="h", upstream_sealed=None)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(session=sessions)
async def test_a_session_comes_back_as_it_was_stored(database: Database, session: Session) -> None:
    await add(database, session)
    async with database.read() as connection:
        assert await rows.get(connection, session.id) == session


async def test_how_many_clients_there_were_is_not_remembered(database: Database) -> None:
    session = make_session(usage=SessionUsage(devtools_clients=3))
    await add(database, session)

    async with database.read() as connection:
        found = await rows.get(connection, session.id)
    assert found is not None
    assert found.usage.devtools_clients == 0


async def test_what_can_change_is_saved_and_what_cannot_stays(database: Database) -> None:
    session, other = make_session(), make_session()
    await add(database, session, other)
    changed = replace(
        session,
        status=SessionStatus.CLOSED,
        reason="idle_timeout",
        closed_at=NOON,
        expires_at=NOON + timedelta(days=1),
        usage=SessionUsage(egress_bytes_in=5),
        owner=PrincipalName("thief"),
    )
    async with database.begin() as connection:
        await rows.save(connection, changed)
    async with database.read() as connection:
        assert await rows.get(connection, session.id) == replace(changed, owner=session.owner)
        assert await rows.get(connection, other.id) == other


async def test_a_session_nobody_stored_is_none(database: Database) -> None:
    async with database.read() as connection:
        assert await rows.get(connection, make_session().id) is None


async def test_the_unfinished_are_those_that_may_still_live(database: Database) -> None:
    every = {status: make_session(status=status) for status in SessionStatus}
    await add(database, *every.values())
    async with database.read() as connection:
        found = await rows.unfinished(connection)

    live = {"pending", "ready", "sleeping", "hibernated", "closing"}
    assert set(found) == {session.id for status, session in every.items() if status in live}
    assert {entry.agent_token_hash for entry in found.values()} == {"h"}


async def test_forgetting_takes_labels_and_events_along_and_leaves_the_rest(database: Database) -> None:
    old = make_session(closed_at=NOON - timedelta(days=8), options=make_options(labels={"a": "1"}))
    young = make_session(closed_at=NOON)
    live = make_session()
    await add(database, old, young, live)
    async with database.begin() as connection:
        await rows.add_events(connection, [SessionEvent(EventId(1), old.id, EventType.CREATED, NOON)])
        assert await rows.forget_ended_before(connection, NOON - timedelta(days=7)) == 1
    async with database.read() as connection:
        assert await rows.get(connection, old.id) is None
        assert await rows.get(connection, young.id) is not None
        assert await rows.get(connection, live.id) is not None
        for table in ("session_labels", "session_events"):
            assert (await connection.execute(text(f"select count(*) from {table}"))).scalar() == 0


async def test_an_event_comes_back_as_it_was_stored_and_only_to_its_session(database: Database) -> None:
    session, other = make_session(), make_session()
    await add(database, session, other)
    event = SessionEvent(
        EventId(2**40), session.id, EventType.EGRESS_REFUSED, NOON, {"host": "ä", "port": 1, "x": None}
    )
    async with database.begin() as connection:
        await rows.add_events(connection, [event, SessionEvent(EventId(7), other.id, EventType.CREATED, NOON)])
    async with database.read() as connection:
        assert await rows.events_after(connection, session.id, EventId(0), 10) == [event]
        assert await rows.events_after(connection, session.id, event.id, 10) == []
        assert await rows.last_event_id(connection) == 2**40


async def test_a_number_is_never_used_twice(database: Database) -> None:
    session = make_session()
    await add(database, session)
    event = SessionEvent(EventId(1), session.id, EventType.CREATED, NOON)
    async with database.begin() as connection:
        await rows.add_events(connection, [event])
    with pytest.raises(IntegrityError):
        async with database.begin() as connection:
            await rows.add_events(connection, [event])


async def test_a_session_stored_before_an_option_was_made_is_read_as_one_that_did_not_ask_for_it(
    database: Database,
) -> None:
    session = make_session()
    async with database.begin() as connection:
        await rows.add(connection, session, agent_token_hash="", upstream_sealed=None)
        young = ["egress.ports", "egress.schemes", "machine", "action_allowed_domains"]
        young += [f"budget.{field.name}" for field in fields(Budget) if field.default is not MISSING]
        paths = ", ".join(f"'$.{path}'" for path in young)
        await connection.execute(text(f"update sessions set options = json_remove(options, {paths})"))
        await connection.execute(text("update sessions set usage = json_remove(usage, '$.actions')"))
        left = (await connection.execute(text("select json_extract(options, '$.budget') from sessions"))).scalar()
    assert left is not None and "actions" not in left and "memory_bytes" in left
    async with database.read() as connection:
        assert await rows.get(connection, session.id) == session
