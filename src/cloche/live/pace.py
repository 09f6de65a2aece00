"""How fast, and how richly, pictures are made and sent. Pure: time is an argument, in seconds.

Links fall into three classes. The slowest of a codec's viewers decides its class, slowly, and within it the bit rate,
at once. Both come back by trying: a link says what it cannot take, never what it could.
"""

import math
from dataclasses import dataclass
from typing import Final

RESTART_DELAYS_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Before an encoder is started again: the first time, the second, …, every further time."""

LOWER_AFTER_S: Final = 3.0
"""How long a link must be too slow for its class."""
RAISE_AFTER_S: Final = 10.0
"""How long it must be good before a better class is tried; twice as long after each time that failed."""
RAISE_AFTER_MOST_S: Final = 160.0
FAILED_WITHIN_S: Final = 20.0
"""A better class that is left within this time was too good."""
_SILENCE_S: Final = 2.0
"""Without pictures for longer, nothing is known of a link."""

TROUBLE_S: Final = 10.0
"""How long after its last trouble a link's limit holds; then it is raised bit by bit."""
GROWTH_PER_S: Final = 1.08
"""As receivers raise theirs (draft-ietf-rmcat-gcc-02, section 5.5)."""
LEAST_LIMIT: Final = 50_000.0
"""Of a link that for a moment took nothing at all: what it grows from."""


@dataclass(frozen=True, slots=True)
class LinkClass:
    name: str
    share: float
    """Of the bit rate that is aimed at."""
    fps: int


CLASSES: Final = (LinkClass("full", 1.0, 60), LinkClass("reduced", 0.4, 30), LinkClass("low", 2 / 15, 12))
"""3, 1.2 and 0.4 Mbit/s of 3."""
NEEDS: Final = 0.45
"""What a class cannot do without, as a part of its bit rate."""


CHROMIUM_FPS: Final = 60
"""It draws no faster, so a cap of that much is none."""


def interval_s(fps: float) -> float:
    """Between two pictures at this cap; 0 where there is none to keep."""
    return 1 / fps if 0 < fps < CHROMIUM_FPS else 0.0


class Spacing:
    """Keeps things apart: `due` is when the next may be. One that came late does not delay those after it."""

    def __init__(self) -> None:
        self.due = -math.inf

    def passed(self, now: float, interval_s: float) -> None:
        self.due = (self.due if now - self.due < interval_s / 2 else now) + interval_s


class Appetite:
    """How fast whoever takes pictures takes them, seen from how long there was one that had to wait."""

    MOST_S: Final = 1.0

    def __init__(self) -> None:
        self.interval_s = 0.0
        """Between two; 0 while none ever waits."""

    def taken(self, waited_s: float) -> None:
        self.interval_s += 0.3 * (min(max(waited_s, 0.0), self.MOST_S) - self.interval_s)


class BitMeter:
    """Bits per second over about the last second."""

    WINDOW_S: Final = 1.0

    def __init__(self) -> None:
        self._rate = 0.0
        self._at = 0.0

    def add(self, now: float, size_bytes: int) -> None:
        self._rate = self.rate(now) + size_bytes * 8 / self.WINDOW_S
        self._at = now

    def rate(self, now: float) -> float:
        return self._rate * math.exp(-max(now - self._at, 0.0) / self.WINDOW_S)


class LinkRate:
    """What one viewer's link takes, if anything is known against it: as its transport tells, or as its lag behind what
    it was sent does. The second comes back by itself, bit by bit; the first is its transport's to raise."""

    def __init__(self) -> None:
        self.told: float | None = None
        self._limit: float | None = None
        self._trouble_at = -math.inf
        self._grown_at = 0.0

    def trouble(self, now: float, bits_per_second: float) -> None:
        """It takes no more than this."""
        self._limit = max(bits_per_second, LEAST_LIMIT)
        self._trouble_at = self._grown_at = now

    def limit(self, now: float, enough: float) -> float | None:
        """Bits per second; None: nothing is known against `enough`."""
        known = [rate for rate in (self._grown(now), self.told) if rate is not None and rate < enough]
        if self._limit is not None and self._limit >= enough:
            self._limit = None
        return min(known, default=None)

    def _grown(self, now: float) -> float | None:
        if self._limit is not None:
            if now - self._trouble_at > TROUBLE_S:
                self._limit *= GROWTH_PER_S ** min(max(now - self._grown_at, 0.0), _SILENCE_S)
            self._grown_at = now
        return self._limit


class LinkPace:
    """The class and the bit rate of one codec's stream, from the least that any of its links takes."""

    def __init__(self, target: int, least: int) -> None:
        self._target = target
        self._least = least
        self._index = 0
        self._short_since: float | None = None
        self._good_since: float | None = None
        self._raised_at = -math.inf
        self._raise_after = RAISE_AFTER_S
        self._updated_at = -math.inf
        self.bits_per_second = target

    @property
    def link_class(self) -> LinkClass:
        return CLASSES[self._index]

    def update(self, now: float, limit: float | None, *, alone: bool) -> None:
        """Call it while pictures flow. `alone`: of one viewer, whom less than the lowest class has serves too."""
        if now - self._updated_at > _SILENCE_S:
            self._short_since = self._good_since = None
        self._updated_at = now
        top = self._top()
        if limit is not None and limit < NEEDS * top:
            self._short(now)
        else:
            self._short_since = None
            self._good(now, settled=limit is None or limit >= top)
        self._set_bits(limit, alone)

    def _short(self, now: float) -> None:
        self._good_since = None
        if self._short_since is None:
            self._short_since = now
        elif now - self._short_since >= LOWER_AFTER_S and self._index < len(CLASSES) - 1:
            self._index += 1
            self._short_since = now
            if now - self._raised_at < FAILED_WITHIN_S:
                self._raise_after = min(self._raise_after * 2, RAISE_AFTER_MOST_S)
                self._raised_at = -math.inf

    def _good(self, now: float, *, settled: bool) -> None:
        if now - self._raised_at >= FAILED_WITHIN_S and math.isfinite(self._raised_at):
            self._raise_after, self._raised_at = RAISE_AFTER_S, -math.inf
        if not settled or self._index == 0:
            self._good_since = None
        elif self._good_since is None:
            self._good_since = now
        elif now - self._good_since >= self._raise_after:
            self._index -= 1
            self._raised_at, self._good_since = now, None

    def _set_bits(self, limit: float | None, alone: bool) -> None:
        top = self._top()
        lowest = self._index == len(CLASSES) - 1
        floor = self._least if alone and lowest else NEEDS * top
        wanted = int(min(max(top if limit is None else limit, floor, self._least), max(top, self._least)))
        # Setting an encoder anew has a price, so not for a trifle.
        if wanted == int(top) or abs(wanted - self.bits_per_second) > 0.1 * self.bits_per_second:
            self.bits_per_second = wanted

    def _top(self) -> float:
        return self._target * CLASSES[self._index].share


def hopeless_below(target: int) -> float:
    """A link slower than this is left behind where others watch too: it loses frames, they do not."""
    return NEEDS * CLASSES[-1].share * target


def restart_delay_s(ends: int) -> float:
    """How long to wait after an encoder's `ends`-th end, counted from 1."""
    return RESTART_DELAYS_S[min(ends, len(RESTART_DELAYS_S)) - 1]
