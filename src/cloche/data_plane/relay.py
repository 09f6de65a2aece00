"""What a relay is asked for, and what came of it."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class RelayEnd(StrEnum):
    """Why a relay ended. The first five as in `concurrency.splice`."""

    EOF = "eof"
    RESET = "reset"
    LIMIT = "limit"
    IDLE = "idle"
    LIFETIME = "lifetime"
    REFUSED = "refused"  # the first byte is none of those allowed
    STOPPED = "stopped"  # whoever had asked for it said so
    LOST = "lost"  # with the worker that had it


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One relay between `a` and `b`. Frozen: nothing of it changes while it runs."""

    a_to_b_head: bytes = b""
    """Sent before anything that is read; likewise the other."""
    b_to_a_head: bytes = b""
    first_bytes: bytes | None = None
    """Of what comes from `a`: which bytes it may begin with. None: any."""
    frames_after: int | None = None
    """`a` is a WebSocket client: after so many bytes towards it, its frames are counted along, and the end of `b` is
    not passed on to it, so that there is room for a Close frame."""
    idle_timeout_s: float | None = None
    half_closed_timeout_s: float | None = None
    lifetime_s: float | None = None


@dataclass(frozen=True, slots=True)
class FrameState:
    client_left: bool
    """It has said that it will send no more."""
    at_boundary: bool
    """A frame of ours could stand here."""
    close_seen: bool
    """A Close frame has passed towards it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """How a relay went. `side` is `a` or `b`, the one that ended it; empty for a timer."""

    end: RelayEnd
    side: str = ""
    errno: int = 0
    first_byte: int = -1
    frames: FrameState | None = None


class Meter(Protocol):
    """Lets bytes through while there are any left, and counts them. `out` is from `a` to `b`."""

    def take_out(self, count: int) -> int:
        """How many of `count` bytes may pass; those are counted."""
        ...

    def take_in(self, count: int) -> int: ...

    def lease(self, count: int) -> tuple[int, bool]:
        """Set up to `count` bytes aside for a worker; returns how many, and whether they are the last."""
        ...

    def moved(self, out_bytes: int, in_bytes: int) -> None:
        """So much of what was leased has passed."""
        ...

    def release(self, count: int) -> None:
        """So much of what was leased is not needed."""
        ...


class Relays(Protocol):
    """Where bytes are relayed."""

    async def relay(
        self,
        a: socket.socket,
        b: socket.socket,
        order: Order,
        *,
        meter: Meter | None = None,
        until: "asyncio.Future[None] | None" = None,
    ) -> Relayed:
        """Relay until both sides have ended, one fails, a limit is met, or `until` is done; then, with frames, not in
        the middle of one if that can be helped.

        Both sockets are connected, non-blocking, watched by nobody else, and stay the caller's to close. Nobody touches
        them any more when this returns or has been cancelled.
        """
        ...


RelaysOf = Callable[[str], Relays]
"""Those of one session, by its id."""
