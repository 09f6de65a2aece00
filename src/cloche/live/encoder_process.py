"""The daemon's side of a session's encoder: pictures down, chunks up, one picture in the air. See `live.encoding`."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from cloche.concurrency.tasks import spawn as spawn_task
from cloche.errors import InternalError
from cloche.live.encoder import wire
from cloche.live.encoder_child import EncoderChild, EncoderEnd, EncoderSettings, Mode, why_ended
from cloche.live.encoding import EncoderEvents
from cloche.live.model import Chunk, Codec, Demand, Picture

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_IDS: Final = {Codec.JPEG: wire.CodecId.JPEG, Codec.H264: wire.CodecId.H264, Codec.VP8: wire.CodecId.VP8}
_CODECS: Final = {number: codec for codec, number in _IDS.items()}
_MAX_SIDE: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class EncoderStarter:
    """A `StartEncoder` of these settings."""

    settings: EncoderSettings

    async def __call__(self, events: EncoderEvents) -> "EncoderProcess":
        return await start_encoder(self.settings, events)


async def start_encoder(settings: EncoderSettings, events: EncoderEvents) -> "EncoderProcess":
    """Start a child and wait until it is ready. Raises: StartError."""
    child = await EncoderChild.start(settings, Mode.PICTURES)
    return EncoderProcess(child, settings, events)


class EncoderProcess:
    """An `Encoder`. Made by `start_encoder`, ended by `close`, or by itself when the child does what it may not."""

    def __init__(self, child: EncoderChild, settings: EncoderSettings, events: EncoderEvents) -> None:
        self._child = child
        self._settings = settings
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._reader = wire.Reader(wire.FROM_CHILD)
        self._picture: Picture | None = None
        """In the air, likewise those asked for it."""
        self._asked: frozenset[Codec] = frozenset()
        self._unsent = list[memoryview]()
        self._is_writing = False
        self._watchdog: asyncio.TimerHandle | None = None
        self._is_attached = True
        self._is_closed = False
        self._ending: asyncio.Task[None] | None = None
        self._loop.add_reader(child.socket, self._readable)

    @property
    def pid(self) -> int:
        return self._child.pid

    def encode(self, picture: Picture, demands: Mapping[Codec, Demand], keys: frozenset[Codec]) -> None:
        """See `live.encoding.Encoder`. A picture that is too large is done with at once."""
        if self._picture is not None:
            raise InternalError("a picture is being encoded already")
        if not self._is_attached:
            return
        passed = Codec.JPEG in demands and demands[Codec.JPEG].quality == 0
        if passed:
            chunk = Chunk(Codec.JPEG, picture.seq, picture.jpeg, True, picture.taken_at_ms, 0, 0)
            self._loop.call_soon(self._unless_closed, self._events.on_chunk, chunk)
        tasks = [
            _task(codec, demand, is_key=codec in keys)
            for codec, demand in demands.items()
            if not (codec is Codec.JPEG and passed)
        ]
        if not tasks or len(picture.jpeg) > wire.MAX_PICTURE_BYTES:
            self._loop.call_soon(self._unless_closed, self._events.on_done, picture.seq)
            return
        self._picture, self._asked = picture, frozenset(_CODECS[task.codec] for task in tasks)
        self._watchdog = self._loop.call_later(self._settings.picture_timeout_s, self._end, EncoderEnd.HUNG)
        head = wire.picture_message(picture.seq, picture.taken_at_ms, tasks, len(picture.jpeg))
        self._unsent = [memoryview(head), memoryview(picture.jpeg)]
        self._write()

    async def close(self) -> None:
        """See `live.encoding.Encoder`."""
        self._is_closed = True
        self._detach()
        await self._child.end()
        if self._ending is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(self._ending)

    def _write(self) -> None:
        """Send what the socket takes; the rest when it takes more. What cannot be sent at all the reader explains."""
        try:
            sent = self._child.socket.sendmsg(self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._unsent.clear()
            sent = 0
        while self._unsent and sent >= len(self._unsent[0]):
            sent -= len(self._unsent.pop(0))
        if self._unsent:
            self._unsent[0] = self._unsent[0][sent:]
        if bool(self._unsent) != self._is_writing:
            self._is_writing = bool(self._unsent)
            if self._is_writing:
                self._loop.add_writer(self._child.socket, self._write)
            else:
                self._loop.remove_writer(self._child.socket)

    def _readable(self) -> None:
        try:
            count = self._child.socket.recv_into(self._reader.space())
            if not count:
                self._end(None)
                return
            message = self._reader.filled(count)
            if message is not None:
                self._hear(message)
        except (BlockingIOError, InterruptedError):
            return
        except wire.WireError:
            self._end(EncoderEnd.PROTOCOL)
        except OSError:
            self._end(None)

    def _hear(self, message: wire.Message) -> None:
        picture = self._picture
        if picture is None:
            raise wire.WireError("it speaks unasked")
        if message.kind == wire.Kind.CHUNK:
            said = wire.parse_chunk(message)
            codec = _CODECS[said.codec]
            if said.seq != picture.seq or codec not in self._asked:
                raise wire.WireError("a chunk that nobody asked for")
            self._asked -= {codec}
            self._events.on_chunk(
                Chunk(codec, said.seq, said.data, said.is_key, picture.taken_at_ms, said.width, said.height)
            )
        elif message.kind == wire.Kind.DONE and wire.parse_done(message) == picture.seq:
            self._picture = None
            self._stop_watching()
            self._events.on_done(picture.seq)
        else:
            raise wire.WireError("it speaks out of turn")

    def _end(self, why: EncoderEnd | None) -> None:
        """`why`: None where it has ended by itself."""
        if self._is_attached:
            self._detach()
            self._ending = spawn_task(self._report(why), name="encoder-report")

    async def _report(self, why: EncoderEnd | None) -> None:
        try:
            code = await self._child.end(at_once=why is not None)
        except InternalError:
            # It hangs in the kernel. Nothing more can be done to it, and the next may start.
            code, why = 255, EncoderEnd.HUNG
        why = why or why_ended(code)
        _log.warning("encoder_ended", reason=str(why), exit_code=code, stderr=self._child.errors())
        self._unless_closed(self._events.on_end, str(why))

    def _detach(self) -> None:
        if self._is_attached:
            self._is_attached = False
            self._stop_watching()
            self._picture = None
            self._unsent.clear()
            self._loop.remove_reader(self._child.socket)
            self._loop.remove_writer(self._child.socket)

    def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _unless_closed(self, tell: Callable[[T], None], what: T) -> None:
        if not self._is_closed:
            tell(what)


def _task(codec: Codec, demand: Demand, *, is_key: bool) -> wire.Task:
    return wire.Task(
        _IDS[codec],
        is_key,
        bits_per_second=min(max(demand.bits_per_second, 0), 0xFFFFFFFF),
        quality=min(max(demand.quality, 0), 100),
        scale=min(max(demand.scale, 0.0), 1.0),
        fit_width=min(max(demand.fit_width, 0), _MAX_SIDE),
        fit_height=min(max(demand.fit_height, 0), _MAX_SIDE),
    )
