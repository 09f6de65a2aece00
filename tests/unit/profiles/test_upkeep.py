import asyncio
import os
from pathlib import Path

import pytest

from cloche.errors import ConflictError
from cloche.ids import new_profile_id
from cloche.profiles import upkeep
from cloche.profiles.model import ProfileForm
from cloche.storage.database import Database
from cloche.testing.profile_store import ANN, BOB, ProfileWorld, in_pieces, new_keyring, payload_of


async def test_after_a_rekey_the_old_state_key_is_needed_no_more(
    world: ProfileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    profiles = [await world.add(ANN if number % 2 else BOB, saved=1) for number in range(5)]
    old = world.keyring.current
    assert old is not None
    both = new_keyring(old.current)
    world.keyring.current = both
    assert await world.store.rekey(both) == (5, 0)
    assert await world.store.rekey(both) == (0, 0)
    world.keyring.current = type(both)(both.current)
    for profile in profiles:
        assert await world.payload(profile.id) == payload_of(1)
    world.keyring.current = old
    with pytest.raises(ConflictError) as caught:
        await world.payload(profiles[0].id)
    assert caught.value.fields["reason"] == "profile_key_missing"


async def test_the_old_wrapping_is_in_no_file_after_a_rekey(world: ProfileWorld, database_file: Path) -> None:
    for number in range(5):
        await world.add(ANN if number % 2 else BOB)
    old = world.keyring.current
    assert old is not None

    def found() -> bool:
        # As part of the text that is stored; alone it stands in the column `key_id` too.
        files = database_file.parent.glob("x.db*")
        return any(f"1.{old.key_id}.".encode() in path.read_bytes() for path in files)

    assert await asyncio.to_thread(found)
    await world.store.rekey(new_keyring(old.current))
    assert not await asyncio.to_thread(found)


async def test_keys_that_no_state_key_opens_are_counted_and_left_as_they_are(world: ProfileWorld) -> None:
    lost = await world.add(saved=1)
    first = world.keyring.current
    world.keyring.current = second = new_keyring()
    await world.add(saved=1)
    third = new_keyring(second.current)
    assert await world.store.rekey(third) == (1, 1)
    world.keyring.current = first
    assert await world.payload(lost.id) == payload_of(1)


async def test_a_save_goes_on_while_keys_are_wrapped_anew(world: ProfileWorld) -> None:
    profile, old = await world.add(saved=1), world.keyring.current
    assert old is not None
    come, go_on = asyncio.Event(), asyncio.Event()

    async def slow():  # type: ignore[no-untyped-def]
        async for piece in in_pieces(payload_of(2)):
            come.set()
            await go_on.wait()
            yield piece

    form = ProfileForm.DIRECTORY
    saving = asyncio.get_running_loop().create_task(
        world.store.save(profile.id, None, form=form, engine="shell", manifest=b"", body=slow())
    )
    await come.wait()
    world.keyring.current = fresh = new_keyring(old.current)
    assert await world.store.rekey(fresh) == (1, 0)
    world.keyring.current = type(fresh)(fresh.current)
    go_on.set()
    await saving
    assert await world.payload(profile.id) == payload_of(2)


async def test_garbage_is_what_no_revision_has(world: ProfileWorld) -> None:
    profile = await world.add(saved=2)
    directory, gone = world.directory / profile.id, world.directory / new_profile_id()
    needed = set(world.files(profile.id))
    for name in ("a.part", "b.sealed", f"{next(iter(needed)).stem}.part", "notes.txt"):
        (directory / name).write_bytes(b"x")
    gone.mkdir()
    (gone / "c.sealed").write_bytes(b"x")
    (world.directory / new_profile_id()).mkdir()
    (directory / "odd").mkdir()
    assert await world.store.collect_garbage() == 5
    assert set(world.files(profile.id)) == needed | {directory / "odd"}
    assert os.listdir(world.directory) == [profile.id]
    assert await world.payload(profile.id) == payload_of(2)
    assert await world.payload(profile.id, 1) == payload_of(1)


async def test_what_is_being_saved_is_no_garbage(world: ProfileWorld) -> None:
    profile = await world.add()

    async def body():  # type: ignore[no-untyped-def]
        for piece in (payload_of(1, 600_000), payload_of(2, 600_000)):
            assert await world.store.collect_garbage() == 0
            yield piece

    form = ProfileForm.DIRECTORY
    await world.store.save(profile.id, None, form=form, engine="shell", manifest=b"", body=body())
    assert await world.payload(profile.id) == payload_of(1, 600_000) + payload_of(2, 600_000)


async def test_there_is_no_garbage_where_there_is_no_directory(world: ProfileWorld) -> None:
    assert await world.store.collect_garbage() == 0


async def test_a_log_that_somebody_reads_is_left_for_later(world: ProfileWorld, database_file: Path) -> None:
    await world.add()
    database = await Database.open(f"sqlite:///{database_file}")
    await upkeep.empty_wal(database)
    assert (database_file.parent / "x.db-wal").stat().st_size == 0
    await database.close()
