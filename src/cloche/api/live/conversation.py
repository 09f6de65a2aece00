"""What a viewer says, whatever carries it: stream messages are seen to here, all others go to its seat."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from cloche.clock import Clock
from cloche.live.messages import (
    Ack,
    Answer,
    Candidate,
    ClientMessage,
    Hidden,
    MalformedMessageError,
    NeedKey,
    Offer,
    Ping,
    Report,
    RequestOffer,
    Start,
    write_message,
)
from cloche.sessions.live.interface import LiveSeat

Reply = Callable[[bytes], None]
"""Sends a message back the way it was asked, if there is room for it at once."""
Reader = Callable[[bytes], Sequence[ClientMessage]]
"""Raises: MalformedMessageError."""
StreamOrder = Start | Hidden | Offer | Answer | RequestOffer | Candidate

TOO_LARGE: Final = "too_large"
MALFORMED: Final = "malformed"
FLOOD: Final = "flood"
"""Why a message is dropped: a metric label."""
COMPLAINT_EVERY_S: Final = 1.0
SIGNS_PER_SECOND: Final = 200.0
SIGNS_AT_ONCE: Final = 400.0
"""Of what costs nothing. A viewer acknowledges up to sixty pictures a second, and pings."""
ORDERS_PER_SECOND: Final = 5.0
ORDERS_AT_ONCE: Final = 100.0
"""Of what begins or ends something. The most that comes at once is an offer and its candidates."""


class Streams(Protocol):
    """How a viewer gets its pictures, as far as it may say so."""

    def order(self, order: StreamOrder) -> bool:
        """Do it, after what was ordered before; False: too much is waiting, and it is not done."""
        ...

    def acknowledge(self, seq: int) -> None: ...

    def ask_key(self) -> None: ...

    def viewer_reports(self) -> None:
        """It tells by itself how it is doing."""
        ...


class Conversation:
    """One viewer's; owned by its door. Never raises for what is said."""

    def __init__(self, seat: LiveSeat, streams: Streams, clock: Clock, read: Reader) -> None:
        self._seat, self._streams, self._clock, self._read = seat, streams, clock, read
        self._complained_at = float("-inf")
        now = clock.monotonic()
        self._signs = _Allowance(SIGNS_PER_SECOND, SIGNS_AT_ONCE, now)
        self._orders = _Allowance(ORDERS_PER_SECOND, ORDERS_AT_ONCE, now)

    def take(self, data: bytes, reply: Reply, *, over_webrtc: bool = False) -> None:
        """Do what a message says. `over_webrtc`: it came by the data channel, which takes no messages about WebRTC."""
        try:
            messages = self._read(data)
        except MalformedMessageError:
            self.drop(MALFORMED, reply)
            return
        for message in messages:
            self._do(message, reply, over_webrtc)

    def drop(self, why: str, reply: Reply) -> None:
        """A message is not one: it is counted, and now and then said to be so."""
        self._seat.dropped(why)
        now = self._clock.monotonic()
        if now - self._complained_at >= COMPLAINT_EVERY_S:
            self._complained_at = now
            reply(error_message("malformed_message", "a message was not understood and has been dropped"))

    def _do(self, message: ClientMessage, reply: Reply, over_webrtc: bool) -> None:
        match message:
            case Ping() | Report() | Ack() | NeedKey() if not self._signs.take(self._clock.monotonic()):
                self._seat.dropped(FLOOD)
            case Ping():
                server_ms = round(self._clock.now().timestamp() * 1000)
                reply(write_message("pong", {"t": message.t, "server_ms": server_ms}))
            case Report():
                self._streams.viewer_reports()
                self._seat.reported(message)
            case Ack():
                self._streams.acknowledge(message.seq)
            case NeedKey():
                self._streams.ask_key()
            case Hidden():
                self._order(message)
            case Start() | Offer() | Answer() | RequestOffer() | Candidate():
                if over_webrtc:
                    self.drop(MALFORMED, reply)
                else:
                    self._order(message)
            case _:
                self._seat.take(message)

    def _order(self, message: StreamOrder) -> None:
        if not (self._orders.take(self._clock.monotonic()) and self._streams.order(message)):
            self._seat.dropped(FLOOD)


class _Allowance:
    """A token bucket."""

    def __init__(self, per_second: float, at_once: float, now: float) -> None:
        self._per_second, self._most, self._left, self._at = per_second, at_once, at_once, now

    def take(self, now: float) -> bool:
        self._left = min(self._most, self._left + max(0.0, now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def error_message(code: str, message: str) -> bytes:
    return write_message("error", {"code": code, "message": message})
