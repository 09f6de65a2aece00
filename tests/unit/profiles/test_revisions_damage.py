"""What somebody else did to the files and rows of profiles."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cloche.errors import ConflictError
from cloche.ids import ProfileId
from cloche.testing.profile_store import ANN, BOB, ProfileWorld, new_keyring, payload_of
from cloche.vault.sealed import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES


async def refused(world: ProfileWorld, profile_id: ProfileId, reason: str = "profile_damaged") -> None:
    with pytest.raises(ConflictError) as caught:
        await world.payload(profile_id)
    assert caught.value.fields["reason"] == reason


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
async def test_a_bit_that_is_flipped_anywhere_is_seen(world: ProfileWorld, offset: float, bit: int) -> None:
    page = (await world.store.page(ANN)).profiles
    profile = page[0] if page else await world.add(saved=1)
    (file,) = world.files(profile.id)
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[int(offset * len(whole))] ^= 1 << bit
    file.write_bytes(damaged)
    try:
        await refused(world, profile.id)
    finally:
        file.write_bytes(whole)
    assert await world.payload(profile.id) == payload_of(1)


async def test_a_file_that_is_cut_off_anywhere_is_seen(world: ProfileWorld) -> None:
    profile = await world.add()
    await world.save(profile.id, payload_of(1, 2 * CHUNK_BYTES + 1000))
    (file,) = world.files(profile.id)
    whole = file.read_bytes()
    borders = [HEADER_BYTES + n * (CHUNK_BYTES + TAG_BYTES) for n in range(3)]
    for length in (0, 1, HEADER_BYTES - 1, *borders, *(b + 1 for b in borders), borders[1] - TAG_BYTES, len(whole) - 1):
        file.write_bytes(whole[:length])
        await refused(world, profile.id)
        # The row says how long it was; the stream says so too.
        async with world.database.begin() as connection:
            await connection.execute(text("update profile_revisions set sealed_bytes = :n"), {"n": length})
        await refused(world, profile.id)
        async with world.database.begin() as connection:
            await connection.execute(text("update profile_revisions set sealed_bytes = :n"), {"n": len(whole)})
    file.write_bytes(whole + b"x")
    await refused(world, profile.id)
    file.write_bytes(whole)
    assert await world.payload(profile.id) == payload_of(1, 2 * CHUNK_BYTES + 1000)


async def test_what_is_genuine_but_not_all_comes_before_the_error_and_never_without_it(world: ProfileWorld) -> None:
    profile, data = await world.add(), payload_of(1, 2_000_000)
    await world.save(profile.id, data)
    (file,) = world.files(profile.id)
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    read = bytearray()
    with pytest.raises(ConflictError):
        async with world.store.read(profile.id) as stored:
            async for piece in stored.body:
                read += piece
    assert 0 < len(read) < len(data) and data.startswith(bytes(read))


async def test_files_that_change_places_are_seen(world: ProfileWorld) -> None:
    """Between profiles of one owner, of two, and between revisions."""
    mine, also_mine, foreign = await world.add(saved=2), await world.add(saved=1), await world.add(BOB, saved=1)
    old, new = world.files(mine.id)
    for other in (world.files(also_mine.id)[0], world.files(foreign.id)[0], old):
        _swap(new, other)
        await refused(world, mine.id)
        _swap(new, other)
    assert await world.payload(mine.id) == payload_of(2)


async def test_an_old_file_put_in_the_place_of_the_new_one_is_seen(world: ProfileWorld) -> None:
    profile = await world.add(saved=1)
    (first,) = world.files(profile.id)
    old = first.read_bytes()
    await world.save(profile.id, payload_of(2))
    for file in world.files(profile.id):
        file.write_bytes(old)
    await refused(world, profile.id)


@pytest.mark.parametrize(
    "change",
    [
        "update profile_revisions set revision = 1, sealed_bytes = (select max(sealed_bytes) from profile_revisions)",
        "update profiles set owner = 'bob'",
        "update profile_keys set data_key = substr(data_key, 1, 30) || 'AAAA' || substr(data_key, 35)",
        "delete from profile_keys",
        "delete from profile_revisions",
    ],
)
async def test_rows_that_were_changed_are_seen(world: ProfileWorld, change: str) -> None:
    profile = await world.add()
    await world.save(profile.id, payload_of(1))
    await world.save(profile.id, payload_of(2))
    async with world.database.begin() as connection:
        await connection.execute(text("delete from profile_revisions where revision = 1"))
        await connection.execute(text(change))
        if "revision = 1" in change:
            await connection.execute(text("update profiles set revision = 1"))
    await refused(world, profile.id)


async def test_keys_that_change_places_are_seen(world: ProfileWorld) -> None:
    one, other = await world.add(saved=1), await world.add(saved=1)
    async with world.database.begin() as connection:
        query = text("update profile_keys set data_key = (select data_key from profile_keys where profile_id = :from)")
        await connection.execute(query, {"from": other.id})
    await refused(world, one.id)
    with pytest.raises(ConflictError):
        await world.save(one.id, b"x")


async def test_another_state_key_and_a_missing_one_are_told_apart_from_damage(world: ProfileWorld) -> None:
    profile = await world.add(saved=1)
    keyring = world.keyring.current
    assert keyring is not None
    world.keyring.current = new_keyring()
    await refused(world, profile.id, "profile_key_missing")
    with pytest.raises(ConflictError) as caught:
        await world.save(profile.id, b"x")
    assert caught.value.fields["reason"] == "profile_key_missing"
    world.keyring.current = new_keyring(keyring.current)
    assert await world.payload(profile.id) == payload_of(1)
    world.keyring.current = None
    await refused(world, profile.id, "profiles_off")


def _remove(file: Path) -> None:
    file.unlink()


def _link(file: Path) -> None:
    kept = file.with_suffix(".kept")
    file.rename(kept)
    file.symlink_to(kept)


def _directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _whole_directory(file: Path) -> None:
    shutil.rmtree(file.parent)


@pytest.mark.parametrize("replace", [_remove, _link, _directory, _pipe, _whole_directory])
async def test_a_file_that_is_not_there_or_no_file_is_damage(world: ProfileWorld, replace: Any) -> None:
    profile = await world.add(saved=1)
    replace(world.files(profile.id)[0])
    await refused(world, profile.id)


async def test_a_damaged_profile_can_be_saved_anew_and_deleted(world: ProfileWorld) -> None:
    profile = await world.add(saved=1)
    world.files(profile.id)[0].unlink()
    await world.save(profile.id, payload_of(2))
    assert await world.payload(profile.id) == payload_of(2)
    await world.store.delete(profile.id)


def _swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
