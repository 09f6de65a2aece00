"""A revision that is read and decrypted while its session's sandbox is being built, so far ahead and no further."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import TooLargeError
from cloche.ids import ProfileId
from cloche.profiles.model import ProfileForm
from cloche.sessions.profiles.storing import ProfileStoring

MAX_AHEAD_BYTES: Final = 6 << 20
"""One of 5 MB has been read by the time that its sandbox stands; of a larger one the rest follows its beginning."""


@dataclass(frozen=True, slots=True)
class Head:
    form: ProfileForm
    engine: str
    revision: int
    manifest: bytes


class Incoming:
    """Owned by the session's part; reads from its making on, and ends with `close`."""

    def __init__(self, store: ProfileStoring, profile_id: ProfileId, revision: int) -> None:
        self._store, self._profile_id, self._revision = store, profile_id, revision
        self._head: asyncio.Future[Head] = asyncio.get_running_loop().create_future()
        self._pieces: deque[bytes] = deque()
        self._ahead = 0
        self._error: Exception | None = None
        self._is_over = False
        self._changed = asyncio.Condition()
        self._reading = spawn(self._read(), name=f"profile:{profile_id}")
        self.bytes = 0
        """What has been handed on."""

    async def head(self) -> Head:
        """Raises: what the store raises, then and in `pieces`."""
        return await asyncio.shield(self._head)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body, once. What is wrong with its end is told at the end: until then nothing of it may be used."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._pieces or self._is_over)
                if not self._pieces:
                    break
                piece = self._pieces.popleft()
                self._ahead -= len(piece)
                self._changed.notify_all()
            self.bytes += len(piece)
            yield piece
        if self._error is not None:
            raise self._error

    async def whole(self, limit: int) -> bytes:
        """The body in one piece. Raises: TooLargeError."""
        read = bytearray()
        async for piece in self.pieces():
            read += piece
            if len(read) > limit:
                raise TooLargeError("the profile's state is too large")
        return bytes(read)

    async def close(self) -> None:
        await cancel_and_wait(self._reading)
        self._head.cancel()

    async def _read(self) -> None:
        try:
            async with self._store.read(self._profile_id, self._revision) as stored:
                self._head.set_result(Head(stored.form, stored.engine, stored.revision, stored.manifest))
                async for piece in stored.body:
                    await self._put(piece)
        except Exception as error:  # noqa: BLE001 - handed to whoever reads, who raises it
            self._error = error
            if not self._head.done():
                self._head.set_exception(error)
                self._head.exception()  # whoever asks gets it; that nobody may be left to ask is no mistake
        async with self._changed:
            self._is_over = True
            self._changed.notify_all()

    async def _put(self, piece: bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._ahead < MAX_AHEAD_BYTES)
            self._pieces.append(piece)
            self._ahead += len(piece)
            self._changed.notify_all()
