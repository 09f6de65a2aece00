"""Percentiles, ratios and tables, and what machine they were made on."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
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


def table(head: Sequence[str], body: Sequence[Sequence[object]]) -> str:
    """Render a Markdown table; floats get two decimals below ten, one below a hundred, none above."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in body]
    return "\n".join(lines)


def machine() -> str:
    """Say in one line what the figures were made on; no names, no paths."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = subprocess.run([CHROMIUM, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    model = next(
        (x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x), "?"
    )
    kernel = platform.release().split("-")[0]
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {kernel}, Python {platform.python_version()}, "
        f"{version}, load at start {os.getloadavg()[0]:.2f}"
    )


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
