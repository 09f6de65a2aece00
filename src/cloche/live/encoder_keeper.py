"""Keeps one encoder child for a stream: started when it is wanted, again when it ends, closed when it is not."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, StartError
from cloche.live.encoding import Encoder, EncoderEvents, StartEncoder
from cloche.live.model import Chunk, Codec, Demand, Picture
from cloche.live.pace import restart_delay_s
from cloche.live.timers import Alarm, Timers

LINGER_S: Final = 10.0
"""From the last moment it was wanted to its end."""
SOUND_AFTER_S: Final = 30.0
"""One that has lived this long ended for a reason of its own: the next is started at once."""
HOPELESS: Final = frozenset({"encoder_not_confined", "encoder_missing"})
"""Reasons of StartError that no further try will change."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeeperEvents:
    """None may raise."""

    on_ready: Callable[[], None]
    """A new child is there; it knows nothing of those before it."""
    on_chunk: Callable[[Chunk], None]
    on_done: Callable[[int], None]
    on_end: Callable[[], None]
    """It is gone, and what it had in hand is lost. Another will come."""
    on_refused: Callable[[], None]
    """There will be none on this machine: it cannot be confined, or is not installed. Once."""


class EncoderKeeper:
    """Owns the child and the task that starts it. No more than one picture is in its hand."""

    def __init__(self, start: StartEncoder, timers: Timers, events: KeeperEvents) -> None:
        self._start_encoder = start
        self._timers = timers
        self._events = events
        self._encoder: Encoder | None = None
        self._generation = 0
        """Events of an encoder that was given up are not heard."""
        self._is_wanted = self._is_refused = self._is_closed = False
        self._is_busy = False
        self._ends = 0
        self._started_at = -math.inf
        self._may_start_at = -math.inf
        self._starting: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._start_alarm = Alarm(timers, self._start_if_wanted)
        self._linger_alarm = Alarm(timers, self._let_go)

    @property
    def is_up(self) -> bool:
        return self._encoder is not None

    @property
    def is_refused(self) -> bool:
        return self._is_refused

    @property
    def is_ready(self) -> bool:
        """Whether `encode` may be called."""
        return self._encoder is not None and not self._is_busy

    def want(self) -> None:
        self._linger_alarm.off()
        if not self._is_wanted:
            self._is_wanted = True
            self._start_if_wanted()

    def unwant(self) -> None:
        if self._is_wanted:
            self._is_wanted = False
            self._start_alarm.off()
            if self._encoder is not None or self._starting is not None:
                self._linger_alarm.by(self._timers.time() + LINGER_S)

    def encode(self, picture: Picture, demands: Mapping[Codec, Demand], keys: frozenset[Codec]) -> None:
        assert self._encoder is not None
        self._is_busy = True
        self._encoder.encode(picture, demands, keys)

    async def close(self) -> None:
        """End the child and wait until it is gone."""
        self._is_closed = True
        self._is_wanted = False
        self._start_alarm.off()
        self._linger_alarm.off()
        await cancel_and_wait(self._starting)
        self._let_go()
        while self._closing:
            await asyncio.wait(self._closing)

    def _start_if_wanted(self) -> None:
        if not self._is_wanted or self._encoder is not None or self._starting is not None:
            return
        if self._is_refused or self._is_closed:
            return
        if self._timers.time() < self._may_start_at:
            self._start_alarm.by(self._may_start_at)
            return
        self._starting = spawn(self._start(), name="live-encoder-start")

    async def _start(self) -> None:
        self._generation += 1
        mine = self._generation
        events = EncoderEvents(
            on_chunk=lambda chunk: self._chunk(mine, chunk),
            on_done=lambda seq: self._done(mine, seq),
            on_end=lambda reason: self._ended(mine, reason),
        )
        try:
            encoder = await self._start_encoder(events)
        except (ClocheError, OSError, TimeoutError) as error:
            self._starting = None
            self._failed(error)
            return
        except BaseException:
            self._starting = None
            raise
        self._starting = None
        if mine != self._generation:
            # It ended, or was let go, before it was ready.
            self._close(encoder)
            self._start_if_wanted()
            return
        self._encoder, self._is_busy = encoder, False
        self._started_at = self._timers.time()
        if not self._is_wanted:
            self._linger_alarm.by(self._started_at + LINGER_S)
        self._events.on_ready()

    def _failed(self, error: Exception) -> None:
        reason = error.reason if isinstance(error, StartError) else "error"
        _log.warning("live_encoder_start_failed", reason=reason)
        if reason in HOPELESS:
            self._is_refused = True
            self._events.on_refused()
            return
        self._wait_and_start()

    def _chunk(self, generation: int, chunk: Chunk) -> None:
        if generation == self._generation and self._encoder is not None:
            self._events.on_chunk(chunk)

    def _done(self, generation: int, seq: int) -> None:
        if generation == self._generation and self._encoder is not None:
            self._is_busy = False
            self._events.on_done(seq)

    def _ended(self, generation: int, reason: str) -> None:
        if generation != self._generation:
            return
        self._generation += 1
        encoder, self._encoder = self._encoder, None
        _log.warning("live_encoder_ended", reason=reason)
        if encoder is not None:
            self._close(encoder)
            if self._timers.time() - self._started_at >= SOUND_AFTER_S:
                self._ends = 0
        self._events.on_end()
        self._wait_and_start()

    def _wait_and_start(self) -> None:
        self._ends += 1
        self._may_start_at = self._timers.time() + restart_delay_s(self._ends)
        self._start_if_wanted()

    def _let_go(self) -> None:
        """Nobody has wanted it for long."""
        encoder, self._encoder = self._encoder, None
        self._generation += 1
        self._is_busy = False
        if encoder is not None:
            self._close(encoder)

    def _close(self, encoder: Encoder) -> None:
        task = spawn(encoder.close(), name="live-encoder-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
