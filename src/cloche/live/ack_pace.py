"""What acknowledgements tell of a link over TCP: how many pictures a second it takes, and how far a viewer is behind.
Pure: time is an argument, in seconds."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from cloche.live.pace import BitMeter

WINDOW: Final = 2
"""JPEG pictures on their way to a viewer: one being shown and one travelling."""

ENOUGH_FPS: Final = 8
"""Of JPEG: with fewer, pictures are made smaller."""
PLENTY_FPS: Final = 16
"""With more for long, larger ones are tried."""
_SAMPLES: Final = 3
LARGER_AFTER_S: Final = 10.0
LARGER_AFTER_MOST_S: Final = 160.0
FAILED_WITHIN_S: Final = 10.0

BEHIND_BYTES: Final = 768 << 10
BEHIND_S: Final = 0.7
"""Later than the link's own delay: then a viewer sees the past."""
UNKNOWN_DELAY_S: Final = 2.0
"""Of a link that has not acknowledged anything yet: by satellite, and a decoder that has to be made first."""
CAUGHT_UP_BYTES: Final = 64 << 10
MAX_TRACKED: Final = 256


@dataclass(frozen=True, slots=True)
class Quality:
    """Of JPEG. As `Demand` has it: quality 0 passes Chromium's own pictures on."""

    quality: int
    scale: float


QUALITIES: Final = (Quality(0, 1.0), Quality(60, 1.0), Quality(50, 0.75), Quality(40, 0.5))


@dataclass(frozen=True, slots=True)
class Sent:
    seq: int
    at: float
    size: int
    alone: bool
    """Nothing was on its way when it was sent."""
    counts: bool = True
    """Whether its journey says anything about those that follow."""


class InFlight:
    """Messages sent and not acknowledged, oldest first; at most `MAX_TRACKED`."""

    def __init__(self) -> None:
        self._sent: deque[Sent] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def oldest_at(self) -> float | None:
        return self._sent[0].at if self._sent else None

    def sent(self, now: float, seq: int, size: int, *, counts: bool = True) -> None:
        if len(self._sent) >= MAX_TRACKED:
            self.bytes -= self._sent.popleft().size
        self._sent.append(Sent(seq, now, size, not self._sent, counts))
        self.bytes += size

    def acknowledged(self, seq: int) -> list[Sent]:
        """`seq` and all before it; none for one that was never sent."""
        if not self._sent or seq > self._sent[-1].seq:
            return []
        done = []
        while self._sent and self._sent[0].seq <= seq:
            done.append(self._sent.popleft())
        self.bytes -= sum(one.size for one in done)
        return done

    def clear(self) -> None:
        self._sent.clear()
        self.bytes = 0


class JpegPace:
    """Which of `QUALITIES` one viewer gets. A better one is tried after a while, and later each time it fails."""

    def __init__(self) -> None:
        self.level = 0
        self._per_picture_s = 0.0
        self._samples = 0
        self._acknowledged_at = -math.inf
        self._good_since: float | None = None
        self._raised_at = -math.inf
        self._raise_after = LARGER_AFTER_S
        self._moved_at = -math.inf

    def acknowledged(self, now: float, done: list[Sent]) -> None:
        """What `InFlight` said has arrived by one acknowledgement."""
        since, self._acknowledged_at = self._acknowledged_at, now
        done = [one for one in done if one.counts and one.at >= self._moved_at]
        if not done:
            return
        if len(done) == 1 and done[0].alone:
            sample = (now - done[0].at) / WINDOW
        else:
            sample = (now - max(done[0].at, since)) / len(done)
        weight = 1.0 if self._samples == 0 else 0.3
        self._per_picture_s += weight * (sample - self._per_picture_s)
        self._samples += 1
        self._judge(now)

    def _judge(self, now: float) -> None:
        if self._per_picture_s > 1 / ENOUGH_FPS:
            self._good_since = None
            hopeless = self._per_picture_s > 4 / ENOUGH_FPS
            if (self._samples >= _SAMPLES or hopeless) and self.level < len(QUALITIES) - 1:
                if now - self._raised_at < FAILED_WITHIN_S:
                    self._raise_after = min(self._raise_after * 2, LARGER_AFTER_MOST_S)
                self._move(now, 1)
        elif self._per_picture_s > 1 / PLENTY_FPS or self.level == 0:
            self._good_since = None
            if self.level == 0 and now - self._raised_at > LARGER_AFTER_MOST_S:
                self._raise_after = LARGER_AFTER_S
        elif self._good_since is None:
            self._good_since = now
        elif now - self._good_since >= self._raise_after:
            self._raised_at = now
            self._move(now, -1)

    def _move(self, now: float, by: int) -> None:
        self.level += by
        self._moved_at = now
        self._samples, self._good_since = 0, None


class AckLag:
    """Whether a viewer of video over TCP is behind: it then gets nothing until it has caught up."""

    def __init__(self) -> None:
        self._delay_s = math.inf
        """The shortest of late: what the link takes when nothing waits in it."""
        self._arrived = BitMeter()
        self._arrived_at = 0.0
        self.behind = False

    def acknowledged(self, now: float, done: list[Sent]) -> None:
        for one in done:
            self._arrived_at = now
            self._arrived.add(now, one.size)
            self._delay_s = min(self._delay_s * 1.01, now - one.at)

    def look(self, now: float, in_flight: InFlight) -> bool:
        """Bring `behind` up to date; True when it has just fallen behind."""
        oldest = in_flight.oldest_at
        if self.behind:
            self.behind = in_flight.bytes > CAUGHT_UP_BYTES or (oldest is not None and now - oldest > BEHIND_S)
            return False
        if oldest is None:
            return False
        delay = self._delay_s if math.isfinite(self._delay_s) else UNKNOWN_DELAY_S
        self.behind = in_flight.bytes > BEHIND_BYTES or now - oldest > delay + BEHIND_S
        return self.behind

    @property
    def rate(self) -> float:
        """Bits per second that arrived while anything did."""
        return self._arrived.rate(self._arrived_at)
