"""How much a viewer may say: token buckets for its messages. Pure.

A mouse makes at most a thousand messages a second, and most far fewer: who sends more is no hand. What is over the rate
is dropped for a while, and is a flood when it goes on.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloche.live.messages import InputMessage, KeyUp, MouseUp, ReleaseAll, Touch


class Verdict(StrEnum):
    OK = "ok"
    DROP = "drop"
    """Do not do it, and count it; unless `is_release`: then do it all the same."""
    FLOOD = "flood"
    """Drop it and close the connection."""


@dataclass(frozen=True, slots=True)
class Allowance:
    per_second: float
    burst: float
    """Messages at once after a pause. As many more over the rate are dropped one by one before it is a flood."""


MESSAGES: Final = Allowance(per_second=1000, burst=2000)
MALFORMED: Final = Allowance(per_second=20, burst=100)


class _Bucket:
    """May be overdrawn by one more burst; what is dropped is paid for like what is not, so a flood does not go on for
    ever at the edge."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._tokens = allowance.burst
        self._at_s: float | None = None

    def take(self, now_s: float) -> float:
        """Take one; return what is left, below 0 if overdrawn. A clock that goes back counts as one that stands."""
        if math.isfinite(now_s):
            elapsed = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
            self._tokens = min(self._allowance.burst, self._tokens + elapsed * self._allowance.per_second)
            self._at_s = now_s if self._at_s is None else max(self._at_s, now_s)
        self._tokens = max(self._tokens - 1, -self._allowance.burst - 1)
        return self._tokens


class MessageRate:
    """Of one viewer, over all its connections together. `now_s`: any clock that goes on, in seconds."""

    def __init__(self, messages: Allowance = MESSAGES, malformed: Allowance = MALFORMED) -> None:
        self._messages = _Bucket(messages)
        self._malformed = _Bucket(malformed)
        self._overdraft = messages.burst
        self.dropped = 0
        """Messages, malformed ones among them."""

    def message(self, now_s: float) -> Verdict:
        """Account for one that was read."""
        left = self._messages.take(now_s)
        if left >= 0:
            return Verdict.OK
        self.dropped += 1
        return Verdict.DROP if left >= -self._overdraft else Verdict.FLOOD

    def malformed(self, now_s: float) -> Verdict:
        """Account for one that could not be read: never OK."""
        self.dropped += 1
        left = self._malformed.take(now_s)
        flood = left < 0 or self._messages.take(now_s) < -self._overdraft
        return Verdict.FLOOD if flood else Verdict.DROP


def is_release(message: InputMessage) -> bool:
    """Whether it lifts something: then it is done even if it is over the rate, or that would stay held."""
    match message:
        case MouseUp() | KeyUp() | ReleaseAll():
            return True
        case Touch():
            return message.phase in ("end", "cancel")
        case _:
            return False
