"""Streams of Zstandard, both ways, in worker threads: the loop only carries pieces to them and back."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

import zstandard

from cloche.api.zstd.frames import FrameCutter, FrameError, Start
from cloche.api.zstd.memory import MemoryBudget
from cloche.errors import InvalidError

MEMORY_BYTES: Final = 16 * 1024 * 1024
"""For the windows and tables of all streams together."""
MEMORY_WAIT_S: Final = 20.0
THREADS: Final = 3
MAX_WINDOW_BYTES: Final = 8 * 1024 * 1024
PIECE_BYTES: Final = 1024 * 1024
"""What is gathered before it goes to a thread. A hop costs as much as compressing some kilobytes, and the encoder loses
more at each end of a piece: 200 MB in pieces of 256 KiB take a third longer."""
UNPACKED_BYTES: Final = 256 * 1024
"""What is made of a stream before it is handed on."""
MAX_RATIO: Final = 1000
FREE_OUTPUT_BYTES: Final = 64 * 1024 * 1024
"""Up to here the ratio does not matter: a small directory of zeros is no bomb."""

_OVERHEAD_BYTES: Final = 512 * 1024
"""What a decoder keeps beside its window."""
_MIB: Final = 1024 * 1024

T = TypeVar("T")


class Level(StrEnum):
    """How hard to try; the names are those of the download's `compression_level`."""

    FASTEST = "fastest"
    DEFAULT = "default"
    BETTER = "better"
    BEST = "best"


@dataclass(frozen=True, slots=True)
class _Effort:
    level: int
    memory_bytes: int
    """Tables (ZSTD_estimateCCtxSize), the window and a block of input, rounded up; and the pieces on their way."""


_EFFORTS: Final = {
    Level.FASTEST: _Effort(1, 4 * _MIB),
    Level.DEFAULT: _Effort(3, 6 * _MIB),
    Level.BETTER: _Effort(5, 8 * _MIB),
    Level.BEST: _Effort(6, 8 * _MIB),
}
"""Levels with a window of 2 MiB at most. Above 6 a profile shrinks by a hundredth, and takes twice the memory."""


class ZstdCodec:
    """Owned by the API server. Its threads start with the first stream; `close` ends them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="zstd")
        self.memory = MemoryBudget(MEMORY_BYTES, wait_s=MEMORY_WAIT_S)

    def close(self) -> None:
        """Idle threads end at once, a busy one with its piece; joining it would hold up the loop."""
        self._threads.shutdown(wait=False)

    async def compress(self, pieces: AsyncIterator[bytes], level: Level = Level.DEFAULT) -> AsyncGenerator[bytes]:
        """Compress a stream as it comes, into one frame with a checksum. Raises: BusyError; what `pieces` raises."""
        effort = _EFFORTS[level]
        await self.memory.take(effort.memory_bytes)
        working: asyncio.Future[bytes] | None = None
        try:
            compressor = _compressor(effort)
            async with aclosing(_gathered(pieces)) as gathered:
                async for piece in gathered:
                    # One is compressed while the next is read: this waits for the one before.
                    compressed = await asyncio.shield(working) if working is not None else b""
                    working = self._run(partial(compressor.compress, piece))
                    if compressed:
                        yield compressed
            compressed = await asyncio.shield(working) if working is not None else b""
            working = self._run(compressor.flush)
            yield compressed + await asyncio.shield(working)
        finally:
            await _settled(working)
            self.memory.give(effort.memory_bytes)

    def decompressor(self, *, max_bytes: int) -> "Decompressor":
        return Decompressor(self._run, self.memory, max_bytes)

    def _run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Whoever awaits it shields it: a thread cannot be cancelled, and has to be done before its memory goes."""
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


