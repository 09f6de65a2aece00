"""The daemon's side of a recording: encoded frames to a file with chapters, made by a confined child in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import structlog

from cloche.errors import InternalError
from cloche.live.encoder import wire
from cloche.live.encoder_child import EncoderChild, EncoderSettings, Mode
from cloche.live.model import Codec

_log = structlog.get_logger(__name__)

_ANSWER_S: Final = 10.0
_CONTAINERS: Final = {Codec.VP8: wire.ContainerId.WEBM, Codec.H264: wire.ContainerId.MP4}
_IDS: Final = {Codec.VP8: wire.CodecId.VP8, Codec.H264: wire.CodecId.H264}


@dataclass(frozen=True, slots=True, kw_only=True)
class MuxRequest:
    """What the file is to be: WebM of VP8, MP4 of H.264."""

    codec: Codec
    width: int
    """Of every frame; likewise `height`."""
    height: int
    max_bytes: int
    """Of the whole file. It is kept in the child's memory."""


@dataclass(frozen=True, slots=True)
class Chapter:
    at_s: float
    """From the first frame."""
    title: str


class MuxProcess:
    """One recording: `start`, `add` for each frame, `finish` once, `close` in any case. One call at a time."""

    def __init__(self, child: EncoderChild) -> None:
        self._child = child
        self._reader = wire.Reader(wire.FROM_CHILD)
        self._size_bytes = 0

    @classmethod
    async def start(cls, settings: EncoderSettings, request: MuxRequest) -> Self:
        """Start a child for it. Raises: StartError, InternalError (a codec that is no video, or no size)."""
        if request.codec not in _IDS or not 0 < request.width <= 0xFFFF or not 0 < request.height <= 0xFFFF:
            raise InternalError("no such recording can be made")
        child = await EncoderChild.start(settings, Mode.RECORDING, max_file_bytes=request.max_bytes)
        mux = cls(child)
        opening = wire.Opening(
            _CONTAINERS[request.codec], _IDS[request.codec], request.width, request.height, request.max_bytes
        )
        try:
            async with mux._talking():
                await mux._send(wire.open_message(opening))
        except BaseException:
            await mux.close()
            raise
        return mux

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def size_bytes(self) -> int:
        """Of the file if it were finished now, about."""
        return self._size_bytes

    async def add(self, data: bytes, pts_ms: int, *, is_key: bool) -> bool:
        """Add a frame that is shown `pts_ms` after the beginning. False: there is no room for it, nor for any later.

        What comes before the first key frame is dropped. Raises: InternalError, when the child is gone or too slow.
        """
        if len(data) > wire.MAX_CHUNK_BYTES:
            return False
        async with self._talking():
            await self._send(wire.sample_message(max(pts_ms, 0), is_key=is_key, data_bytes=len(data)), data)
            message = await self._hear()
            if message.kind != wire.Kind.TAKEN:
                raise wire.WireError("it does not say whether it took it")
            self._size_bytes, is_full = wire.parse_taken(message)
            return not is_full

    async def finish(self, end_ms: int, chapters: Sequence[Chapter] = ()) -> AsyncIterator[bytes]:
        """Yield the file. The last frame is shown until `end_ms`.

        Raises: InternalError, when the child is gone or too slow, or there was no frame.
        """
        marks = [(min(max(round(chapter.at_s * 1000), 0), 0xFFFFFFFF), chapter.title) for chapter in chapters]
        async with self._talking():
            await self._send(wire.finish_message(max(end_ms, 0), marks))
        while True:
            async with self._talking():
                message = await self._hear()
            if message.kind == wire.Kind.END:
                return
            if message.kind != wire.Kind.PIECE:
                await self._gone("protocol")
            yield bytes(message.body)

    async def close(self) -> None:
        """End the child and wait until it is gone. Any number of times."""
        await self._child.end()

    @contextlib.asynccontextmanager
    async def _talking(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_ANSWER_S):
                yield
        except TimeoutError:
            await self._gone("hung")
        except wire.WireError:
            await self._gone("protocol")
        except (OSError, ValueError):
            await self._gone("ended")

    async def _gone(self, why: str) -> None:
        code = await self._child.end(at_once=True)
        _log.warning("recording_child_ended", reason=why, exit_code=code, stderr=self._child.errors())
        raise InternalError("the recording's child is gone")

    async def _send(self, head: bytes, data: bytes = b"") -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._child.socket, head)
        if data:
            await loop.sock_sendall(self._child.socket, data)

    async def _hear(self) -> wire.Message:
        loop = asyncio.get_running_loop()
        while True:
            count = await loop.sock_recv_into(self._child.socket, self._reader.space())
            if not count:
                raise ConnectionResetError
            if message := self._reader.filled(count):
                return message
