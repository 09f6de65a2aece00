"""What a soak has to say: every kind with its first and last reading, its slope, and whether it grew."""

from collections.abc import Sequence
from typing import Final

from figures import table
from side_by_side.plots import Plot, lines
from side_by_side.results import Results
from soaking.growth import Growth, judge
from soaking.readings import DAEMON_KINDS, FULL, limit_of

WHO: Final = "cloche"
READINGS: Final = "readings"
GREW: Final = "grew"
SESSIONS: Final = "sessions"
BEGAN: Final = "daemon began"
"""At which reading: the last of these is where the longest life begins."""


def growths(results: Results) -> list[Growth]:
    """Of every kind: the daemon's own since its last start, the machine's over the whole run."""
    sessions = _series(results, SESSIONS)
    last_life = int(_series(results, BEGAN)[-1])
    found = []
    for _, case, kind in results.values:
        if case == READINGS and kind not in (SESSIONS, BEGAN):
            begin = last_life if kind in DAEMON_KINDS else 0
            found.append(judge(kind, sessions[begin:], _series(results, kind)[begin:], limit_of(kind)))
    return found


def grown(found: Sequence[Growth]) -> list[str]:
    return [growth.kind for growth in found if growth.grew]


def growth_table(found: Sequence[Growth]) -> str:
    """A row for each kind of which there ever was any; the others are named below."""
    head = ["", "first", "last", "most", "for 1 000 sessions", "noise", ""]
    rows = [
        [
            growth.kind,
            *(_number(value) for value in (growth.first, growth.last, growth.most)),
            "–" if growth.slope is None else growth.slope,
            growth.noise,
            _said(growth),
        ]
        for growth in found
        if growth.most
    ]
    never = ", ".join(growth.kind for growth in found if not growth.most)
    return table(head, rows) + (f"\n\nNever any: {never}." if never else "")


def done_table(results: Results) -> str:
    head = ["deed", "done", "failed", "first failure"]
    rows = [
        [name, str(found.tried), str(found.failed), "".join(found.messages[:1])]
        for (_, name), found in results.failures.items()
    ]
    return table(head, rows)


class SoakPage:
    """A soak's section of the side-by-side report; nothing of it runs there."""

    name = "soak"
    title = "What grows"

    def render(self, results: Results) -> str:
        ended = _series(results, SESSIONS)[-1]
        return (
            f"### {self.title}\n\n{ended:.0f} sessions of one Cloche in {results.options['minutes']} minutes; "
            f"counted between batches, while none lived. `first` is after the warm-up: the first quarter of the "
            f"readings, and for memory the first {FULL} sessions of a daemon too. What a server keeps of its history "
            f"(sessions, events, journal) is told and not judged.\n\n"
            f"{growth_table(growths(results))}\n\n{done_table(results)}\n"
        )

    def draw(self, results: Results) -> dict[str, Plot]:
        sessions = _series(results, SESSIONS)
        kinds = ("RSS, MiB", "PSS, MiB", "descriptors", "asyncio tasks")
        series = {kind: list(zip(sessions, _series(results, kind), strict=True)) for kind in kinds}
        return {"soak": lines("the daemon while sessions come and go", "sessions ended", series)}


def _series(results: Results, kind: str) -> list[float]:
    return results.values[WHO, READINGS, kind]


def _number(value: float) -> object:
    return int(value) if value == int(value) else value


def _said(growth: Growth) -> str:
    if growth.grew:
        return "**grew**"
    if growth.slope is None:
        return "too few readings"
    return "" if limit_of(growth.kind) else "kept on purpose"
