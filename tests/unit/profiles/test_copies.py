import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.errors import ConflictError, InvalidError, NotFoundError, QuotaError, StorageFullError, TooLargeError
from cloche.profiles import portable
from cloche.profiles.model import NewProfile, Profile, ProfileForm
from cloche.testing.profile_store import ANN, BOB, LIMITS, ProfileWorld, in_pieces, payload_of

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every one costs a tenth of a second otherwise; `test_portable` tries them as they are."""
    monkeypatch.setattr(portable, "LOG_N", 4)


async def exported(world: ProfileWorld, profile: Profile, revision: int | None = None) -> bytes:
    async with world.store.export(profile.id, passphrase=PASSPHRASE, revision=revision) as pieces:
        return b"".join([piece async for piece in pieces])


async def imported(world: ProfileWorld, file: bytes, passphrase: str = PASSPHRASE) -> Profile:
    return await world.store.import_file(BOB, in_pieces(file), passphrase=passphrase, name="copy")


def directories(world: ProfileWorld) -> int:
    return len(os.listdir(world.directory))


@pytest.mark.parametrize("size", [10, 1_500_000])
async def test_a_fork_begins_with_the_same_state_under_a_key_of_its_own(world: ProfileWorld, size: int) -> None:
    source = await world.store.add(ANN, NewProfile(name="work", theme_color="blue", persistence=False))
    await world.save(source.id, payload_of(1, size))
    await world.save(source.id, payload_of(2, size))
    last = await world.store.fork(source.id, BOB, name="mine")
    first = await world.store.fork(source.id, ANN, name="older", revision=1)
    assert (last.owner, last.name, last.theme_color, last.persistence) == (BOB, "mine", "blue", False)
    assert (last.revision, last.form, last.engine) == (1, ProfileForm.DIRECTORY, "shell")
    await world.store.delete(source.id)
    assert await world.payload(last.id) == payload_of(2, size)
    assert await world.payload(first.id) == payload_of(1, size)


async def test_a_fork_of_an_empty_profile_is_empty(world: ProfileWorld) -> None:
    fork = await world.store.fork((await world.add()).id, BOB, name="mine")
    assert (fork.revision, fork.size_bytes) == (0, 0)


async def test_what_cannot_be_forked_leaves_no_profile(world: ProfileWorld) -> None:
    source = await world.add(saved=1)
    with pytest.raises(NotFoundError):
        await world.store.fork(source.id, BOB, name="mine", revision=7)
    with pytest.raises(InvalidError):
        await world.store.fork(source.id, BOB, name="")
    (file,) = world.files(source.id)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ConflictError):
        await world.store.fork(source.id, BOB, name="mine")
    for _ in range(LIMITS.max_profiles_per_principal):
        await world.add(BOB)
    with pytest.raises(QuotaError):
        await world.store.fork(source.id, BOB, name="mine")
    assert len((await world.store.page(BOB)).profiles) == LIMITS.max_profiles_per_principal
    assert directories(world) == 1


async def test_two_forks_do_not_get_past_the_quota_together(world: ProfileWorld) -> None:
    source = await world.add(saved=1)
    for _ in range(LIMITS.max_profiles_per_principal - 1):
        await world.add(BOB)
    forks = (world.store.fork(source.id, BOB, name=str(n)) for n in range(3))
    results = await asyncio.gather(*forks, return_exceptions=True)
    assert sum(isinstance(result, QuotaError) for result in results) == 2
    assert directories(world) == 2


@pytest.mark.parametrize("size", [0, 10, 1_500_000])
async def test_what_one_server_exports_another_takes_in(world: ProfileWorld, size: int) -> None:
    profile, data = await world.add(), payload_of(1, size)
    await world.save(profile.id, data)
    await world.save(profile.id, b"newer")
    file = await exported(world, profile, 1)
    assert size < 100 or data[:50] not in file
    copy = await imported(world, file)
    assert (copy.owner, copy.name, copy.revision, copy.engine) == (BOB, "copy", 1, "shell")
    assert await world.payload(copy.id) == data
    async with world.store.read(copy.id) as stored:
        assert stored.manifest == b'{"tabs":[]}'
    assert [file.suffix for file in world.files(copy.id)] == [".sealed"]


async def test_an_empty_or_damaged_profile_is_not_exported(world: ProfileWorld) -> None:
    profile = await world.add()
    with pytest.raises(ConflictError) as caught:
        await exported(world, profile)
    assert caught.value.fields["reason"] == "profile_empty"
    await world.save(profile.id, payload_of(1, 600_000))
    (file,) = world.files(profile.id)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ConflictError) as caught:
        await exported(world, profile)
    assert caught.value.fields["reason"] == "profile_damaged"
    with pytest.raises(InvalidError):
        async with world.store.export(profile.id, passphrase="short"):
            pytest.fail("too short")


async def refused(world: ProfileWorld, file: bytes, passphrase: str = PASSPHRASE) -> None:
    before = directories(world)
    with pytest.raises(InvalidError):
        await imported(world, file, passphrase)
    assert (await world.store.page(BOB)).profiles == () and directories(world) == before


async def test_a_wrong_passphrase_and_a_file_that_is_none_are_refused(world: ProfileWorld) -> None:
    file = await exported(world, await world.add(saved=1))
    await refused(world, file, "wrong horse battery")
    await refused(world, file, "short")
    for broken in (b"", b"x", file[:31], file[:32], file[:80], file[:100], file[:-1], file + b"x", bytes(1000)):
        await refused(world, broken)
    # A large one whose end alone is wrong: all of it is looked at before there is a profile.
    profile = await world.add()
    await world.save(profile.id, payload_of(1, 1_500_000))
    large = await exported(world, profile)
    await refused(world, large[:-1] + bytes([large[-1] ^ 1]))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
async def test_a_bit_that_is_flipped_anywhere_in_a_file_is_seen(world: ProfileWorld, offset: float, bit: int) -> None:
    page = (await world.store.page(ANN)).profiles
    file = bytearray(await exported(world, page[0] if page else await world.add(saved=1)))
    at = int(offset * len(file))
    # Of the parameters: one that asks for more memory than this test would take; it is refused in `test_portable`.
    file[at] ^= 1 << bit if at != 8 else 0x80
    await refused(world, bytes(file))


async def test_a_file_that_is_too_large_or_unpacks_to_too_much_is_refused(world: ProfileWorld) -> None:
    profile = await world.add()
    await world.save(profile.id, bytes(3_000_000))
    bomb = await exported(world, profile)
    assert len(bomb) < 10_000
    world.limits = type(LIMITS)(max_profiles_per_principal=5, max_profile_bytes=1_000_000, profile_revisions=3)
    world.store = world.fresh_store()
    with pytest.raises(TooLargeError):
        await imported(world, bomb)
    with pytest.raises(TooLargeError):
        await imported(world, bytes(20_000_000))
    assert (await world.store.page(BOB)).profiles == () and directories(world) == 1


async def test_an_import_beyond_the_quota_is_refused_before_it_is_read(world: ProfileWorld) -> None:
    file = await exported(world, await world.add(saved=1))
    for _ in range(LIMITS.max_profiles_per_principal):
        await world.add(BOB)
    with pytest.raises(QuotaError):
        await imported(world, file)
    assert directories(world) == 1


async def test_files_that_are_still_coming_in_count_for_the_quota(world: ProfileWorld) -> None:
    file = await exported(world, await world.add(saved=1))
    go_on, come = asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> AsyncIterator[bytes]:
        come.release()
        await go_on.wait()
        yield file

    async with asyncio.TaskGroup() as tasks:
        for number in range(LIMITS.max_profiles_per_principal):
            name = f"copy {number}"
            tasks.create_task(world.store.import_file(BOB, slow(), passphrase=PASSPHRASE, name=name))
            await come.acquire()
        with pytest.raises(QuotaError):
            await imported(world, file)
        with pytest.raises(QuotaError):
            await world.store.import_file(BOB, broken_off(), passphrase=PASSPHRASE, name="never read")
        go_on.set()
    (first, *_) = (await world.store.page(BOB)).profiles
    await world.store.delete(first.id)
    await imported(world, file)


async def broken_off() -> AsyncIterator[bytes]:
    yield pytest.fail("nothing of it is read")


async def test_an_import_that_finds_the_disk_full_or_is_cancelled_leaves_nothing(
    world: ProfileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await exported(world, await world.add(saved=1))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StorageFullError):
            await imported(world, file)
    for turns in range(0, 30, 3):
        importing = asyncio.get_running_loop().create_task(imported(world, file))
        for _ in range(turns):
            await asyncio.to_thread(int)
            if importing.done():
                break
        importing.cancel()
        await asyncio.wait({importing})
        for profile in (await world.store.page(BOB)).profiles:
            assert await world.payload(profile.id) == payload_of(1)
            await world.store.delete(profile.id)
        assert directories(world) == 1
