"""What becomes of a session's hold on its profile, whatever becomes of the session."""

import asyncio
from collections.abc import Callable

import pytest

from cloche.errors import ConflictError, GoneError, NotFoundError, QuotaError, StartError
from cloche.ids import ProfileId, new_profile_id
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.model import EventType, ProfileUse, SessionRequest, SessionStatus
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.profiles.side import Storing
from cloche.testing.agent import AgentTemper
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.kept_profiles import MemoryStore, OneDirectory
from cloche.testing.session_world import ADMIN, ANN, World

Make = Callable[..., World]


@pytest.fixture
def keeping(make_world: Make, store: MemoryStore, chromium: None) -> World:
    """A world whose sessions find a browser for their profiles elsewhere."""
    tools = OneDirectory(is_running=True).tools
    return make_world(profiles=ProfileKeeper(Storing(store, 1 << 20, 0.05, tools)))


def using(profile_id: ProfileId, **use: bool) -> ProfileUse:
    return ProfileUse(id=profile_id, **{"save": True, **use})


async def test_a_session_holds_its_profile_until_it_has_ended(keeping: World, store: MemoryStore) -> None:
    profile = store.add()
    session = await keeping.ready(profile=using(profile.id))
    assert [(lease.session_id, lease.writes) for lease in store.leases] == [(session.id, True)]
    assert session.options.profile == using(profile.id)
    with pytest.raises(ConflictError):
        await keeping.ready(profile=using(profile.id))
    await keeping.manager.close(ANN, session.id)
    assert store.leases == []


async def test_a_session_that_is_refused_a_profile_takes_no_place(
    make_world: Make, store: MemoryStore, chromium: None
) -> None:
    world = make_world(profiles=ProfileKeeper(Storing(store, 1 << 20)), limits=AdmissionLimits(1, 1))
    with pytest.raises(NotFoundError):
        await world.ready(profile=using(new_profile_id()))
    session = await world.ready()
    with pytest.raises(QuotaError):
        await world.ready(profile=using(store.add().id))
    assert store.leases == []
    await world.manager.close(ANN, session.id)


async def test_a_start_that_fails_gives_its_profile_back(
    keeping: World, driver: AgentDriver, store: MemoryStore
) -> None:
    profile = store.add()
    driver.agent_temper = AgentTemper.GIVES_UP
    with pytest.raises(StartError):
        await keeping.ready(profile=using(profile.id))
    assert store.leases == []


async def test_a_failed_session_saves_nothing(keeping: World, driver: AgentDriver, store: MemoryStore) -> None:
    profile = store.add()
    session = await keeping.ready(profile=using(profile.id))
    driver.host.end(session.id)
    await keeping.told(session.id, EventType.FAILED)
    while store.leases:
        await asyncio.sleep(0)
    assert profile.id not in store.revisions
    assert "profile.saved" not in await keeping.history(session.id)


async def test_a_restart_leaves_the_profile_with_the_session_that_was_adopted(
    keeping: World, make_world: Make, store: MemoryStore
) -> None:
    profile, other = store.add(), store.add()
    session = await keeping.ready(profile=using(profile.id))
    ended = await keeping.ready(profile=using(other.id))
    await keeping.hand_over()
    keeping.driver.host.end(ended.id)
    assert len(store.leases) == 2

    again = make_world(profiles=ProfileKeeper(Storing(store, 1 << 20)))
    await again.recover()
    await again.manager.tidy_profiles()
    assert [lease.session_id for lease in store.leases] == [session.id]
    shown = await again.manager.get(ADMIN, session.id)
    assert shown.options.profile == using(profile.id)
    assert (await again.manager.get(ADMIN, ended.id)).status is SessionStatus.FAILED


async def test_nothing_is_saved_in_between_once_the_server_stops(keeping: World, store: MemoryStore) -> None:
    session = await keeping.ready(profile=using(store.add().id))
    await keeping.manager.drain()
    with pytest.raises(GoneError):
        await keeping.manager.save_profile(ADMIN, session.id)


async def test_a_living_session_without_a_profile_cannot_be_saved(keeping: World, store: MemoryStore) -> None:
    session = await keeping.ready()
    with pytest.raises(ConflictError) as caught:
        await keeping.manager.save_profile(ANN, session.id)
    assert caught.value.fields["reason"] == "no_profile"


async def test_a_client_that_goes_away_while_its_profile_is_looked_for_leaves_nothing_held(
    keeping: World, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = store.add()
    looked, go_on = asyncio.Event(), asyncio.Event()
    get = store.get

    async def slowly(profile_id: ProfileId) -> object:
        looked.set()
        await go_on.wait()
        return await get(profile_id)

    monkeypatch.setattr(store, "get", slowly)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await keeping.manager.create(ANN, SessionRequest(profile=using(profile.id)))
    assert looked.is_set()
    go_on.set()
    await keeping.manager.drain()
    (session,) = (await keeping.manager.list(ANN)).sessions
    assert session.status is SessionStatus.READY
    await keeping.manager.close(ANN, session.id)
    assert store.leases == []
