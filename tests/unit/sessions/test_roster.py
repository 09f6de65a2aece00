import pytest

from cloche.errors import ConflictError, GoneError, NotFoundError
from cloche.ids import new_session_id
from cloche.sessions.model import SessionRequest
from cloche.sessions.roster import visible
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
