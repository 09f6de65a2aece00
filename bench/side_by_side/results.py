"""What a run found: every figure as it was taken, what failed, what was left out, on what machine. Kept as JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from figures import Samples

FIGURES: Final = 4
"""Significant ones that are kept of each: a clock's noise needs no more."""
MOST_MESSAGES: Final = 5

Key = tuple[str, str, str]
"""Adapter, case (`1 at a time`, `asleep` …), metric."""


@dataclass(frozen=True, slots=True)
class Peer:
    title: str
    note: str
    version: str = ""
    is_remote: bool = False
    """It ran on another machine, behind a network: it is shown, and held against nobody."""


@dataclass
class Failures:
    """Of one adapter in one case: how many of how many, and what the first of them said."""

    tried: int = 0
    failed: int = 0
    messages: list[str] = field(default_factory=list)


class Results:
    """Of one scenario. `units` are by metric; everything else is added as it comes."""

    def __init__(self, scenario: str, made_on: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self.scenario = scenario
        self.made_on = dict(made_on)
        self.options = dict(options)
        self.peers: dict[str, Peer] = {}
        self.skipped: dict[str, str] = {}
        self.broken: dict[str, str] = {}
        """Adapters that did not start, and why."""
        self.failures: dict[tuple[str, str], Failures] = {}
        self.units: dict[str, str] = {}
        self.values: dict[Key, list[float]] = {}

    def add(self, adapter: str, case: str, metric: str, value: float, unit: str = "ms") -> None:
        self.units[metric] = unit
        self.values.setdefault((adapter, case, metric), []).append(value)

    def tried(self, adapter: str, case: str) -> None:
        self.failures.setdefault((adapter, case), Failures()).tried += 1

    def failed(self, adapter: str, case: str, error: BaseException) -> None:
        """Count one of those tried as failed, and keep what the first of them said."""
        found = self.failures.setdefault((adapter, case), Failures())
        found.failed += 1
        if len(found.messages) < MOST_MESSAGES:
            found.messages.append(told(error))

    def samples(self, adapter: str, case: str, metric: str) -> Samples | None:
        """All values of one kind, in the order they were taken; None when there are none."""
        values = self.values.get((adapter, case, metric))
        return Samples(values) if values else None

    def cases(self) -> list[str]:
        return list(dict.fromkeys(case for _, case, _ in self.values))

    def failures_of(self, adapter: str, case: str) -> Failures:
        return self.failures.get((adapter, case), Failures())

    def to_json(self) -> str:
        """One line for each series, so that two runs can be compared by diff."""
        whole: dict[str, Any] = {
            "scenario": self.scenario,
            "made_on": self.made_on,
            "options": self.options,
            "peers": {name: asdict(peer) for name, peer in self.peers.items()},
            "skipped": self.skipped,
            "broken": self.broken,
            "units": self.units,
        }
        lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in whole.items()]
        failures = [[*key, asdict(found)] for key, found in self.failures.items()]
        series = [[*key, [_short(value) for value in values]] for key, values in self.values.items()]
        lines += [_listed("failures", failures), _listed("series", series)]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> "Results":
        whole = json.loads(text)
        results = cls(whole["scenario"], whole["made_on"], whole["options"])
        results.peers = {name: Peer(**peer) for name, peer in whole["peers"].items()}
        results.skipped, results.broken, results.units = whole["skipped"], whole["broken"], whole["units"]
        for adapter, case, found in whole["failures"]:
            results.failures[adapter, case] = Failures(**found)
        for adapter, case, metric, values in whole["series"]:
            results.values[adapter, case, metric] = values
        return results


def told(error: BaseException) -> str:
    """An error in one line that may be published: without paths, and without keys and tokens."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    line = re.sub(r"(?<![:/\w])(/[\w.@+-]+){2,}", "…", line)
    return re.sub(r"(ck_|token=|[Bb]earer )[\w.~+/=-]+", r"\1…", line)[:200]


def load(directory: Path) -> dict[str, Results]:
    """Every scenario that has been kept there, by its name."""
    found = {}
    for path in sorted(directory.glob("*.json")):
        results = Results.from_json(path.read_text())
        found[results.scenario] = results
    return found


def _short(value: float) -> float:
    """Counts are kept whole."""
    if value == int(value):
        return int(value)
    return float(f"{value:.{FIGURES}g}")


def _listed(name: str, rows: list[list[Any]]) -> str:
    if not rows:
        return f"  {json.dumps(name)}: []"
    body = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in rows)
    return f"  {json.dumps(name)}: [\n{body}\n  ]"
