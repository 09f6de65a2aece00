import asyncio
from collections.abc import Callable

import pytest

from cloche.errors import JournalError
from cloche.sessions.auditing import AUDITED
from cloche.sessions.model import EventType, SessionRequest
from cloche.testing.audit import NotingAudit
from cloche.testing.session_world import ADMIN, ANN, World

Make = Callable[..., World]


@pytest.fixture
def audit() -> NotingAudit:
    return NotingAudit()


@pytest.fixture
def world(make_world: Make, chromium: None, audit: NotingAudit) -> World:
    return make_world(audit=audit)


def told(audit: NotingAudit) -> list[tuple[str, str, str]]:
    return [(record.kind, record.actor, record.outcome) for record in audit.records]


async def test_a_life_is_written_down_from_the_first_to_the_last(world: World, audit: NotingAudit) -> None:
    session = await world.ready(machine=False)
    assert audit.kinds == ["session.created"] and audit.settled_at == [1]
    await world.manager.extend(ANN, session.id, lifetime_s=60)
    await world.manager.sleep(ANN, session.id)
    await world.manager.wake(ADMIN, session.id)
    async with world.manager.attach(ADMIN, session.id), world.manager.attach(None, session.id):  # noqa: SIM117 - that order
        async with world.manager.attach(ANN, session.id, quiet=True):
            pass
    await world.manager.close(ADMIN, session.id)
    assert told(audit) == [
        ("session.created", "ann", "ok"),
        ("session.extended", "ann", "ok"),
        ("session.sleep", "ann", "ok"),
        ("session.wake", "admin", "ok"),
        ("devtools.attached", "admin", "ok"),
        ("devtools.attached", "link", "ok"),
        ("devtools.detached", "link", "ok"),
        ("devtools.detached", "admin", "ok"),
        ("session.close", "admin", "ok"),
        ("session.closing", "cloche", "ok"),
        ("session.closed", "cloche", "ok"),
    ]
    assert {record.owner for record in audit.records} == {"ann"}
    assert {record.session_id for record in audit.records} == {session.id}
    assert audit.records[-1].data == {"reason": "closed_by_user"}


async def test_without_a_journal_no_session_begins_and_every_one_can_end(world: World, audit: NotingAudit) -> None:
    session = await world.ready()
    audit.refuses = JournalError("the audit journal is full", done=False)
    for attempt in (
        world.manager.create(ANN, SessionRequest()),
        world.manager.extend(ANN, session.id, lifetime_s=60),
        world.manager.attach(ANN, session.id).__aenter__(),
    ):
        with pytest.raises(JournalError):
            await attempt
    assert len((await world.manager.list(ANN)).sessions) == 1
    await world.manager.close(ANN, session.id)
    assert audit.kinds[-1] == "session.closed"


async def test_what_a_page_caused_is_told_of_the_sandbox_and_of_a_private_session_without_where(
    world: World, audit: NotingAudit
) -> None:
    refusal = {"host": "secret.test", "port": 443, "reason": "not_allowed", "rule": "", "count": 2}
    for is_private in (False, True):
        session = await world.ready(private=is_private)
        world.manager._runners[session.id].publish(EventType.EGRESS_REFUSED, refusal)
    openly, privately = (record for record in audit.records if record.kind == "egress.refused")
    assert (openly.actor, openly.outcome) == ("sandbox", "not_allowed")
    assert openly.data["host"] == "secret.test" and "secret.test" not in repr(privately)
    assert privately.data["count"] == 2


async def test_who_ran_something_is_the_actor_and_a_profile_is_the_subject(world: World, audit: NotingAudit) -> None:
    session = await world.ready()
    runner = world.manager._runners[session.id]
    runner.publish(EventType.AGENT_EXEC, {"by": "root", "exit_code": 0})
    runner.publish(EventType.PROFILE_NOT_SAVED, {"profile": "prf_1", "reason": "too_large"})
    executed, unsaved = audit.records[-2:]
    assert (executed.kind, executed.actor, executed.data) == ("agent.exec", "root", {"exit_code": 0})
    assert (unsaved.actor, unsaved.subject, unsaved.outcome) == ("cloche", "prf_1", "too_large")


async def test_what_is_held_back_from_listeners_is_not_in_the_journal_either(world: World, audit: NotingAudit) -> None:
    session = await world.ready()
    runner = world.manager._runners[session.id]
    told = [runner.report(EventType.MEMORY_EXCEEDED, {"kills": number}) for number in range(50)]
    assert 0 < told.count(True) == audit.kinds.count("memory.exceeded") < 50


def test_actions_are_not_written_down_twice() -> None:
    assert EventType.BROWSER_ACTION not in AUDITED and EventType.DEVTOOLS_ATTACHED not in AUDITED


async def test_a_session_whose_record_could_not_be_written_is_named_and_so_is_that_a_close_was_not(
    world: World, audit: NotingAudit
) -> None:
    audit.fails = JournalError("it was done, but could not be written", done=True)
    with pytest.raises(JournalError) as made:
        await world.manager.create(ANN, SessionRequest())
    while not (found := (await world.manager.list(ANN)).sessions):  # its row is on its way
        await asyncio.sleep(0)
    (session,) = found
    assert made.value.fields == {"done": True, "session_id": session.id}
    with pytest.raises(JournalError):
        await world.manager.close(ANN, session.id)
    assert (await world.manager.get(ANN, session.id)).status == "closed"


async def test_a_client_is_let_in_once_that_is_written_down(world: World, audit: NotingAudit) -> None:
    session = await world.ready()
    async with world.manager.attach(None, session.id):
        assert audit.settled_at[-1] == len(audit.records)
    audit.fails = JournalError("it could not be written", done=True)
    with pytest.raises(JournalError):
        await world.manager.attach(None, session.id).__aenter__()
    assert audit.kinds[-2:] == ["devtools.attached", "devtools.detached"]
