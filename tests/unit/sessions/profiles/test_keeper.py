import sqlite3
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from cloche.errors import ConflictError, NotFoundError
from cloche.ids import ProfileId, SessionId, new_profile_id, new_session_id
from cloche.profiles.lease import Lease
from cloche.profiles.model import ProfileForm
from cloche.sandbox.spec import Engine
from cloche.sessions.model import Downloads, IfBusy, ProfileUse
from cloche.sessions.profiles.keeper import Beginning, ProfileKeeper
from cloche.sessions.profiles.side import Storing
from cloche.testing.kept_profiles import MemoryStore
from cloche.testing.session_world import ADMIN, ANN
from cloche.testing.sessions import make_options


@pytest.fixture
def keeper(store: MemoryStore) -> ProfileKeeper:
    return ProfileKeeper(Storing(store, 1 << 20))


async def begin(keeper: ProfileKeeper, profile_id: str, *, principal: Any = ANN, **asked: Any) -> Beginning:
    use = {name: asked.pop(name) for name in ("save", "if_busy", "form") if name in asked}
    options = make_options(profile=ProfileUse(id=ProfileId(profile_id), **use), **asked)
    return await keeper.begin(principal, new_session_id(), options)


async def test_a_session_without_a_profile_is_none_of_its_business(keeper: ProfileKeeper) -> None:
    options = make_options()
    assert await keeper.begin(ANN, new_session_id(), options) == Beginning(options)
    assert await ProfileKeeper(None).begin(ANN, new_session_id(), options) == Beginning(options)


async def test_a_server_without_a_key_says_so(store: MemoryStore) -> None:
    with pytest.raises(ConflictError) as caught:
        await begin(ProfileKeeper(None), store.add().id)
    assert caught.value.fields["reason"] == "profiles_off"


async def test_an_unknown_profile_and_a_foreign_one_are_refused_alike(
    keeper: ProfileKeeper, store: MemoryStore
) -> None:
    foreign = store.add("bob").id
    for profile_id in (foreign, new_profile_id(), "active"):
        for principal in (ANN, ADMIN):
            with pytest.raises(NotFoundError):
                await begin(keeper, profile_id, principal=principal)
    assert store.leases == []


async def test_active_is_the_owners_own(keeper: ProfileKeeper, store: MemoryStore) -> None:
    mine, _ = store.add("ann", active=True), store.add("bob", active=True)
    begun = await begin(keeper, "active")
    assert begun.options.profile is not None
    assert begun.options.profile.id == mine.id


async def test_what_is_in_force_is_told_and_held(keeper: ProfileKeeper, store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, b"tar")
    begun = await begin(keeper, profile.id, save=True)
    use = begun.options.profile
    assert use is not None
    assert (use.id, use.save, use.revision) == (profile.id, True, 1)
    assert begun.is_at_rest
    assert [(lease.profile_id, lease.writes) for lease in store.leases] == [(profile.id, True)]


async def test_before_there_is_a_lease_it_is_told_which_browser_the_profile_wants(
    keeper: ProfileKeeper, store: MemoryStore
) -> None:
    empty, portable, directory, private = store.add(), store.add(), store.add(), store.add(private=True)
    store.put(portable.id, b"{}", form=ProfileForm.STORAGE_STATE)
    store.put(directory.id, b"tar")

    async def wants_rest(profile_id: ProfileId, **options: Any) -> bool | None:
        return await keeper.wants_rest(ANN, make_options(profile=ProfileUse(id=profile_id), **options))

    assert await keeper.wants_rest(ANN, make_options()) is False
    assert await wants_rest(portable.id) is False
    assert await wants_rest(directory.id) is True
    assert await wants_rest(directory.id, private=True) is False, "nothing of it is read"
    assert await wants_rest(private.id) is False
    assert await wants_rest(empty.id) is None, "it may be saved in either form before there is a lease on it"
    with pytest.raises(NotFoundError):
        await wants_rest(new_profile_id())
    assert store.leases == []


async def test_the_browser_starts_at_once_where_no_directory_is_to_come(
    keeper: ProfileKeeper, store: MemoryStore
) -> None:
    empty, portable = store.add(), store.add()
    store.put(portable.id, b"{}", form=ProfileForm.STORAGE_STATE)
    assert not (await begin(keeper, empty.id)).is_at_rest
    assert not (await begin(keeper, portable.id)).is_at_rest


async def test_a_second_writer_is_refused_or_reads_as_it_asked(keeper: ProfileKeeper, store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, b"tar")
    await begin(keeper, profile.id, save=True)
    with pytest.raises(ConflictError) as caught:
        await begin(keeper, profile.id, save=True)
    assert caught.value.fields["reason"] == "profile_in_use"
    begun = await begin(keeper, profile.id, save=True, if_busy=IfBusy.READ_ONLY)
    assert begun.options.profile is not None
    assert (begun.options.profile.save, begun.options.profile.revision) == (False, 1)
    assert (await begin(keeper, profile.id)).options.profile is not None  # who only reads is in nobody's way


