"""Whether a series of readings grows, and whether that is more than its noise. Figures in, judgement out."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

LEAST_READINGS: Final = 6
"""After the warm-up: with fewer nothing is said."""
WARM_UP: Final = 0.25
"""The part of the readings, at the beginning, in which caches fill and pools grow to their size."""
NOISES: Final = 3.0
"""A growth counts when it is more than so many times the spread around its line."""
MAD: Final = 1.4826
"""Makes the median of distances comparable with a standard deviation (of normal noise)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What may grow without being called growth: over the whole run, and for every thousand sessions.

    `after`: so many sessions belong to the warm-up in any case. What fills with use and not with time has a size that
    a short run never reaches: such a run says nothing of it.
    """

    whole: float = 0.0
    per_thousand: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one kind of thing. `slope` and `grown` (over the judged span) are None with too few readings."""

    kind: str
    first: float
    last: float
    most: float
    slope: float | None
    """For every thousand sessions."""
    grown: float | None
    noise: float
    grew: bool


def judge(kind: str, sessions: Sequence[float], values: Sequence[float], limit: Limit | None) -> Growth:
    """Fit a line (Theil–Sen: the median of all slopes, which a few odd readings do not move) after the warm-up.

    `sessions`: ended so far at each reading. `limit` None: it is told and not judged.
    """
    settled = sum(each - sessions[0] < limit.after for each in sessions) if limit is not None else 0
    warm = max(int(len(values) * WARM_UP), settled)
    xs, ys = sessions[warm:], values[warm:]
    base = ys or values
    first, last, most = base[0], base[-1], max(base)
    span = xs[-1] - xs[0] if xs else 0.0
    if len(ys) < LEAST_READINGS or span <= 0:
        return Growth(kind, first, last, most, None, None, 0.0, False)
    slope = _theil_sen(xs, ys)
    middle = statistics.median(y - slope * x for x, y in zip(xs, ys, strict=True))
    noise = MAD * statistics.median(abs(y - slope * x - middle) for x, y in zip(xs, ys, strict=True))
    grown = slope * span
    grew = (
        limit is not None
        and grown > NOISES * noise
        and grown > limit.whole + limit.per_thousand * span / 1000
        and last > first
    )
    return Growth(kind, first, last, most, slope * 1000, grown, noise, grew)


def _theil_sen(xs: Sequence[float], ys: Sequence[float]) -> float:
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(zip(xs, ys, strict=True), 2) if x2 != x1]
    return statistics.median(slopes)
