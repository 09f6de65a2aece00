import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from cloche.errors import ConflictError, InvalidError, NotFoundError, QuotaError, TooLargeError
from cloche.ids import PrincipalName, ProfileId, SessionId, new_profile_id, new_session_id
from cloche.profiles.limits import MAX_STATE_BYTES
from cloche.profiles.model import NewProfile, ProfileForm
from cloche.storage.database import Database
from cloche.testing.profile_store import ANN, BOB, LIMITS, ProfileWorld, payload_of


def reason(caught: "pytest.ExceptionInfo[ConflictError]") -> object:
    return caught.value.fields["reason"]


async def test_a_profile_is_what_was_asked_for_and_empty(world: ProfileWorld) -> None:
    request = NewProfile(name="Shopping", theme_color="#00ff00", persistence=False)
    profile = await world.store.add(ANN, request)
    assert profile == await world.store.get(profile.id)
    assert (profile.owner, profile.name, profile.theme_color) == (ANN, "Shopping", "#00ff00")
    assert (profile.persistence, profile.private, profile.active, profile.revision) == (False, False, False, 0)
    assert (profile.form, profile.engine, profile.size_bytes, profile.used_by) == (None, "", 0, ())
    assert profile.created_at == profile.updated_at == profile.last_used_at == world.clock.now()
    assert not world.directory.exists()


async def test_what_is_no_name_or_colour_is_refused(world: ProfileWorld) -> None:
    profile = await world.add()
    for request in (NewProfile(name=""), NewProfile(name="x", theme_color="red;")):
        with pytest.raises(InvalidError):
            await world.store.add(ANN, request)
    with pytest.raises(InvalidError):
        await world.store.update(profile.id, name="\n")
    with pytest.raises(InvalidError):
        await world.store.update(profile.id, theme_color="x" * 25)
    changed = await world.store.update(profile.id, name="play", theme_color="blue")
    assert (changed.name, changed.theme_color) == ("play", "blue")