async def test_a_reader_starts_from_a_revision_that_it_holds_also_when_another_is_saved_right_then(
    keeper: ProfileKeeper, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = store.add()
    store.put(profile.id, b"tar")
    real = store.take

    async def take(profile_id: ProfileId, session_id: SessionId, *, writes: bool) -> Lease:
        lease = await real(profile_id, session_id, writes=writes)
        if lease.revision == 1:
            store.put(profile_id, b"newer")
            store.leases.remove(lease)  # the real one is replaced by the next
        return lease

    monkeypatch.setattr(store, "take", take)
    begun = await begin(keeper, profile.id)
    assert begun.options.profile is not None
    assert begun.options.profile.revision == 2
    assert [lease.revision for lease in store.leases] == [2]


async def test_a_profile_that_keeps_nothing_new_may_only_be_read(keeper: ProfileKeeper, store: MemoryStore) -> None:
    profile = store.add(persistence=False)
    with pytest.raises(ConflictError) as caught:
        await begin(keeper, profile.id, save=True)
    assert caught.value.fields["reason"] == "profile_not_saving"
    assert (await begin(keeper, profile.id)).options.profile is not None


async def test_a_directory_is_of_one_engine_and_a_storage_state_of_all(
    keeper: ProfileKeeper, store: MemoryStore
) -> None:
    directory, portable = store.add(), store.add()
    store.put(directory.id, b"tar", engine="chrome")
    store.put(portable.id, b"{}", form=ProfileForm.STORAGE_STATE)
    with pytest.raises(ConflictError) as caught:
        await begin(keeper, directory.id, save=True)
    assert caught.value.fields == {"reason": "profile_other_engine", "engine": "chrome"}
    assert store.leases == [], "a refused session holds nothing"
    await begin(keeper, directory.id, engine=Engine.CHROME)
    await begin(keeper, portable.id, engine=Engine.CHROME)


@pytest.mark.parametrize("who", ["profile", "session"])
async def test_of_a_private_session_nothing_is_read_saved_or_held(
    keeper: ProfileKeeper, store: MemoryStore, who: str
) -> None:
    profile = store.add(private=who == "profile")
    store.put(profile.id, b"tar")
    begun = await begin(keeper, profile.id, save=True, private=who == "session")
    use = begun.options.profile
    assert use is not None
    assert (begun.options.private, use.save, use.revision, begun.is_at_rest) == (True, False, 0, False)
    if who == "profile":
        assert begun.options.downloads is Downloads.QUARANTINE
    assert store.leases == []


async def test_a_private_session_may_not_name_a_foreign_profile_either(
    keeper: ProfileKeeper, store: MemoryStore
) -> None:
    with pytest.raises(NotFoundError):
        await begin(keeper, store.add("bob").id, private=True, principal=ANN)


async def test_after_a_restart_only_the_living_hold_their_profiles(keeper: ProfileKeeper, store: MemoryStore) -> None:
    profile = store.add()
    living, gone = new_session_id(), new_session_id()
    await store.take(profile.id, living, writes=True)
    await store.take(profile.id, gone, writes=False)
    await keeper.recover([living])
    assert [lease.session_id for lease in store.leases] == [living]
    assert store.garbage_collected == 1
    await ProfileKeeper(None).recover([living])


async def test_a_database_that_is_down_at_the_end_of_a_session_does_not_keep_its_profile(
    keeper: ProfileKeeper, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile, session_id = store.add(), new_session_id()
    await store.take(profile.id, session_id, writes=True)

    async def down(_: SessionId) -> None:
        raise OperationalError("", {}, sqlite3.OperationalError("disk I/O error"))

    with monkeypatch.context() as patch:
        patch.setattr(store, "give_back", down)
        await keeper.end(session_id)
    assert [lease.session_id for lease in store.leases] == [session_id]
    await begin(keeper, profile.id, save=True)
    assert session_id not in [lease.session_id for lease in store.leases]


async def test_the_end_gives_the_profile_back(keeper: ProfileKeeper, store: MemoryStore) -> None:
    profile = store.add()
    session_id = new_session_id()
    await keeper.begin(ANN, session_id, make_options(profile=ProfileUse(id=profile.id, save=True)))
    await keeper.end(session_id)
    assert store.leases == []
    await keeper.end(session_id)
    await begin(keeper, profile.id, save=True)


async def test_the_state_of_a_hibernated_session_is_nobodys_to_start_from(
    keeper: ProfileKeeper, store: MemoryStore
) -> None:
    kept = store.add(kept_for=new_session_id())
    with pytest.raises(NotFoundError):
        await keeper.begin(ANN, new_session_id(), make_options(profile=ProfileUse(id=kept.id)))
    await keeper.recover([], [kept.kept_for] if kept.kept_for else [])
    assert list(store.profiles) == [kept.id]
    await keeper.recover([])
    assert store.profiles == {}
