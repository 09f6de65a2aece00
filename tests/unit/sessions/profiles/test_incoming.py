import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloche.errors import ConflictError, TooLargeError
from cloche.profiles.model import ProfileForm
from cloche.sessions.profiles import incoming as module
from cloche.sessions.profiles.incoming import Incoming
from cloche.testing.kept_profiles import MemoryStore, Saved


async def everything(incoming: Incoming) -> bytes:
    return b"".join([piece async for piece in incoming.pieces()])


async def test_a_revision_is_handed_on_whole_and_counted(store: MemoryStore) -> None:
    profile = store.add()
    content = bytes(range(256)) * 100
    store.put(profile.id, content, manifest=b"{}", engine="chrome")
    incoming = Incoming(store, profile.id, 1)
    head = await incoming.head()

    assert (head.form, head.engine, head.revision, head.manifest) == (ProfileForm.DIRECTORY, "chrome", 1, b"{}")
    assert await everything(incoming) == content
    assert incoming.bytes == len(content)
    await incoming.close()


async def test_it_reads_so_far_ahead_and_no_further(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_AHEAD_BYTES", 10_000)
    profile = store.add()
    read = 0
    enough = asyncio.Event()

    async def body() -> AsyncGenerator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 4096
            if read >= 12_288:
                enough.set()
            yield bytes(4096)

    @asynccontextmanager
    async def opened(*_: Any) -> AsyncGenerator[Any]:
        saved = Saved(revision=1, form=ProfileForm.DIRECTORY, engine="shell", manifest=b"", content=b"")
        yield _Opened(saved, body())

    monkeypatch.setattr(store, "read", opened)
    incoming = Incoming(store, profile.id, 1)
    await asyncio.wait_for(enough.wait(), 5)
    for _ in range(20):
        await asyncio.sleep(0)
    assert read <= 10_000 + 2 * 4096

    assert len(await everything(incoming)) == 409_600
    await incoming.close()


class _Opened:
    def __init__(self, saved: Saved, body: AsyncGenerator[bytes]) -> None:
        self.form, self.engine, self.revision, self.manifest = saved.form, saved.engine, 1, b""
        self.body = body


async def test_what_cannot_be_opened_is_told_to_whoever_asks(store: MemoryStore) -> None:
    profile = store.add()
    store.fails = ConflictError("damaged", reason="profile_damaged")
    incoming = Incoming(store, profile.id, 1)
    with pytest.raises(ConflictError):
        await incoming.head()
    with pytest.raises(ConflictError):
        await everything(incoming)
    await incoming.close()


async def test_what_is_wrong_with_its_end_is_told_at_the_end(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = store.add()

    async def body() -> AsyncGenerator[bytes]:
        yield b"the beginning"
        raise ConflictError("damaged", reason="profile_damaged")

    @asynccontextmanager
    async def opened(*_: Any) -> AsyncGenerator[Any]:
        saved = Saved(revision=1, form=ProfileForm.DIRECTORY, engine="shell", manifest=b"", content=b"")
        yield _Opened(saved, body())

    monkeypatch.setattr(store, "read", opened)
    incoming = Incoming(store, profile.id, 1)
    await incoming.head()
    with pytest.raises(ConflictError):
        await everything(incoming)
    await incoming.close()


async def test_what_is_read_whole_is_bounded(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, bytes(5000))
    for limit, fits in ((5000, True), (4999, False)):
        incoming = Incoming(store, profile.id, 1)
        if fits:
            assert len(await incoming.whole(limit)) == 5000
        else:
            with pytest.raises(TooLargeError):
                await incoming.whole(limit)
        await incoming.close()


async def test_one_that_nobody_reads_ends_when_it_is_closed(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_AHEAD_BYTES", 4096)
    profile = store.add()
    store.put(profile.id, bytes(50_000))
    incoming = Incoming(store, profile.id, 1)
    await incoming.head()
    await asyncio.wait_for(incoming.close(), 5)
