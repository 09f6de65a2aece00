"""A session being recorded: its pictures into one part after the other, until it is ended."""

import asyncio
import errno
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.concurrency.threads import in_thread
from cloche.live.model import Chunk
from cloche.live.watching import StreamEndedError, Subscription
from cloche.sessions.live.recording.part import DISK_FULL, ERROR, RESIZED, SIZE_CAP, TIME_CAP, Part
from cloche.sessions.live.recording.spool import Spool

KEY_WAIT_S: Final = 1.0
"""Where the next part follows at once, it begins with a key frame: how much sooner that is asked for."""
KEY_WAIT_SHARE: Final = 16
"""Likewise by size: when one part in so many is left."""
RESIZE_EVERY_S: Final = 2.0
"""A page whose size changes more often is not shown meanwhile: each change is a file of its own."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunParts:
    """What its recorder does for it."""

    goes_on: Callable[[str], bool]
    """Whether another part follows one that has ended for this reason."""
    next_part: Callable[[], Awaitable[Part]]
    """Raises: ClocheError."""
    ended: Callable[[Part], None]
    """A part has ended, and will not be written to."""
    has_room: Callable[[Spool], bool]
    """On the disk. Blocks; raises OSError."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """The part ends with the next key frame, which is the next part's, or at that time."""

    reason: str
    at: float


class Run:
    """Owned by the session's recorder, which runs `record` in a task."""

    def __init__(self, subscription: Subscription, first: Part, parts: RunParts, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        self.part: Part | None = first
        self.has_pictures: asyncio.Future[bool] = loop.create_future()
        """True with the first picture; False: there will be none."""
        self._subscription = subscription
        self._parts = parts
        self._clock = clock
        self._loop = loop
        self._cut: _Cut | None = None
        self._poked: asyncio.Future[None] = loop.create_future()

    def cut(self, reason: str) -> None:
        """End the part that is being recorded; `goes_on` tells whether another follows."""
        if self.part is None:
            return
        self._cut_by(reason, self._clock.monotonic() + (KEY_WAIT_S if self._parts.goes_on(reason) else 0.0))
        if not self._poked.done():
            self._poked.set_result(None)

    async def record(self) -> None:
        """Returns when the last part has ended. Raises: ClocheError, where the next cannot begin."""
        coming: asyncio.Task[Chunk | None] | None = None
        try:
            while self.part is not None:
                coming = coming or spawn(self._next(), name="recording-next")
                await asyncio.wait(
                    (coming, self._poked), timeout=self._patience_s(self.part), return_when=asyncio.FIRST_COMPLETED
                )
                if self._poked.done():
                    self._poked = self._loop.create_future()
                if not coming.done():
                    await self._look(self.part)
                    continue
                chunk, coming = coming.result(), None
                if chunk is None:
                    await self._end(self.part, self._cut.reason if self._cut else ERROR)
                else:
                    await self._take(self.part, chunk)
        finally:
            await cancel_and_wait(coming)
            self._subscription.close()
            if self.part is not None:
                self._let_go(self.part, ERROR)
            if not self.has_pictures.done():
                self.has_pictures.set_result(False)

    async def _next(self) -> Chunk | None:
        try:
            return await self._subscription.next()
        except StreamEndedError:
            return None

    def _patience_s(self, part: Part) -> float:
        """Until something is to be done though nothing comes."""
        until = min(part.begun + part.caps.max_seconds, self._cut.at if self._cut else math.inf)
        return max(0.0, until - self._clock.monotonic())

    async def _look(self, part: Part) -> None:
        now = self._clock.monotonic()
        if part.is_over(now):
            await self._end(part, TIME_CAP)
        elif self._cut is not None and now >= self._cut.at:
            await self._end(part, self._cut.reason)
        else:
            return
        if self.part is not None:
            self._subscription.ask_key()

    async def _take(self, part: Part, chunk: Chunk) -> None:
        now = self._clock.monotonic()
        why = part.why_not(chunk, now)
        if why == RESIZED and now < part.begun + RESIZE_EVERY_S:
            self._cut_by(RESIZED, part.begun + RESIZE_EVERY_S)
            return
        if not why and self._cut is not None and (now >= self._cut.at or (chunk.is_key and part.frames)):
            why = self._cut.reason
        if not why:
            await self._add(part, chunk, now)
            return
        await self._end(part, why)
        if self.part is None:
            return
        if chunk.is_key:
            await self._add(self.part, chunk, now)
        else:
            self._subscription.ask_key()

    async def _add(self, part: Part, chunk: Chunk, now: float) -> None:
        part.add(chunk, now)
        if part.frames and not self.has_pictures.done():
            self.has_pictures.set_result(True)
        if (batch := part.batch()) and (why := await in_thread(self._write, part, batch)):
            await self._end(part, why)
            return
        if self._cut is None and (near := self._near_cap(part, now)):
            self._cut_by(near, math.inf)

    def _near_cap(self, part: Part, now: float) -> str:
        if not self._parts.goes_on(TIME_CAP):
            return ""
        if now - part.begun >= part.caps.max_seconds - KEY_WAIT_S:
            return TIME_CAP
        most = part.caps.max_bytes
        return SIZE_CAP if part.size_bytes >= most - most // KEY_WAIT_SHARE else ""

    def _cut_by(self, reason: str, at: float) -> None:
        if self._cut is None or at < self._cut.at:
            self._cut = _Cut(reason, at)
            if self._parts.goes_on(reason):
                self._subscription.ask_key()

    async def _end(self, part: Part, reason: str) -> None:
        """Raises: ClocheError, where the next cannot begin."""
        if batch := part.batch(whole=True):
            await in_thread(self._write, part, batch)
        self._let_go(part, reason)
        if self._parts.goes_on(reason):
            self.part = await self._parts.next_part()

    def _let_go(self, part: Part, reason: str) -> None:
        part.end(reason, self._clock.monotonic())
        self.part, self._cut = None, None
        self._parts.ended(part)

    def _write(self, part: Part, batch: bytes) -> str:
        """In a thread. Why no more can be written, or empty."""
        try:
            part.spool.append(batch)
            return "" if self._parts.has_room(part.spool) else DISK_FULL
        except OSError as error:
            _log.error("recording_not_written", errno=error.errno)
            return DISK_FULL if error.errno in _FULL else ERROR
