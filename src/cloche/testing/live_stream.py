"""Both ends of a `LiveStream` and its time, for tests: a browser, encoders with a bad temper, hands to turn."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from cloche.errors import StartError
from cloche.live.encoding import EncoderEvents
from cloche.live.metrics import LiveMetrics
from cloche.live.model import Chunk, Codec, Demand, Picture
from cloche.live.screencast import CaptureParams
from cloche.live.stream import LiveStream, StreamSettings
from cloche.testing.clock import FakeClock

JPEG = b"\xff\xd8\xff\xe0" + bytes(996)


@dataclass
class _Handle:
    callback: Callable[[], object] | None

    def cancel(self) -> None:
        self.callback = None


class FakeTimers:
    """`cloche.live.timers.Timers` that stand still until `advance`."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._queue: list[tuple[float, int, _Handle]] = []
        self._counter = itertools.count()

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> _Handle:
        handle = _Handle(callback)
        heapq.heappush(self._queue, (self._now + delay, next(self._counter), handle))
        return handle

    @property
    def pending(self) -> int:
        """Timers that will still ring."""
        return sum(handle.callback is not None for _, _, handle in self._queue)

    def turn(self, until: float) -> bool:
        """Ring the next timer that is due by `until`; False: there is none, and it is `until` now."""
        while self._queue and self._queue[0][0] <= until:
            when, _, handle = heapq.heappop(self._queue)
            self._now = max(self._now, when)
            if (callback := handle.callback) is not None:
                handle.callback = None
                callback()
                return True
        self._now = until
        return False


@dataclass
class FakeScreencast:
    """A `Screencast` that writes down what it is told."""

    started: list[CaptureParams] = field(default_factory=list)
    stopped: int = 0
    acknowledged: list[int] = field(default_factory=list)

    def start(self, params: CaptureParams) -> None:
        self.started.append(params)

    def stop(self) -> None:
        self.stopped += 1

    def acknowledge(self, token: int) -> None:
        self.acknowledged.append(token)


@dataclass
class Job:
    picture: Picture
    demands: dict[Codec, Demand]
    keys: frozenset[Codec]


class FakeEncoder:
    """Encodes when it is told to. A codec that it was not asked for the last time begins with a key frame."""

    def __init__(self, events: EncoderEvents) -> None:
        self.events = events
        self.jobs: list[Job] = []
        self.chunk_bytes = 500
        self.is_closed = False
        self.cannot: set[Codec] = set()
        """For these nothing comes of any picture."""
        self.hand: Job | None = None
        self._known: set[Codec] = set()

    def encode(self, picture: Picture, demands: Mapping[Codec, Demand], keys: frozenset[Codec]) -> None:
        assert self.hand is None, "not before on_done of the one before"
        assert demands
        assert keys <= set(demands)
        self._known &= set(demands)
        self.hand = Job(picture, dict(demands), keys)
        self.jobs.append(self.hand)

    def finish(self) -> None:
        """Be done with the picture in hand."""
        assert self.hand is not None
        job, self.hand = self.hand, None
        for codec in job.demands.keys() - self.cannot:
            is_key = codec is Codec.JPEG or codec in job.keys or codec not in self._known
            self._known.add(codec)
            data = bytes(self.chunk_bytes)
            seq, taken_at_ms = job.picture.seq, job.picture.taken_at_ms
            self.events.on_chunk(Chunk(codec, seq, data, is_key, taken_at_ms, job.picture.width, job.picture.height))
        self.events.on_done(job.picture.seq)

    def fail(self) -> None:
        """The picture could not be decoded."""
        assert self.hand is not None
        job, self.hand = self.hand, None
        self.events.on_done(job.picture.seq)

    def die(self) -> None:
        self.hand = None
        self.events.on_end("killed")

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeEncoders:
    """A `StartEncoder`."""

    made: list[FakeEncoder] = field(default_factory=list)
    refuses: str = ""
    """The reason of the StartError that starting raises."""
    attempts: int = 0

    async def __call__(self, events: EncoderEvents) -> FakeEncoder:
        self.attempts += 1
        await asyncio.sleep(0)
        if self.refuses:
            raise StartError("The encoder did not start.", reason=self.refuses)
        self.made.append(FakeEncoder(events))
        return self.made[-1]


class StreamWorld:
    """A `LiveStream` between fakes."""

    def __init__(self, settings: StreamSettings | None = None) -> None:
        self.timers = FakeTimers()
        self.clock = FakeClock()
        self.screencast = FakeScreencast()
        self.encoders = FakeEncoders()
        self.registry = CollectorRegistry()
        self.stream = LiveStream(
            self.screencast,
            self.encoders,
            settings or StreamSettings(),
            LiveMetrics(self.registry),
            self.clock,
            self.timers,
        )
        self._tokens = itertools.count(1)

    @property
    def encoder(self) -> FakeEncoder:
        """The one that lives."""
        return self.encoders.made[-1]

    @property
    def jobs(self) -> list[Job]:
        """Whatever any encoder was given."""
        return [job for encoder in self.encoders.made for job in encoder.jobs]

    async def settle(self) -> None:
        """Let tasks run until they wait for something else."""
        for _ in range(8):
            await asyncio.sleep(0)

    async def advance(self, seconds: float, *, encoding: bool = False) -> None:
        """Let time pass. `encoding`: the encoder is done with all it is given at once."""
        until = self.timers.time() + seconds
        ringing = True
        while ringing:
            before = self.timers.time()
            ringing = self.timers.turn(until)
            self.clock.advance(self.timers.time() - before)
            await self.settle()
            if encoding:
                await self.encode()

    async def encode(self) -> None:
        """Have the encoder finish whatever it has and gets."""
        while self.encoders.made and self.encoder.hand is not None:
            self.encoder.finish()
            await self.settle()

    async def picture(self, jpeg: bytes = JPEG, *, width: int = 1280, height: int = 720) -> int:
        """Have the browser send a picture; its token."""
        token = next(self._tokens)
        taken_at_ms = int(self.clock.now().timestamp() * 1000)
        self.stream.took(jpeg, taken_at_ms, width, height, token)
        await self.settle()
        return token

    async def movement(self, seconds: float, *, fps: float = 50, encoding: bool = True) -> None:
        """A page that moves, for a while."""
        for _ in range(round(seconds * fps)):
            await self.picture()
            if encoding:
                await self.encode()
            await self.advance(1 / fps, encoding=encoding)
