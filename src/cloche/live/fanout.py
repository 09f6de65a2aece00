"""Each viewer's share of a session's pictures: what waits for it, and what is dropped when it is slow.

Nothing is copied: a chunk that waits for ten viewers is there once. All of it runs on the loop's thread.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from cloche.live.ack_pace import WINDOW, AckLag, InFlight, JpegPace
from cloche.live.model import Chunk, Codec
from cloche.live.pace import LinkRate, Spacing, interval_s
from cloche.live.watching import StreamEndedError

MAX_CHUNKS: Final = 8
MAX_BYTES: Final = 1 << 20
"""Of video that waits for one viewer. A key frame that is larger waits alone."""
PATIENT_BYTES: Final = 32 << 20
"""For one that keeps up: a recording, whose disk may pause for a moment."""


class Owner(Protocol):
    """The stream, as its subscriptions see it. None of these waits or raises."""

    def taken(self, subscription: "Share", chunk: Chunk) -> None:
        """The chunk has been given to the viewer."""

    def hungry(self, subscription: "JpegSubscription") -> None:
        """Somebody waits for its next picture."""

    def quality_changed(self, subscription: "JpegSubscription") -> None: ...

    def key_asked(self, subscription: "Share") -> None: ...

    def lost(self, subscription: "Share", chunks: int) -> None:
        """Dropped for want of room."""

    def closed(self, subscription: "Share") -> None: ...


class Share:
    """What both kinds have in common: waiting, and an end."""

    def __init__(self, codec: Codec, owner: Owner, clock: Callable[[], float], max_fps: float) -> None:
        self.codec = codec
        self.max_fps = max_fps
        """That the viewer wants; 0: as many as there are."""
        self._owner = owner
        self._clock = clock
        self._news = asyncio.Event()
        self._is_closed = False
        self._dropped = 0
        self._in_flight = InFlight()

    @property
    def dropped(self) -> int:
        return self._dropped

    @property
    def unacknowledged_since(self) -> float | None:
        """On the loop's clock: since when nothing more is sent because the viewer does not acknowledge; None: it is
        not so."""
        return self._in_flight.oldest_at if self._is_held_up() else None

    def _is_held_up(self) -> bool:
        raise NotImplementedError

    def _forget(self) -> None:
        """Let go of what waits."""
        raise NotImplementedError

    def end(self) -> None:
        """There is nothing more to come: `next` says so. The viewer is still to `close`."""
        self._is_closed = True
        self._forget()
        self._in_flight.clear()
        self._news.set()

    def close(self) -> None:
        self.end()
        self._owner.closed(self)

    def _drop(self, chunks: int) -> None:
        self._dropped += chunks
        self._owner.lost(self, chunks)


class VideoSubscription(Share):
    """Chunks in order, from a key frame on. Without room all that waits is dropped; once the viewer reads again, it
    goes on with a key frame."""

    def __init__(
        self,
        codec: Codec,
        owner: Owner,
        clock: Callable[[], float],
        *,
        max_fps: float = 0,
        keeps_up: bool = False,
        acknowledges: bool = False,
    ) -> None:
        """`acknowledges`: known beforehand; otherwise the first acknowledgement tells."""
        super().__init__(codec, owner, clock, max_fps)
        self.link = LinkRate()
        self.is_new = True
        """It has had no key frame yet."""
        self.needs_key = True
        self._keeps_up = keeps_up
        self._acknowledges = acknowledges
        self._lag = AckLag()
        self._is_stalled = False
        """There was no room. Whoever does not read is not made key frames, which all others would get too."""
        self._waiting: deque[Chunk] = deque()
        self._waiting_bytes = 0

    @property
    def is_behind(self) -> bool:
        """It gets nothing until it has acknowledged what it was sent."""
        return self._lag.behind

    def publish(self, chunk: Chunk) -> None:
        if self._is_closed:
            return
        now = self._clock()
        if self._acknowledges and self._lag.look(now, self._in_flight):
            self.link.trouble(now, self._lag.rate * 0.85)
            self._drop_all()
        if not self._has_room(chunk):
            self._is_stalled = True
            self._drop_all()
        if self._lag.behind or self._is_stalled:
            self._drop(1)
            return
        if self.needs_key and not chunk.is_key:
            return
        self.needs_key = self.is_new = False
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk.data)
        self._news.set()

    async def next(self) -> Chunk:
        """The next to be sent; waits for one. Raises: StreamEndedError."""
        if self._is_stalled:
            self._is_stalled = False
            self._owner.key_asked(self)
        while not self._waiting:
            if self._is_closed:
                raise StreamEndedError
            self._news.clear()
            await self._news.wait()
        chunk = self._waiting.popleft()
        self._waiting_bytes -= len(chunk.data)
        if self._acknowledges:
            self._in_flight.sent(self._clock(), chunk.seq, len(chunk.data))
        self._owner.taken(self, chunk)
        return chunk

    def ask_key(self) -> None:
        if not self._is_closed:
            self._owner.key_asked(self)

    def set_rate(self, bits_per_second: int | None) -> None:
        self.link.told = bits_per_second

    def acknowledge(self, seq: int) -> None:
        self._acknowledges = True
        now = self._clock()
        self._lag.acknowledged(now, self._in_flight.acknowledged(seq))
        was_behind = self._lag.behind
        if was_behind:
            self._lag.look(now, self._in_flight)
        if was_behind and not self._lag.behind and not self._is_closed:
            self._owner.key_asked(self)

    @property
    def needs_beats(self) -> bool:
        """Whether its decoder takes silence for loss: a WebRTC receiver does, which acknowledges nothing here."""
        return not (self._acknowledges or self._keeps_up)

    def limit(self, now: float, enough: float) -> float | None:
        """Bits per second that its link takes; None: `enough`, as far as is known."""
        return self.link.limit(now, enough)

    def begin_anew(self) -> None:
        """What comes next does not stand on what went before."""
        self.needs_key = True

    def _has_room(self, chunk: Chunk) -> bool:
        if not self._waiting:
            return True
        size = self._waiting_bytes + len(chunk.data)
        if self._keeps_up:
            return size <= PATIENT_BYTES
        return len(self._waiting) < MAX_CHUNKS and size <= MAX_BYTES

    def _drop_all(self) -> None:
        if self._waiting:
            self._drop(len(self._waiting))
            self._forget()
        self.needs_key = True

    def _forget(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0

    def _is_held_up(self) -> bool:
        return self._lag.behind


class JpegSubscription(Share):
    """The newest picture only, and no more than `WINDOW` of them unacknowledged."""

    def __init__(self, owner: Owner, clock: Callable[[], float], *, max_fps: float = 0) -> None:
        super().__init__(Codec.JPEG, owner, clock, max_fps)
        self._pace = JpegPace()
        self._spacing = Spacing()
        self._newest: Chunk | None = None
        self._counts = True
        self._askers = 0

    @property
    def level(self) -> int:
        """Of `ack_pace.QUALITIES`."""
        return self._pace.level

    @property
    def due_at(self) -> float:
        """When it can take a picture: never (infinity) while nobody waits for one or too many are on their way."""
        if self._is_closed or not self._askers or len(self._in_flight) >= WINDOW:
            return math.inf
        return self._spacing.due

    @property
    def has_waiting(self) -> bool:
        return self._newest is not None

    def offer(self, chunk: Chunk, *, counts: bool = True) -> None:
        """Take the place of what waits. `counts`: false for a picture that is not of this viewer's quality."""
        if self._is_closed:
            return
        if self._newest is not None and self.due_at == math.inf:
            self._drop(1)
        self._newest, self._counts = chunk, counts
        self._news.set()

    def wake(self) -> None:
        """Time has passed: what was too soon may no longer be."""
        self._news.set()

    async def next(self) -> Chunk:
        """The newest picture; waits for one, and for acknowledgements. Raises: StreamEndedError."""
        self._askers += 1
        try:
            while not self._is_closed:
                if self._newest is not None and self._clock() >= self.due_at:
                    return self._take(self._newest)
                self._news.clear()
                self._owner.hungry(self)
                await self._news.wait()
        finally:
            self._askers -= 1
        raise StreamEndedError

    def ask_key(self) -> None:
        """Every picture is one."""

    def set_rate(self, bits_per_second: int | None) -> None:
        """Its acknowledgements tell."""

    def acknowledge(self, seq: int) -> None:
        now = self._clock()
        done = self._in_flight.acknowledged(seq)
        level = self._pace.level
        self._pace.acknowledged(now, done)
        if level != self._pace.level and not self._is_closed:
            self._owner.quality_changed(self)
        if done:
            self._news.set()

    def _take(self, chunk: Chunk) -> Chunk:
        now = self._clock()
        self._newest = None
        self._in_flight.sent(now, chunk.seq, len(chunk.data), counts=self._counts)
        self._spacing.passed(now, interval_s(self.max_fps))
        self._owner.taken(self, chunk)
        return chunk

    def _forget(self) -> None:
        self._newest = None

    def _is_held_up(self) -> bool:
        return len(self._in_flight) >= WINDOW