class Decompressor:
    """One stream on its way up, of one or more frames. An async context manager: it holds memory until it is left.

    Everything raises InvalidError: `bad_archive` (not Zstandard, damaged, cut short, of a window above 8 MiB),
    `too_compressed` and `too_large` (it grows beyond what is agreed; it is not unpacked any further).
    """

    def __init__(
        self, run: "Callable[[Callable[[], _Step]], asyncio.Future[_Step]]", memory: MemoryBudget, max_bytes: int
    ) -> None:
        self._run = run
        self._memory = memory
        self._held_bytes = 0
        self._work = _Work(max_bytes)

    async def __aenter__(self) -> "Decompressor":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._memory.give(self._held_bytes)

    async def feed(self, data: bytes) -> AsyncGenerator[bytes]:
        """Yield what `data` stands for, in pieces of at most a megabyte or so."""
        self._work.feed(data)
        while True:
            working = self._run(self._work.step)
            try:
                step = await asyncio.shield(working)
            finally:
                await _settled(working)
            if step.data:
                yield step.data
            if step.wants_bytes:
                await self._hold(step.wants_bytes)
            elif step.is_dry:
                return

    def finish(self) -> None:
        """Say that this was all. Raises: InvalidError where something is missing."""
        self._work.finish()

    async def _hold(self, window_bytes: int) -> None:
        wanted = window_bytes + _OVERHEAD_BYTES
        if wanted > self._held_bytes:
            await self._memory.take(wanted - self._held_bytes)
            self._held_bytes = wanted
        self._work.may_window_bytes = window_bytes


@dataclass(frozen=True, slots=True)
class _Step:
    data: bytes = b""
    wants_bytes: int = 0
    """A frame has begun that needs so large a window, and more memory than is held."""
    is_dry: bool = False
    """Nothing more comes of what was fed."""


class _Work:
    """What is done in the thread. Knows no loop; one step at a time."""

    def __init__(self, max_bytes: int) -> None:
        self._cutter = FrameCutter()
        self._decoder: zstandard.ZstdDecompressionObj | None = None
        self._has_frames = False
        self._max_bytes = max_bytes
        self._bytes_in = self._bytes_out = 0
        self._wanted: Start | None = None
        self.may_window_bytes = 0

    def feed(self, data: bytes) -> None:
        self._bytes_in += len(data)
        self._cutter.feed(data)

    def step(self) -> _Step:
        try:
            return self._step()
        except (FrameError, zstandard.ZstdError):
            raise _bad("the archive is damaged, or no Zstandard archive") from None

    def finish(self) -> None:
        if not self._has_frames and self._cutter.is_between_frames:
            raise _bad("the archive is empty")
        if not self._cutter.is_between_frames:
            raise _bad("the archive is cut short")

    def _step(self) -> _Step:
        output, size = list[bytes](), 0
        while size < UNPACKED_BYTES:
            if self._wanted is not None:
                if self._wanted.window_bytes > self.may_window_bytes:
                    return _Step(b"".join(output), wants_bytes=self._wanted.window_bytes)
                self._begin()
            following = self._cutter.next()
            if following is None:
                return _Step(b"".join(output), is_dry=True)
            if isinstance(following, Start):
                if following.window_bytes > MAX_WINDOW_BYTES:
                    raise _bad(f"the archive needs a window above {MAX_WINDOW_BYTES} bytes")
                self._wanted = Start(max(following.window_bytes, 1))
                continue
            assert self._decoder is not None
            plain = self._decoder.decompress(following.data)
            if following.is_last and not self._decoder.eof:
                raise FrameError("the frame does not end where its blocks do")
            size += len(plain)
            self._count(len(plain))
            output.append(plain)
        return _Step(b"".join(output))

    def _begin(self) -> None:
        self._wanted, self._has_frames = None, True
        self._decoder = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).decompressobj()

    def _count(self, size: int) -> None:
        self._bytes_out += size
        if self._bytes_out > self._max_bytes:
            raise InvalidError(f"the archive unpacks to more than {self._max_bytes} bytes", reason="too_large")
        if self._bytes_out > FREE_OUTPUT_BYTES and self._bytes_out > MAX_RATIO * self._bytes_in:
            raise InvalidError(f"the archive unpacks to more than {MAX_RATIO} times its size", reason="too_compressed")


async def _settled(working: "asyncio.Future[Any] | None") -> None:
    """Wait until a thread is done, whatever came of it."""
    if working is not None:
        await asyncio.wait({working})
        working.exception()


def _bad(detail: str) -> InvalidError:
    return InvalidError(detail, reason="bad_archive")


def _compressor(effort: _Effort) -> "zstandard.ZstdCompressionObj":
    return zstandard.ZstdCompressor(effort.level, write_checksum=True).compressobj()


async def _gathered(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Join small pieces to larger ones."""
    held, size = list[bytes](), 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
