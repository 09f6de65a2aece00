"""Percentiles, ratios and tables, and what machine they were made on."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

CHROMIUM = "/usr/lib/chromium/chromium-headless-shell"


@dataclass
class Samples:
    """Figures of one kind, in the order they were taken."""

    values: list[float] = field(default_factory=list)
    failures: int = 0

    def add(self, value: float) -> None:
        self.values.append(value)

    def percentile(self, percent: int) -> float:
        if len(self.values) == 1:
            return self.values[0]
        return statistics.quantiles(self.values, n=100, method="inclusive")[percent - 1]

    @property
    def p50(self) -> float:
        return self.percentile(50)

    @property
    def p95(self) -> float:
        return self.percentile(95)

    @property
    def p99(self) -> float:
        return self.percentile(99)


def table(head: Sequence[str], body: Sequence[Sequence[object]]) -> str:
    """Render a Markdown table; floats get two decimals below ten, one below a hundred, none above."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in body]
    return "\n".join(lines)


def machine() -> str:
    """Say in one line what the figures were made on; no names, no paths."""
    known = facts()
    return (
        f"{known['cores']} cores ({known['processor']}), {known['memory']}, {known['kernel']}, Python "
        f"{known['python']}, {known['chromium']}, load at start {known['load']}"
    )


def facts() -> dict[str, str]:
    """What the figures are made on, and with: machine and versions, by name. No names of hosts, no paths."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "cores": str(os.cpu_count()),
        "processor": next((line.split(":")[1].strip() for line in lines if "model name" in line), "?"),
        "memory": f"{memory:.0f} GiB",
        "kernel": f"Linux {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "chromium": _said([CHROMIUM, "--version"]),
        "playwright": metadata.version("playwright"),
        "cloche": _commit(),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def _commit() -> str:
    """The commit that is checked out, and whether more than it is measured."""
    here = str(Path(__file__).parent)
    try:
        commit = _said(["git", "-C", here, "rev-parse", "--short", "HEAD"])
        changed = _said(["git", "-C", here, "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.CalledProcessError):  # no git, or no checkout
        return "?"
    return f"{commit} and changes" if changed else commit


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def cell(value: object) -> str:
    """As `table` shows it."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
