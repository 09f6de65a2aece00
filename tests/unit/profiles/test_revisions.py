import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloche.errors import ClocheError, ConflictError, NotFoundError, StorageFullError, TooLargeError
from cloche.ids import ProfileId, new_session_id
from cloche.profiles import blobs
from cloche.profiles.model import NewProfile, ProfileForm
from cloche.storage.database import Database
from cloche.testing.profile_store import ANN, LIMITS, ProfileWorld, in_pieces, payload_of


async def held(pieces: AsyncIterator[bytes], come: asyncio.Event, go_on: asyncio.Event) -> AsyncIterator[bytes]:
    """Pieces whose first comes, and whose others wait."""
    async for piece in pieces:
        yield piece
        come.set()
        await go_on.wait()


async def nothing_but(world: ProfileWorld, profile_id: ProfileId, revision: int) -> None:
    """Whether the last good revision is there, and no file but those of revisions."""
    kept = await world.store.revisions(profile_id)
    assert (await world.store.get(profile_id)).revision == kept[0].revision == revision
    assert await world.payload(profile_id) == payload_of(revision)
    files = await asyncio.to_thread(world.files, profile_id)
    assert sorted(file.stat().st_size for file in files) == sorted(one.size_bytes for one in kept)
    assert all(file.suffix == ".sealed" for file in files)


@pytest.mark.parametrize("size", [0, 1, 300_000, 1_500_000])
async def test_what_is_saved_is_read(world: ProfileWorld, size: int) -> None:
    profile, data = await world.add(), payload_of(1, size)
    saved = await world.save(profile.id, data)
    async with world.store.read(profile.id) as stored:
        assert (stored.revision, stored.form, stored.engine) == (1, ProfileForm.DIRECTORY, "shell")
        assert stored.manifest == b'{"tabs":[]}'
        assert b"".join([piece async for piece in stored.body]) == data
    shown = await world.store.get(profile.id)
    assert (shown.revision, shown.form, shown.engine) == (1, ProfileForm.DIRECTORY, "shell")
    assert shown.size_bytes == saved.size_bytes == world.files(profile.id)[0].stat().st_size
    assert await world.store.revisions(profile.id) == (saved,)


