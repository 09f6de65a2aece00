"""Tables of a report: every adapter a row, losses in the same table as wins."""

from collections.abc import Iterable, Mapping, Sequence

from figures import Samples, cell, table
from side_by_side.results import Results
from side_by_side.targets import verdicts

FLOOR = "raw"
LEVEL = 0.05
"""Two medians nearer than this are told as the same."""


def latencies(results: Results, case: str, labels: Mapping[str, str], *, of_floor: str) -> str:
    """A row for each adapter, a column for each metric; then `of_floor` against the floor, and who is quicker."""
    names = rows_of(results, case)
    rows = []
    for name in names:
        found = {metric: results.samples(name, case, metric) for metric in labels}
        main = found[of_floor]
        spreads = [spread(found[metric]) for metric in labels]
        count = len(main.values) if main else 0
        against = [against_floor(results, name, case, of_floor)] if FLOOR in names else []
        slower = slower_than(results, name, case, of_floor)
        rows.append([results.peers[name].title, *spreads, count, failed(results, name, case), *against, slower])
    floor = [f"{labels[of_floor]} × raw"] if FLOOR in names else []
    return judged_table(results, case, names, ["", *labels.values(), "n", "failed", *floor, "slower than"], rows)


def judged_table(
    results: Results, case: str, names: Sequence[str], head: Sequence[str], rows: Sequence[list[object]]
) -> str:
    """The rows, one for each of the names, with their aims behind them where the case has any."""
    judged = [verdicts(results, name, case) for name in names]
    if any(aim for aim, _ in judged):
        head = [*head, "aim", ""]
        rows = [[*row, *verdict] for row, verdict in zip(rows, judged, strict=True)]
    return table(head, rows) + "\n"


def rows_of(results: Results, case: str) -> list[str]:
    """Adapters that were tried in a case, in their order; those that only failed too."""
    tried = {name for name, each in results.failures if each == case}
    return [name for name in results.peers if name in tried or any(key[:2] == (name, case) for key in results.values)]


def spread(samples: Samples | None) -> str:
    return " / ".join(cell(value) for value in (samples.p50, samples.p95, samples.p99)) if samples else "–"


def failed(results: Results, name: str, case: str) -> str:
    found = results.failures_of(name, case)
    return f"**{found.failed} of {found.tried}**" if found.failed else "0"


def against_floor(results: Results, name: str, case: str, metric: str) -> str:
    ours, floor = results.samples(name, case, metric), results.samples(FLOOR, case, metric)
    if name == FLOOR or results.peers[name].is_remote or not ours or not floor or not floor.p50:
        return ""
    return f"{ours.p50 / floor.p50:.2f}"


def slower_than(results: Results, name: str, case: str, metric: str) -> str:
    """Every other whose median is less. Not for remote ones, and not against them: they run on another machine."""
    ours = results.samples(name, case, metric)
    if ours is None or results.peers[name].is_remote:
        return ""
    return ", ".join(
        results.peers[other].title
        for other in rows_of(results, case)
        if other != name
        and not results.peers[other].is_remote
        and (theirs := results.samples(other, case, metric)) is not None
        and theirs.p50 < ours.p50 * (1 - LEVEL)
    )


def notes(results: Results, cases: Iterable[str]) -> str:
    """What a table's figures hide: how sessions came to be, and what failures said."""
    lines = []
    for case in cases:
        for name in rows_of(results, case):
            title = results.peers[name].title
            how = [
                f"{len(values)} {metric.removeprefix('started ')}"
                for (adapter, where, metric), values in results.values.items()
                if (adapter, where) == (name, case) and metric.startswith("started ")
            ]
            if how:
                lines.append(f"- {title}, {case}: sessions came to be as {', '.join(how)}.")
            failures = results.failures_of(name, case).messages
            lines += [f"- {title}, {case}, failed: `{message.replace('`', '')}`" for message in failures]
    return "\n".join(lines) + "\n" if lines else ""
