from dataclasses import replace

import pytest

from cloche.errors import ConflictError, GoneError, NotFoundError
from cloche.ids import SessionId, new_session_id
from cloche.sessions.model import SessionRequest, SessionStatus
from cloche.sessions.roster import visible
from cloche.sessions.runner import SessionRunner
from cloche.testing.session_world import ADMIN, ANN, BOB, World
from cloche.testing.sessions import make_session


def test_a_session_is_seen_by_its_owner_and_an_admin() -> None:
    session = make_session()
    assert visible(ANN, session) is visible(ADMIN, session) is session
    with pytest.raises(NotFoundError):
        visible(BOB, session)


async def test_only_what_lives_has_a_runner(world: World) -> None:
    roster = world.manager._roster
    pending = await world.manager.create(ANN, SessionRequest(), wait=False)
    with pytest.raises(ConflictError):
        await roster.ready_runner(ANN, pending.id)
    await world.manager.drain()
    runner = await roster.ready_runner(ANN, pending.id)
    assert list(roster) == [runner]
    with pytest.raises(NotFoundError):
        await roster.live_runner(BOB, pending.id)
    with pytest.raises(NotFoundError):
        await roster.live_runner(None, new_session_id())

    await world.manager.close(ANN, pending.id)
    assert list(roster) == []
    with pytest.raises(GoneError) as caught:
        await roster.live_runner(None, pending.id)
    assert caught.value.fields["reason"] == "closed_by_user"


async def test_one_that_ended_while_it_was_brought_back_is_not_counted_for_good(world: World) -> None:
    roster = world.manager._roster
    session = await world.ready()
    runner = roster.runners[session.id]
    up, runner.session = runner.session, replace(runner.session, status=SessionStatus.HIBERNATED)

    async def awake_and_over(session_id: SessionId) -> SessionRunner:
        runner.session = up
        await world.manager.close(ANN, session_id)
        return runner

    roster.awake = awake_and_over
    assert await roster.ready_runner(ANN, session.id) is runner
    assert roster.asked(runner) == len(roster._asked) == 0
