"""What a process has printed: the last of it, from any offset, for as many readers as want it. Pure.

Both outputs share one offset space, in the order in which the bytes came; where one ends and the other goes on is kept
beside them. What does not fit any more goes from the beginning, so that nobody has to read for the process to go on.
"""

from array import array
from bisect import bisect_right
from collections import deque
from enum import IntEnum
from typing import Final, NamedTuple

CHUNK_BYTES: Final = 64 * 1024
_RUN_BYTES: Final = 8
"""What remembering one change from an output to the other takes."""
_BYTES_PER_RUN: Final = 16
"""A ring is as long in changes as it would be if every one came after so many bytes: a process that prints single bytes
to both outputs in turn must not take many times what it prints."""
_FEW_RUNS: Final = 4096


class Stream(IntEnum):
    STDOUT = 0
    STDERR = 1


class Piece(NamedTuple):
    stream: Stream
    end: int
    """The offset after it."""
    data: bytes


class Store:
    """The bound over all rings together. When it is reached, the ring that holds the most gives up its oldest."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._rings: set[Ring] = set()
        self.held_bytes = 0

    def add(self, ring: "Ring") -> None:
        self._rings.add(ring)

    def remove(self, ring: "Ring") -> None:
        self._rings.discard(ring)

    def changed(self, by_bytes: int) -> None:
        self.held_bytes += by_bytes
        while self.held_bytes > self._max:
            freed = max(self._rings, key=lambda ring: ring.held_bytes).shrink()
            if not freed:
                return
            self.held_bytes -= freed


class Ring:
    """Owned by one program. Offsets count bytes since its start."""

    def __init__(self, capacity: int, store: Store) -> None:
        """`capacity` is in bytes of output."""
        self._capacity = capacity
        self._max_runs = max(_FEW_RUNS, capacity // _BYTES_PER_RUN)
        self._chunks: deque[bytearray] = deque()
        """Each full but the last."""
        self._base = 0
        """Where the first chunk begins."""
        self._runs = array("q")
        """Where each stretch of one output begins, times two, plus which output it is."""
        self._first_run = 0
        self._store = store
        self._accounted = 0
        self.start = 0
        """The offset of the oldest byte that is kept."""
        self.end = 0
        """The offset after the newest: all that was ever printed."""
        self.lost = [0, 0]
        """Bytes of each output that are not kept any more."""
        store.add(self)

    @property
    def held_bytes(self) -> int:
        """Of memory, nearly."""
        return self.end - self._base + _RUN_BYTES * len(self._runs)

    def add(self, stream: Stream, data: bytes) -> None:
        if not self._capacity:
            self._count(stream, len(data))
            return
        if not data:
            return
        if self._first_run == len(self._runs) or self._runs[-1] & 1 != stream:
            self._runs.append(self.end << 1 | stream)
        view = memoryview(data)
        while view:
            if not self._chunks or len(self._chunks[-1]) == CHUNK_BYTES:
                self._chunks.append(bytearray())
            room = CHUNK_BYTES - len(self._chunks[-1])
            self._chunks[-1] += view[:room]
            view = view[room:]
        self.end += len(data)
        self._drop_to(self.end - self._capacity)
        if len(self._runs) - self._first_run > self._max_runs:
            self._drop_to(self._runs[-self._max_runs] >> 1)
        self._store.changed(self._growth())

    def read(self, offset: int, limit: int) -> Piece | None:
        """Return what one output printed from an offset on, at most `limit` bytes; None at the end.

        What is not kept any more cannot be read: `offset` is `start` or more.
        """
        if offset >= self.end:
            return None
        run = bisect_right(self._runs, offset << 1 | 1, self._first_run) - 1
        end = min(self._end_of(run), offset + limit)
        return Piece(Stream(self._runs[run] & 1), end, self._slice(offset, end))

    def shrink(self) -> int:
        """Give up the oldest chunk for the benefit of others, and return what that frees; 0 if it is the only one."""
        if len(self._chunks) <= 1:
            return 0
        self._drop_to(self._base + CHUNK_BYTES)
        return -self._growth()

    def close(self) -> None:
        """Forget everything; what is added from here on only counts."""
        self._capacity = 0
        self._drop_to(self.end)
        self._chunks.clear()
        del self._runs[:]
        self._first_run = 0
        self._base = self.end
        self._store.changed(self._growth())
        self._store.remove(self)

    def _count(self, stream: Stream, length: int) -> None:
        self.lost[stream] += length
        self.start = self.end = self._base = self.end + length

    def _end_of(self, run: int) -> int:
        return self._runs[run + 1] >> 1 if run + 1 < len(self._runs) else self.end

    def _slice(self, start: int, end: int) -> bytes:
        pieces: list[bytearray] = []
        while start < end:
            index, at = divmod(start - self._base, CHUNK_BYTES)
            pieces.append(self._chunks[index][at : at + end - start])
            start += len(pieces[-1])
        return b"".join(pieces)

    def _drop_to(self, offset: int) -> None:
        while self.start < offset:
            until = min(offset, self._end_of(self._first_run))
            self.lost[self._runs[self._first_run] & 1] += until - self.start
            self.start = until
            if until == self._end_of(self._first_run):
                self._first_run += 1
        while len(self._chunks) > 1 and self._base + CHUNK_BYTES <= self.start:
            self._chunks.popleft()
            self._base += CHUNK_BYTES
        if self._first_run > _FEW_RUNS and self._first_run * 2 > len(self._runs):
            del self._runs[: self._first_run]
            self._first_run = 0

    def _growth(self) -> int:
        """By how much it holds more than when this was last asked."""
        before, self._accounted = self._accounted, self.held_bytes
        return self._accounted - before