async def test_of_profiles_that_are_not_there_nothing_is_done(world: ProfileWorld) -> None:
    unknown, store = new_profile_id(), world.store
    for call in (
        store.get(unknown),
        store.update(unknown, name="x"),
        store.activate(unknown),
        store.delete(unknown),
        store.revisions(unknown),
        store.take(unknown, new_session_id(), writes=False),
        store.fork(unknown, ANN, name="x"),
        store.get_state(unknown),
        store.put_state(unknown, b"{}"),
        world.save(unknown, b"x"),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_an_owner_has_so_many_and_no_more_and_none_is_evicted(world: ProfileWorld) -> None:
    mine = [await world.add(name=f"p{n}") for n in range(LIMITS.max_profiles_per_principal)]
    results = await asyncio.gather(*(world.add() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, QuotaError) for result in results)
    assert {profile.id for profile in (await world.store.page(ANN)).profiles} == {profile.id for profile in mine}
    await world.add(BOB)
    await world.store.delete(mine[0].id)
    await world.add()


async def test_profiles_are_listed_as_they_were_last_used(world: ProfileWorld) -> None:
    ids = list[ProfileId]()
    for number in range(4):
        world.clock.advance(1)
        ids.append((await world.add(BOB if number == 3 else ANN)).id)
    world.clock.advance(1)
    await world.store.take(ids[0], new_session_id(), writes=False)

    async def listed(owner: PrincipalName | None, limit: int) -> list[ProfileId]:
        found, cursor = list[ProfileId](), None
        while True:
            page = await world.store.page(owner, limit=limit, cursor=cursor)
            found += [profile.id for profile in page.profiles]
            if (cursor := page.next_cursor) is None:
                return found

    for limit in (1, 2, 50):
        assert await listed(ANN, limit) == [ids[0], ids[2], ids[1]]
        assert await listed(None, limit) == [ids[0], ids[3], ids[2], ids[1]]


@pytest.mark.parametrize("cursor", ["", "x", "é", "MjAyNg==", "MjAyNi0wMS0wMSBwcmY=", "A" * 5000])
async def test_a_cursor_that_is_none_is_refused(world: ProfileWorld, cursor: str) -> None:
    with pytest.raises(InvalidError):
        await world.store.page(ANN, cursor=cursor)
    with pytest.raises(InvalidError):
        await world.store.page(ANN, limit=201)


async def test_one_profile_of_each_owner_is_active_and_the_last_used_inherits(world: ProfileWorld) -> None:
    first, second, foreign = await world.add(), await world.add(), await world.add(BOB)
    assert await world.store.active(ANN) is None
    for profile in (first, second, foreign):
        assert (await world.store.activate(profile.id)).active
    assert (await world.store.page(ANN)).active_id == second.id
    assert [p.id for p in (await world.store.page(ANN)).profiles if p.active] == [second.id]
    assert await world.store.delete(second.id) == first.id
    active = await world.store.active(ANN)
    assert active is not None and active.id == first.id
    assert await world.store.delete(first.id) is None
    assert await world.store.delete(foreign.id) is None


async def test_deleting_another_leaves_the_active_one_as_it_is(world: ProfileWorld) -> None:
    active, other = await world.add(), await world.add()
    await world.store.activate(active.id)
    assert await world.store.delete(other.id) == active.id


async def test_of_two_that_would_write_one_does(world: ProfileWorld, database_file: Path) -> None:
    profile = await world.add()
    sessions = [new_session_id() for _ in range(6)]
    other = await Database.open(f"sqlite:///{database_file}")
    try:
        beside = ProfileWorld(other, world.directory, keyring=world.keyring)
        takers = [
            (beside if number % 2 else world).store.take(profile.id, session_id, writes=True)
            for number, session_id in enumerate(sessions)
        ]
        results = await asyncio.gather(*takers, return_exceptions=True)
    finally:
        await other.close()
    refused = [result for result in results if isinstance(result, ConflictError)]
    assert len(refused) == 5 and {error.fields["reason"] for error in refused} == {"profile_in_use"}
    assert (await world.store.get(profile.id)).written_by in sessions


async def test_readers_go_beside_a_writer_and_all_of_it_ends_with_the_session(world: ProfileWorld) -> None:
    profile = await world.add()
    writer, reader = new_session_id(), new_session_id()
    lease = await world.store.take(profile.id, writer, writes=True)
    assert (lease.profile_id, lease.session_id, lease.writes) == (profile.id, writer, True)
    world.clock.advance(1)
    await world.store.take(profile.id, reader, writes=False)
    used = await world.store.get(profile.id)
    assert (used.used_by, used.written_by) == ((writer, reader), writer)
    await world.store.give_back(writer)
    await world.store.give_back(writer)
    await world.store.take(profile.id, reader, writes=True)
    used = await world.store.get(profile.id)
    assert (used.used_by, used.written_by) == ((reader,), reader)


async def test_a_new_daemon_forgets_what_sessions_had_that_are_gone(world: ProfileWorld) -> None:
    one, other = await world.add(), await world.add()
    gone, alive = new_session_id(), new_session_id()
    await world.store.take(one.id, gone, writes=True)
    await world.store.take(other.id, alive, writes=True)
    await world.store.forget_leases({alive})
    assert (await world.store.get(one.id)).used_by == ()
    assert (await world.store.get(other.id)).written_by == alive
    await world.store.forget_leases(list[SessionId]())
    assert (await world.store.get(other.id)).used_by == ()


async def test_a_profile_in_use_is_deleted_only_by_force_and_its_session_saves_no_more(world: ProfileWorld) -> None:
    profile, session_id = await world.add(saved=1), new_session_id()
    await world.store.take(profile.id, session_id, writes=False)
    with pytest.raises(ConflictError) as caught:
        await world.store.delete(profile.id)
    assert reason(caught) == "profile_in_use"
    assert await world.payload(profile.id) == payload_of(1)

    await world.store.delete(profile.id, force=True)
    with pytest.raises(ConflictError) as caught:
        await world.save(profile.id, b"late", session_id)
    assert reason(caught) == "profile_deleted"
    assert not (world.directory / profile.id).exists()


async def test_the_key_of_a_profile_that_is_deleted_is_in_no_file(
    world: ProfileWorld, database_file: Path, tmp_path: Path
) -> None:
    """Of many, so that the tree of keys has several pages and is balanced on the way, and with uses in between."""
    async with world.database.begin() as connection:
        await connection.execute(text("pragma secure_delete=off"))  # some builds of SQLite have it on by themselves
    keys = dict[ProfileId, str]()
    for number in range(40):
        profile = await world.add(PrincipalName(f"owner{number}"))
        await world.store.take(profile.id, new_session_id(), writes=True)
        async with world.database.read() as connection:
            query = text("select data_key from profile_keys where profile_id = :id")
            keys[profile.id] = (await connection.execute(query, {"id": profile.id})).scalar_one()

    def found() -> set[str]:
        data = b"".join(path.read_bytes() for path in database_file.parent.glob("x.db*"))
        return {key for key in keys.values() if key.rpartition(".")[2].encode() in data}

    assert await asyncio.to_thread(found) == set(keys.values())
    gone = list(keys)[::2]
    for profile_id in gone:
        await world.store.delete(profile_id, force=True)
    assert await asyncio.to_thread(found) == {keys[profile_id] for profile_id in keys if profile_id not in gone}


async def test_the_files_of_a_profile_that_is_deleted_are_gone(world: ProfileWorld) -> None:
    profile = await world.add(saved=2)
    assert len(world.files(profile.id)) == 2
    await world.store.delete(profile.id)
    assert os.listdir(world.directory) == []


async def test_a_storage_state_is_kept_as_it_came(world: ProfileWorld) -> None:
    profile = await world.add()
    with pytest.raises(ConflictError) as caught:
        await world.store.get_state(profile.id)
    assert reason(caught) == "profile_empty"
    await world.store.put_state(profile.id, b'{"cookies":[]}')
    assert await world.store.get_state(profile.id) == b'{"cookies":[]}'
    assert (await world.store.get(profile.id)).form is ProfileForm.STORAGE_STATE
    await world.save(profile.id, b"tar")
    with pytest.raises(ConflictError) as caught:
        await world.store.get_state(profile.id)
    assert reason(caught) == "profile_other_form"
    assert await world.store.get_state(profile.id, 1) == b'{"cookies":[]}'
    with pytest.raises(TooLargeError):
        await world.store.put_state(profile.id, bytes(MAX_STATE_BYTES + 1))


async def test_a_state_is_not_put_while_a_session_writes(world: ProfileWorld) -> None:
    profile = await world.add()
    await world.store.take(profile.id, new_session_id(), writes=True)
    with pytest.raises(ConflictError) as caught:
        await world.store.put_state(profile.id, b"{}")
    assert reason(caught) == "profile_in_use"


async def test_without_a_state_key_profiles_are_off(world: ProfileWorld) -> None:
    profile, session_id = await world.add(saved=1), new_session_id()
    await world.store.take(profile.id, session_id, writes=True)
    keyring, world.keyring.current = world.keyring.current, None
    store = world.store
    assert not store.is_on
    for call in (
        store.add(ANN, NewProfile(name="x")),
        store.get(profile.id),
        store.page(ANN),
        store.update(profile.id, name="x"),
        store.activate(profile.id),
        store.active(ANN),
        store.delete(profile.id),
        store.revisions(profile.id),
        store.take(profile.id, session_id, writes=True),
        store.fork(profile.id, ANN, name="x"),
        store.get_state(profile.id),
        world.save(profile.id, b"x", session_id),
        world.payload(profile.id),
    ):
        with pytest.raises(ConflictError) as caught:
            await call
        assert reason(caught) == "profiles_off"
    # A daemon without its key still starts, and takes back what sessions had.
    await store.collect_garbage()
    await store.give_back(session_id)
    world.keyring.current = keyring
    assert await world.payload(profile.id) == payload_of(1)


async def test_the_state_of_a_hibernated_session_is_in_no_listing_and_no_quota_and_goes_when_it_is_told(
    world: ProfileWorld,
) -> None:
    one, other, store = new_session_id(), new_session_id(), world.store
    for session_id in (one, other):
        profile = await store.add_snapshot(ANN, session_id)
        assert (profile.kept_for, profile.owner) == (session_id, ANN)
        await world.save(profile.id, b"all of it", session_id=session_id)
        with pytest.raises(ConflictError) as refused:
            await world.save(profile.id, b"another's", session_id=new_session_id())
        assert reason(refused) == "lease_lost"
    for _ in range(LIMITS.max_profiles_per_principal):
        await world.add()
    listed = await store.page(ANN)
    assert len(listed.profiles) == len((await store.page(None)).profiles) == LIMITS.max_profiles_per_principal
    assert len(list(world.directory.glob("*/*.sealed"))) == 2
    await store.drop_snapshots(one)
    await store.drop_snapshots(one)
    assert len(list(world.directory.glob("*/*.sealed"))) == 1
    assert await store.forget_snapshots(keep=[other]) == 0
    assert await store.forget_snapshots(keep=[]) == 1
    assert list(world.directory.glob("*/*")) == []
