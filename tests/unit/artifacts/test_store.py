"""The store, on a real database and a real directory."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.artifacts import rows
from cloche.artifacts.draft import Draft
from cloche.artifacts.keys import ArtifactKeys
from cloche.artifacts.model import Artifact, ArtifactState
from cloche.artifacts.rows import Filter, Totals
from cloche.artifacts.store import ArtifactStore
from cloche.errors import ConflictError, DeniedError, InternalError, NotFoundError, QuotaError, RangeError
from cloche.ids import PrincipalName, SessionId, new_artifact_id
from cloche.storage.database import Database
from cloche.testing.clock import FakeClock
from cloche.vault.keyring import KeySource, LiveKeyring
from cloche.vault.keys import Keyring, StateKey

MakeDraft = Callable[..., Draft]
MakeStore = Callable[..., ArtifactStore]
TEXT = b"It is only a note.\n" * 40


class Body:
    """Yields pieces, and knows how many were asked for and whether it was closed."""

    def __init__(self, *pieces: bytes, endless: bool = False, fails: Exception | None = None) -> None:
        self.pieces, self.endless, self.fails = pieces, endless, fails
        self.yielded = 0
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        if self.endless or self.yielded < len(self.pieces):
            self.yielded += 1
            return self.pieces[(self.yielded - 1) % len(self.pieces)]
        if self.fails is not None:
            raise self.fails
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


async def read(store: ArtifactStore, artifact: Artifact, **options: Any) -> bytes:
    async with store.open(artifact.id, **options) as content:
        data = b"".join([piece async for piece in content.body])
    assert content.length == len(data)
    return data


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def test_a_file_comes_out_as_it_went_in(store: ArtifactStore, draft: MakeDraft, clock: FakeClock) -> None:
    body = Body(TEXT[:100], TEXT[100:])
    artifact = await store.add(draft(source_url="https://a.test/notes.txt"), body)
    assert (artifact.state, artifact.reasons, artifact.media_type) == (ArtifactState.READY, (), "text/plain")
    assert (artifact.size_bytes, artifact.sha256) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())
    assert (artifact.expires_at - clock.now()).total_seconds() == 1000
    assert body.closed
    assert await store.get(artifact.id) == artifact
    assert await read(store, artifact) == TEXT


async def test_one_that_is_named_before_it_is_there_is_waited_for(store: ArtifactStore, draft: MakeDraft) -> None:
    named, _ = store.add_soon(draft(), TEXT)
    assert await read(store, await store.get(named)) == TEXT
    also, _ = store.add_soon(draft(), b"also")
    page = await store.page(Filter(owner=draft().owner), limit=5)
    assert [artifact.id for artifact in page.artifacts] == [also, named]


async def test_one_that_is_named_is_there_when_the_store_is_closed(store: ArtifactStore, draft: MakeDraft) -> None:
    _, coming = store.add_soon(draft(), TEXT)
    await store.close()
    assert coming.done() and coming.exception() is None


async def test_one_that_is_named_and_does_not_come_is_not_there(make_store: MakeStore, draft: MakeDraft) -> None:
    store = make_store(max_total_bytes=5)
    await store.start()
    named, coming = store.add_soon(draft(must_fit=True), TEXT)
    with pytest.raises(NotFoundError):
        await store.get(named)
    with pytest.raises(QuotaError):
        await coming


async def test_an_empty_file_is_a_file(store: ArtifactStore, draft: MakeDraft) -> None:
    artifact = await store.add(draft(), Body())
    assert artifact.size_bytes == 0
    assert await read(store, artifact, quarantined=True) == b""


async def test_nothing_lies_in_the_clear(store: ArtifactStore, draft: MakeDraft, directory: Path) -> None:
    await store.add(draft(), Body(b"canary-" * 100_000))
    (blob,) = files(directory)
    assert blob.suffix == ".sealed"
    assert b"canary" not in blob.read_bytes()
    assert blob.stat().st_mode & 0o077 == 0 and directory.stat().st_mode & 0o077 == 0


async def test_what_looks_wrong_is_in_quarantine_until_it_is_released(
    store: ArtifactStore, draft: MakeDraft, clock: FakeClock
) -> None:
    program = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(400)
    artifact = await store.add(draft(suggested_name="invoice.pdf"), Body(program))
    assert artifact.state is ArtifactState.QUARANTINED and "type_mismatch" in artifact.reasons
    assert (artifact.expires_at - clock.now()).total_seconds() == 5000
    with pytest.raises(DeniedError) as denied:
        await read(store, artifact)
    assert denied.value.fields["reason"] == "quarantined"
    assert await read(store, artifact, quarantined=True) == program
    clock.advance(10)
    released = await store.release(artifact.id, by="root")
    assert (released.state, released.decided_by, released.decided_at) == (
        ArtifactState.RELEASED,
        "root",
        clock.now(),
    )
    assert (released.expires_at - clock.now()).total_seconds() == 1000
    assert await store.get(artifact.id) == released
    assert await read(store, artifact) == program
    with pytest.raises(ConflictError):
        await store.release(artifact.id, by="root")


async def test_one_that_is_too_large_for_a_file_is_kept_in_quarantine(store: ArtifactStore, draft: MakeDraft) -> None:
    artifact = await store.add(draft(max_file_bytes=100), Body(TEXT))
    assert (artifact.state, artifact.reasons) == (ArtifactState.QUARANTINED, ("too_large",))
    assert await read(store, artifact, quarantined=True) == TEXT


async def test_what_we_made_ourselves_is_taken_at_its_word(store: ArtifactStore, draft: MakeDraft) -> None:
    made = {"suggested_name": "page.pdf", "declared_type": "application/pdf", "trusted": True}
    artifact = await store.add(draft(**made), Body(b"not really"))
    assert (artifact.state, artifact.media_type) == (ArtifactState.READY, "application/pdf")
    large = await store.add(draft(**made, max_file_bytes=5), Body(b"not really"))
    assert large.reasons == ("too_large",)


async def test_a_body_without_an_end_is_cut_off_where_the_room_ends(
    store: ArtifactStore, draft: MakeDraft, directory: Path
) -> None:
    body = Body(bytes(64 * 1024), endless=True)
    artifact = await store.add(draft(session_bytes=3 << 20), body)
    assert (artifact.state, artifact.reasons) == (ArtifactState.REJECTED, ("session_quota",))
    assert artifact.sha256 == "" and artifact.size_bytes == 3 << 20
    assert body.closed and body.yielded == 49
    assert files(directory) == []
    with pytest.raises(ConflictError) as conflict:
        await read(store, artifact)
    assert conflict.value.fields["reason"] == "not_kept"
    assert await store.totals(artifact.session_id or SessionId("")) == Totals(0, 1)


async def test_a_principal_has_a_total_over_all_sessions(make_store: MakeStore, draft: MakeDraft) -> None:
    store = make_store(max_total_bytes=1000)
    await store.start()
    first = await store.add(draft(session_id=None), Body(TEXT))
    second = await store.add(draft(), Body(TEXT))
    assert second.reasons == ("principal_quota",)
    other = await store.add(draft(owner=PrincipalName("bob")), Body(TEXT))
    assert other.state is ArtifactState.READY
    with pytest.raises(QuotaError) as refused:
        await store.add(draft(must_fit=True), Body(TEXT))
    assert refused.value.fields["reason"] == "principal_quota"
    await store.delete(first.id)
    assert (await store.add(draft(), Body(TEXT))).state is ArtifactState.READY
    assert await store.totals_of(PrincipalName("alice")) == Totals(len(TEXT), 2)


async def test_of_many_that_race_for_the_last_place_one_gets_it(
    store: ArtifactStore, draft: MakeDraft, directory: Path
) -> None:
    bodies = [Body(TEXT[:380], TEXT[380:]) for _ in range(8)]
    results = await asyncio.gather(*(store.add(draft(session_bytes=len(TEXT) + 700), body) for body in bodies))
    kept = [artifact for artifact in results if artifact.state is ArtifactState.READY]
    assert len(kept) == 1
    assert len(files(directory)) == len(kept)
    # Whoever made it impossible for the others has given its room back.
    assert (await store.add(draft(session_bytes=len(TEXT) + 700 + len(TEXT)), Body(TEXT))).state is ArtifactState.READY


async def test_the_last_place_by_count_is_taken_once(store: ArtifactStore, draft: MakeDraft) -> None:
    bodies = [Body(TEXT) for _ in range(6)]
    results = await asyncio.gather(
        *(store.add(draft(session_artifacts=2), body) for body in bodies), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, QuotaError)]
    assert len(refused) == 4 and {error.fields["reason"] for error in refused} == {"too_many_artifacts"}
    assert all(body.closed for body in bodies)
    assert sum(body.yielded for body in bodies) == 2, "nothing is read of what has no place"


async def test_what_was_never_read_can_be_written_down_and_has_a_place_of_its_own(
    store: ArtifactStore, draft: MakeDraft
) -> None:
    rejected = await store.reject(draft(session_artifacts=1), "not_readable", size_bytes=7)
    assert (rejected.state, rejected.reasons, rejected.size_bytes) == (ArtifactState.REJECTED, ("not_readable",), 7)
    assert await store.get(rejected.id) == rejected
    with pytest.raises(QuotaError):
        await store.reject(draft(session_artifacts=1), "not_readable")


async def test_a_body_that_fails_leaves_nothing(store: ArtifactStore, draft: MakeDraft, directory: Path) -> None:
    body = Body(bytes(2 << 20), fails=ConnectionResetError("gone"))
    with pytest.raises(ConnectionResetError, match="gone"):
        await store.add(draft(), body)
    assert body.closed and files(directory) == []
    assert (await store.page(Filter(), limit=10)).artifacts == ()
    assert (await store.add(draft(session_bytes=len(TEXT), session_artifacts=1), Body(TEXT))).size_bytes == len(TEXT)


async def test_a_cancelled_add_leaves_nothing(store: ArtifactStore, draft: MakeDraft, directory: Path) -> None:
    waiting, body = asyncio.Event(), Body()

    async def stalled() -> AsyncIterator[bytes]:
        yield bytes(3 << 20)
        waiting.set()
        await asyncio.Event().wait()
        yield b""

    task = asyncio.get_running_loop().create_task(store.add(draft(), stalled()))
    await asyncio.wait_for(waiting.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(directory) == [] and not body.closed
    assert (await store.page(Filter(), limit=10)).artifacts == ()


async def test_a_full_disk_is_told_and_leaves_nothing(
    store: ArtifactStore, draft: MakeDraft, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, limit = os.write, 300_000

    def full(fd: int, data: memoryview) -> int:
        if sum(path.stat().st_size for path in files(directory)) > limit:
            raise OSError(28, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr("cloche.artifacts.blobs.os.write", full)
    artifact = await store.add(draft(), Body(bytes(4 << 20)))
    assert (artifact.state, artifact.reasons) == (ArtifactState.REJECTED, ("storage_full",))
    with pytest.raises(InternalError):
        await store.add(draft(must_fit=True), Body(bytes(4 << 20)))
    monkeypatch.undo()
    assert files(directory) == []


async def test_a_changed_blob_is_said_to_be_damaged(store: ArtifactStore, draft: MakeDraft, directory: Path) -> None:
    artifact = await store.add(draft(), Body(TEXT))
    (blob,) = files(directory)
    good = blob.read_bytes()
    for bad in (good[:-1], b"", good[:60] + bytes([good[60] ^ 1]) + good[61:], good + b"x"):
        blob.write_bytes(bad)
        with pytest.raises(ConflictError) as damaged:
            await read(store, artifact)
        assert damaged.value.fields["reason"] == "artifact_damaged"
    blob.write_bytes(good)
    assert await read(store, artifact) == TEXT
    blob.unlink()
    with pytest.raises(ConflictError):
        await read(store, artifact)


async def test_a_blob_put_in_the_place_of_another_does_not_open(
    store: ArtifactStore, draft: MakeDraft, directory: Path
) -> None:
    first = await store.add(draft(), Body(TEXT))
    (one,) = files(directory)
    second = await store.add(draft(), Body(TEXT))
    (two,) = set(files(directory)) - {one}
    data = one.read_bytes(), two.read_bytes()
    two.write_bytes(data[0])
    one.write_bytes(data[1])
    for artifact in (first, second):
        with pytest.raises(ConflictError):
            await read(store, artifact)


async def test_a_range_beyond_the_end_is_none(store: ArtifactStore, draft: MakeDraft) -> None:
    artifact = await store.add(draft(), Body(TEXT))
    assert await read(store, artifact, start=10, length=5) == TEXT[10:15]
    assert await read(store, artifact, start=len(TEXT) - 3, length=100) == TEXT[-3:]
    for start in (len(TEXT), len(TEXT) + 1, -1):
        with pytest.raises(RangeError):
            await read(store, artifact, start=start)


async def test_what_is_being_read_can_be_read_although_it_is_deleted(
    store: ArtifactStore, draft: MakeDraft, directory: Path
) -> None:
    artifact = await store.add(draft(), Body(TEXT))
    async with store.open(artifact.id) as content:
        await store.delete(artifact.id)
        assert files(directory) == []
        assert b"".join([piece async for piece in content.body]) == TEXT
    for call in (store.get(artifact.id), store.delete(artifact.id), store.release(artifact.id, by="x")):
        with pytest.raises(NotFoundError):
            await call


async def test_pages_are_newest_first_and_filtered(store: ArtifactStore, draft: MakeDraft) -> None:
    made = [await store.add(draft(), Body(b"%d" % number)) for number in range(3)]
    private = await store.add(draft(private=True), Body(TEXT))
    foreign = await store.add(draft(owner=PrincipalName("bob"), session_id=None), Body(TEXT))
    newest = sorted((artifact.id for artifact in (*made, private, foreign)), reverse=True)
    page = await store.page(Filter(), limit=3)
    assert [artifact.id for artifact in page.artifacts] == newest[:3] and page.next_cursor == newest[2]
    rest = await store.page(Filter(), limit=3, before=newest[2])
    assert [artifact.id for artifact in rest.artifacts] == newest[3:] and rest.next_cursor is None
    of_alice = await store.page(Filter(owner=PrincipalName("alice"), state=ArtifactState.READY), limit=10)
    assert foreign not in of_alice.artifacts and private in of_alice.artifacts and len(of_alice.artifacts) == 4


async def test_time_takes_what_has_expired(
    store: ArtifactStore, draft: MakeDraft, clock: FakeClock, directory: Path
) -> None:
    await store.add(draft(), Body(TEXT))
    await store.add(draft(private=True), Body(TEXT))
    held = await store.add(draft(max_file_bytes=1), Body(TEXT))
    clock.advance(999)
    assert await store.sweep() == 0
    clock.advance(1)
    assert await store.sweep() == 2
    assert [artifact.id for artifact in (await store.page(Filter(), limit=10)).artifacts] == [held.id]
    assert len(files(directory)) == 1
    clock.advance(4000)
    assert await store.sweep() == 1
    assert files(directory) == []


async def test_a_start_makes_rows_and_blobs_agree(
    store: ArtifactStore, make_store: MakeStore, draft: MakeDraft, directory: Path
) -> None:
    paths, artifacts = list[Path](), list[Artifact]()
    for _ in range(3):
        artifacts.append(await store.add(draft(), Body(TEXT)))
        paths += set(files(directory)) - set(paths)
    whole, short, gone = artifacts
    paths[1].write_bytes(paths[1].read_bytes()[:-4])
    paths[2].unlink()
    stray = directory / "ab" / ("ab" + "0" * 30 + ".sealed")
    part = directory / "ab" / ("ab" + "1" * 30 + ".part")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left")
    part.write_bytes(b"left")
    again = make_store()
    await again.start()
    assert files(directory) == [paths[0]]
    assert await read(again, whole) == TEXT
    for artifact in (short, gone):
        lost = await again.get(artifact.id)
        assert (lost.state, lost.reasons) == (ArtifactState.REJECTED, ("lost",))


class Killed(Exception):
    """Stands for the end of the process: whoever comes after it does nothing more."""


async def test_whatever_step_a_daemon_is_killed_at_the_next_one_finds_all_or_nothing(
    make_store: MakeStore, draft: MakeDraft, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store()
    await store.start()
    before = await store.add(draft(), Body(TEXT))
    steps_left = 0

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **options: Any) -> Any:
            nonlocal steps_left
            if steps_left == 0:
                raise Killed
            steps_left -= 1
            return real(*args, **options)

        return step

    for name in ("os.open", "os.write", "os.fdatasync", "os.fsync", "Path.rename", "Path.mkdir"):
        owner, _, attribute = name.rpartition(".")
        target = os if owner == "os" else Path
        monkeypatch.setattr(target, attribute, dying(getattr(target, attribute)))
    monkeypatch.setattr("cloche.artifacts.rows.add", dying(rows.add))
    monkeypatch.setattr("cloche.artifacts.blobs.BlobWriter.discard", lambda writer: writer._close())
    left, died = set[str](), 0
    while True:
        steps_left = died
        try:
            await store.add(draft(), Body(bytes(2 << 20), bytes(2 << 20)))
            break
        except Killed:
            died += 1
            left |= {path.suffix for path in files(directory)}
            steps_left = 1000
            store = make_store()
            await store.start()
            assert (await store.page(Filter(), limit=10)).artifacts == (before,)
            assert len(files(directory)) == 1 and await read(store, before) == TEXT
    assert died >= 10 and left == {".part", ".sealed"}


async def test_a_directory_that_is_not_there_makes_nothing_lost(
    store: ArtifactStore, make_store: MakeStore, draft: MakeDraft, directory: Path
) -> None:
    artifact = await store.add(draft(), Body(TEXT))
    directory.rename(directory.with_name("elsewhere"))
    await make_store().start()
    assert await store.get(artifact.id) == artifact
    with pytest.raises(ConflictError):
        await read(store, artifact)
    directory.rmdir()
    directory.with_name("elsewhere").rename(directory)
    await make_store().start()
    assert await read(store, artifact) == TEXT


async def test_private_files_leave_nothing(
    store: ArtifactStore, draft: MakeDraft, directory: Path, tmp_path: Path
) -> None:
    canary = b"canary-of-the-file-" * 30_000
    hidden = draft(
        private=True,
        suggested_name="canary-name.txt",
        source_url="https://canary.test/",
        referrer="https://canary.test/",
    )
    artifact = await store.add(hidden, Body(canary))
    assert artifact.private and await read(store, artifact) == canary
    assert (await store.totals(artifact.session_id or SessionId(""))).artifacts == 1
    assert await store.forget_session(artifact.session_id or SessionId("")) == 1
    with pytest.raises(NotFoundError):
        await store.get(artifact.id)
    assert files(directory) == []
    for path in files(tmp_path):
        assert b"canary" not in path.read_bytes(), path
        assert artifact.id.encode() not in path.read_bytes(), path


async def test_a_private_file_on_its_way_when_its_session_ends_is_not_kept(
    store: ArtifactStore, draft: MakeDraft, directory: Path
) -> None:
    started, going_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield TEXT
        started.set()
        await going_on.wait()

    task = asyncio.get_running_loop().create_task(store.add(draft(private=True), slow()))
    await asyncio.wait_for(started.wait(), 5)
    await store.forget_session(draft().session_id)
    going_on.set()
    with pytest.raises(Exception, match="session has ended"):
        await task
    assert files(directory) == []


async def test_private_files_of_an_earlier_daemon_are_removed(
    store: ArtifactStore, make_store: MakeStore, draft: MakeDraft, directory: Path
) -> None:
    artifact = await store.add(draft(private=True), Body(TEXT))
    assert len(files(directory)) == 1
    again = make_store()
    await again.start()
    assert files(directory) == []
    with pytest.raises(NotFoundError):
        await again.get(artifact.id)


async def test_a_private_file_in_quarantine_can_be_released(store: ArtifactStore, draft: MakeDraft) -> None:
    artifact = await store.add(draft(private=True, max_file_bytes=3), Body(TEXT))
    await store.release(artifact.id, by="root")
    assert (await store.get(artifact.id)).state is ArtifactState.RELEASED
    assert (await store.delete(artifact.id)).private


async def test_rewrapping_moves_all_to_the_new_key_and_tells_what_it_cannot_read(
    store: ArtifactStore, make_store: MakeStore, draft: MakeDraft, database: Database
) -> None:
    under_server = await store.add(draft(), Body(TEXT))
    first, second, third = (StateKey.from_bytes(bytes([n]) * 32) for n in range(3))
    live = LiveKeyring(KeySource(), Keyring(first))
    store = make_store(keys=ArtifactKeys(b"s" * 32, live))
    under_first = await store.add(draft(), Body(TEXT))
    live.current = Keyring(second, (first,))
    assert await store.rewrap(live.current) == (2, 0)
    assert await store.rewrap(live.current) == (0, 0)
    live.current = Keyring(second)
    for artifact in (under_server, under_first):
        assert await read(store, artifact) == TEXT
    live.current = Keyring(third)
    with pytest.raises(ConflictError) as missing:
        await read(store, under_first)
    assert missing.value.fields["reason"] == "artifact_key_missing"
    assert await store.rewrap(live.current) == (0, 2)


async def test_unknown_ids_are_not_found(store: ArtifactStore) -> None:
    with pytest.raises(NotFoundError):
        await store.get(new_artifact_id())


async def test_a_file_that_acts_is_told_by_all_of_it(store: ArtifactStore, draft: MakeDraft) -> None:
    harmless = b"%PDF-1.7\n" + b"% only a comment\n" * 100_000
    action = b"1 0 obj<</OpenAction<</S/JavaScript/JS(1)>>>>endobj\n"
    named = {"suggested_name": "report.pdf", "declared_type": "application/pdf"}
    ready = await store.add(draft(**named), Body(harmless))
    assert ready.state is ArtifactState.READY
    acting = await store.add(draft(**named), Body(harmless[:900_000], action, harmless[9:]))
    assert (acting.state, acting.reasons) == (ArtifactState.QUARANTINED, ("active_content",))