async def test_nothing_of_it_is_on_the_disk_in_the_clear(
    world: ProfileWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    profile, canary = await world.add(), b"canary-in-the-mine"
    await world.save(profile.id, canary * 100)
    assert await world.payload(profile.id) == canary * 100
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and not [file for file in files if canary in file.read_bytes()]


async def test_the_newest_few_revisions_are_kept(world: ProfileWorld) -> None:
    profile = await world.add(saved=5)
    assert [one.revision for one in await world.store.revisions(profile.id)] == [5, 4, 3]
    assert len(world.files(profile.id)) == LIMITS.profile_revisions
    for revision in (5, 4, 3):
        assert await world.payload(profile.id, revision) == payload_of(revision)
    with pytest.raises(NotFoundError):
        await world.payload(profile.id, 2)
    shown = await world.store.get(profile.id)
    assert shown.size_bytes == sum(one.size_bytes for one in await world.store.revisions(profile.id))


async def test_a_reader_finds_what_it_began_with_however_many_are_saved_meanwhile(world: ProfileWorld) -> None:
    profile = await world.add(saved=1)
    reader, writer = new_session_id(), new_session_id()
    assert (await world.store.take(profile.id, reader, writes=False)).revision == 1
    await world.store.take(profile.id, writer, writes=True)
    for number in range(2, 7):
        await world.save(profile.id, payload_of(number), writer)
    assert [one.revision for one in await world.store.revisions(profile.id)] == [6, 5, 4, 1]
    assert await world.payload(profile.id, 1) == payload_of(1)
    await world.store.give_back(reader)
    await world.save(profile.id, payload_of(7), writer)
    assert [one.revision for one in await world.store.revisions(profile.id)] == [7, 6, 5]
    assert len(world.files(profile.id)) == LIMITS.profile_revisions


async def test_only_the_session_that_writes_saves(world: ProfileWorld) -> None:
    profile, writer, reader = await world.add(saved=1), new_session_id(), new_session_id()
    await world.store.take(profile.id, writer, writes=True)
    await world.store.take(profile.id, reader, writes=False)
    for session_id, reason in ((reader, "lease_lost"), (new_session_id(), "lease_lost"), (None, "profile_in_use")):
        with pytest.raises(ConflictError) as caught:
            await world.save(profile.id, b"not mine", session_id)
        assert caught.value.fields["reason"] == reason
    assert (await world.save(profile.id, payload_of(2), writer)).session_id == writer
    await nothing_but(world, profile.id, 2)


async def test_a_lease_that_is_lost_while_saving_makes_no_revision(world: ProfileWorld) -> None:
    profile, writer = await world.add(saved=1), new_session_id()
    await world.store.take(profile.id, writer, writes=True)
    come, go_on = asyncio.Event(), asyncio.Event()
    saving = asyncio.get_running_loop().create_task(
        world.store.save(
            profile.id,
            writer,
            form=ProfileForm.DIRECTORY,
            engine="shell",
            manifest=b"",
            body=held(in_pieces(payload_of(2)), come, go_on),
        )
    )
    await come.wait()
    await world.store.give_back(writer)
    await world.store.take(profile.id, new_session_id(), writes=True)
    go_on.set()
    with pytest.raises(ConflictError) as caught:
        await saving
    assert caught.value.fields["reason"] == "lease_lost"
    await nothing_but(world, profile.id, 1)


async def test_of_two_that_save_at_once_one_does(world: ProfileWorld, database_file: Path) -> None:
    profile = await world.add(saved=1)
    other = await Database.open(f"sqlite:///{database_file}")
    try:
        beside = ProfileWorld(other, world.directory, keyring=world.keyring)
        come = [asyncio.Event() for _ in range(4)]
        go_on = asyncio.Event()

        def save(number: int) -> Any:
            store = (beside if number % 2 else world).store
            body = held(in_pieces(payload_of(2)), come[number], go_on)
            form = ProfileForm.DIRECTORY
            return store.save(profile.id, None, form=form, engine="shell", manifest=b"", body=body)

        loop = asyncio.get_running_loop()
        saving = [loop.create_task(save(number)) for number in range(4)]
        for one in come:
            await one.wait()
        go_on.set()
        results = await asyncio.gather(*saving, return_exceptions=True)
    finally:
        await other.close()
    refused = [result for result in results if isinstance(result, ConflictError)]
    assert [error.fields["reason"] for error in refused] == ["revision_moved"] * 3
    await nothing_but(world, profile.id, 2)


@pytest.mark.parametrize("with_session", [True, False])
async def test_a_profile_that_is_deleted_while_it_is_saved_stays_deleted(
    world: ProfileWorld, with_session: bool
) -> None:
    profile = await world.add(saved=1)
    session_id = new_session_id() if with_session else None
    if session_id is not None:
        await world.store.take(profile.id, session_id, writes=True)
    come, go_on = asyncio.Event(), asyncio.Event()
    body = held(in_pieces(payload_of(2, 1_500_000)), come, go_on)
    form = ProfileForm.DIRECTORY
    saving = asyncio.get_running_loop().create_task(
        world.store.save(profile.id, session_id, form=form, engine="shell", manifest=b"", body=body)
    )
    await come.wait()
    await world.store.delete(profile.id, force=True)
    go_on.set()
    with pytest.raises(ConflictError if with_session else NotFoundError) as caught:
        await saving
    assert not with_session or caught.value.fields["reason"] == "profile_deleted"
    assert not (world.directory / profile.id).exists()


async def test_nothing_is_kept_in_a_private_profile(world: ProfileWorld) -> None:
    profile = await world.store.add(ANN, NewProfile(name="x", private=True))
    with pytest.raises(ConflictError) as caught:
        await world.save(profile.id, b"x")
    assert caught.value.fields["reason"] == "profile_private"
    assert not world.directory.exists()


async def test_more_than_a_profile_may_hold_is_refused_and_leaves_nothing(world: ProfileWorld) -> None:
    profile = await world.add(saved=1)
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100_000
            yield bytes(100_000)

    form = ProfileForm.DIRECTORY
    with pytest.raises(TooLargeError):
        await world.store.save(profile.id, None, form=form, engine="shell", manifest=b"", body=endless())
    assert read < LIMITS.max_profile_bytes + (2 << 20)
    await nothing_but(world, profile.id, 1)


async def test_a_body_that_breaks_off_leaves_nothing(world: ProfileWorld) -> None:
    profile = await world.add(saved=1)

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(600_000)
        raise ConnectionResetError("the sandbox has gone")

    form = ProfileForm.DIRECTORY
    with pytest.raises(ConnectionResetError):
        await world.store.save(profile.id, None, form=form, engine="shell", manifest=b"", body=broken())
    await nothing_but(world, profile.id, 1)


async def test_reading_goes_on_while_newer_revisions_push_the_file_out(world: ProfileWorld) -> None:
    profile = await world.add()
    await world.save(profile.id, payload_of(1, 1_500_000))
    async with world.store.read(profile.id) as stored:
        first = await anext(stored.body)
        for number in range(2, 6):
            await world.save(profile.id, payload_of(number))
        assert first + b"".join([piece async for piece in stored.body]) == payload_of(1, 1_500_000)


async def test_a_revision_that_goes_while_it_is_looked_for_is_looked_for_again(
    world: ProfileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = await world.add(saved=1)
    real, looked = blobs.opened, list[str]()

    def opened(root: Path, profile_id: ProfileId, name: str) -> int:
        looked.append(name)
        if len(looked) == 1:
            raise FileNotFoundError
        return real(root, profile_id, name)

    monkeypatch.setattr(blobs, "opened", opened)
    assert await world.payload(profile.id) == payload_of(1)
    assert len(looked) == 2


async def test_a_reader_that_leaves_early_leaves_nothing_open(world: ProfileWorld) -> None:
    profile = await world.add()
    await world.save(profile.id, payload_of(1, 1_500_000))
    with pytest.raises(ZeroDivisionError):
        async with world.store.read(profile.id) as stored:
            await anext(stored.body)
            raise ZeroDivisionError  # the fixture that looks for open descriptors does the rest


FILE_STEPS = ("open", "write", "fsync", "replace", "mkdir", "unlink")


class Faults:
    """Fails, or does something else, at the n-th of the file operations that the store makes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, do: Callable[[], None]) -> None:
        self.steps, self._at, self._do = 0, at, do
        for name in FILE_STEPS:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.steps += 1
            if self.steps == self._at:
                self._do()
            return function(*arguments, **options)

        return call


@pytest.mark.parametrize("number", [28, 5, 122])  # ENOSPC, EIO, EDQUOT
async def test_a_disk_that_fails_at_any_step_leaves_the_last_good_revision(world: ProfileWorld, number: int) -> None:
    profile = await world.add(saved=3)
    expected = StorageFullError if number != 5 else ClocheError

    def fail() -> None:
        raise OSError(number, "injected")

    revision, at = 3, 0
    while True:
        at += 1
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, at, fail)
            try:
                await world.save(profile.id, payload_of(revision + 1))
            except expected:
                failed = True
            else:
                failed = False
        revision += not failed
        # Of what failed once the revision was there, only files that nobody needs may stay.
        await world.fresh_store().collect_garbage()
        await nothing_but(world, profile.id, revision)
        if faults.steps < at:
            assert at > 6
            return


async def test_a_full_disk_is_told_and_the_space_is_given_back(
    world: ProfileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = await world.add(saved=1)
    written, real = 0, os.write

    def write(descriptor: int, data: Any) -> int:
        nonlocal written
        if written > 300_000:
            raise OSError(28, "No space left on device")
        done = real(descriptor, data[:100_000])
        written += done
        return done

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(StorageFullError):
        await world.save(profile.id, payload_of(2, 3_000_000))
    await nothing_but(world, profile.id, 1)


async def test_who_is_cancelled_at_any_moment_leaves_a_good_revision_and_no_other_file(world: ProfileWorld) -> None:
    profile = await world.add(saved=1)
    revision, loop = 1, asyncio.get_running_loop()
    for turns in range(0, 60, 3):
        saving = loop.create_task(world.save(profile.id, payload_of(revision + 1)))
        for _ in range(turns):
            await asyncio.sleep(0)
            await asyncio.to_thread(int)
            if saving.done():
                break
        saving.cancel()
        await asyncio.wait({saving})
        revision = (await world.store.get(profile.id)).revision
        await nothing_but(world, profile.id, revision)
        if not saving.cancelled():
            break
    assert revision > 1


async def test_a_commit_that_fails_takes_the_file_back(world: ProfileWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = await world.add(saved=1)
    from cloche.profiles import rows

    async def broken(*_: Any, **__: Any) -> list[str]:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "retire", broken)
        with pytest.raises(ZeroDivisionError):
            await world.save(profile.id, payload_of(2))
    await nothing_but(world, profile.id, 1)


async def test_a_limit_that_was_lowered_holds_for_reading_too(world: ProfileWorld) -> None:
    profile = await world.add()
    await world.save(profile.id, bytes(2_000_000))
    world.limits = replace(world.limits, max_profile_bytes=1_000_000)
    world.store = world.fresh_store()
    with pytest.raises(TooLargeError):
        await world.payload(profile.id)
