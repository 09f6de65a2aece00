"""What the figures are held against: each target in one sentence, and whether it was met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from figures import Samples, cell
from side_by_side.results import Results

ONE: Final = "1 at a time"
TEN: Final = "10 at once"
WARM: Final = "cloche-warm"
COLD: Final = "cloche-cold"
RAW: Final = "raw"


@dataclass(frozen=True, slots=True)
class Found:
    """The figure that a target is about, in words, and whether it is met."""

    said: str
    is_met: bool

    @property
    def verdict(self) -> str:
        return "met" if self.is_met else "**missed**"


@dataclass(frozen=True, slots=True)
class Target:
    """`judge` gives None where the figures are not there, or are of a smaller run than the target speaks of."""

    scenario: str
    adapter: str
    case: str
    sentence: str
    aim: str
    judge: Callable[[Results], Found | None]


def _p50(results: Results, adapter: str, case: str, metric: str) -> float | None:
    samples = results.samples(adapter, case, metric)
    return samples.p50 if samples else None


def _most(adapter: str, case: str, metric: str, most: float, unit: str) -> Callable[[Results], Found | None]:
    def judge(results: Results) -> Found | None:
        found = _p50(results, adapter, case, metric)
        return None if found is None else Found(f"{cell(found)} {unit}", found <= most)

    return judge


def _of_raw(
    adapter: str, case: str, metric: str, is_met: Callable[[float], bool], *, inverse: bool = False
) -> Callable[[Results], Found | None]:
    """The median against raw Chromium's; `inverse` for what is better when it is larger (raw's time to ours)."""

    def judge(results: Results) -> Found | None:
        ours, floor = _p50(results, adapter, case, metric), _p50(results, RAW, case, metric)
        if not ours or not floor:
            return None
        ratio = floor / ours if inverse else ours / floor
        return Found(f"{ratio:.2f} ×", is_met(ratio))

    return judge


def _tail(results: Results) -> Found | None:
    found: Samples | None = results.samples(WARM, TEN, "total")
    return Found(f"{found.p95 / found.p50:.2f} ×", found.p95 <= 2 * found.p50) if found else None


def _memory(results: Results) -> Found | None:
    count, pss = _p50(results, COLD, "asleep", "sessions"), _p50(results, COLD, "asleep", "memory")
    if count is None or pss is None or count < 120:
        return None
    return Found(f"{pss * 2**20 / 1e9:.1f} GB", pss * 2**20 <= 12e9)


def _cpu(results: Results) -> Found | None:
    count, percent = _p50(results, COLD, "asleep", "sessions"), _p50(results, COLD, "asleep", "cpu")
    if count is None or percent is None or count < 120:
        return None
    return Found(f"{percent:.2f} %", percent < 5)


def _fetch(results: Results) -> Found | None:
    if results.options.get("fetch_mb", 0) < 1000:
        return None
    return _of_raw(COLD, "fetch", "fetch", lambda ratio: ratio >= 0.85, inverse=True)(results)


def _growth(results: Results) -> Found | None:
    ended = results.samples("cloche", "readings", "sessions")
    if ended is None or ended.values[-1] < 1000:
        return None
    grew = [metric for _, case, metric in results.values if case == "grew"]
    said = f"{ended.values[-1]:.0f} ended, {'nothing grew' if not grew else 'grew: ' + ', '.join(grew)}"
    return Found(said, not grew)


TARGETS: Final = (
    Target("lifecycle", WARM, ONE, "Warm create, p50", "≤ 12 ms", _most(WARM, ONE, "create", 12, "ms")),
    Target(
        *("lifecycle", WARM, ONE, "Warm create against a raw launch, p50", "≥ 5 × as quick"),
        _of_raw(WARM, ONE, "create", lambda ratio: ratio >= 5, inverse=True),
    ),
    Target(
        *("lifecycle", WARM, ONE, "Create + connect + new page + goto + release, warm, against raw, p50", "≤ 1 ×"),
        _of_raw(WARM, ONE, "total", lambda ratio: ratio <= 1),
    ),
    Target("lifecycle", WARM, TEN, "The same 10 at once: p95 against its own p50", "≤ 2 ×", _tail),
    Target("density", COLD, "asleep", "120 idle sessions, asleep: memory of everything, PSS", "≤ 12 GB", _memory),
    Target("density", COLD, "asleep", "120 idle sessions, asleep: CPU, of one core", "< 5 %", _cpu),
    Target(
        *("wake", COLD, "asleep", "From a sleeping session's URL to the first DevTools answer, p50", "≤ 40 ms"),
        _most(COLD, "asleep", "first answer", 40, "ms"),
    ),
    Target("soak", "cloche", "readings", "1 000 create/close cycles", "zero growth", _growth),
    Target(
        *("round-trip", COLD, "round trip", "DevTools round trip against raw, p50", "≤ 1.3 ×"),
        _of_raw(COLD, "round trip", "round trip", lambda ratio: ratio <= 1.3),
    ),
    Target(
        *("round-trip", COLD, "round trip", "… and as a stretch", "≤ 1.1 ×"),
        _of_raw(COLD, "round trip", "round trip", lambda ratio: ratio <= 1.1),
    ),
    Target(
        *("fetch", COLD, "fetch", "A page fetching 1 GB through the gateway, against no proxy, p50", "≥ 0.85 ×"),
        _fetch,
    ),
)


def verdicts(results: Results, adapter: str, case: str) -> tuple[str, str]:
    """The aims of one row of a table, and what became of each; empty where there is none."""
    aims, said = [], []
    for target in TARGETS:
        if (target.scenario, target.adapter, target.case) == (results.scenario, adapter, case):
            found = target.judge(results)
            aims.append(f"{target.aim}")
            said.append(f"{found.said}: {found.verdict}" if found else "not measured")
    return "; ".join(aims), "; ".join(said)


def judged(found: Mapping[str, Results]) -> list[list[object]]:
    """A row for each target: the sentence, its aim, what was measured, met or missed."""
    rows: list[list[object]] = []
    for target in TARGETS:
        results = found.get(target.scenario)
        verdict = target.judge(results) if results else None
        rows.append(
            [
                target.sentence,
                target.aim,
                verdict.said if verdict else "–",
                verdict.verdict if verdict else "not measured",
            ]
        )
    return rows
