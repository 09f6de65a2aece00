"""What the kernel tells about a machine that runs short: pressure stall information, memory, load, tasks. Pure.

Sources: Documentation/accounting/psi.rst, proc_pressure(5), proc_meminfo(5), proc_loadavg(5). A file that is missing or
says something else than it should gives None, which means "not known" and never "short".
"""

import re
from dataclasses import dataclass

_AVERAGE = re.compile(r"^(some|full) avg10=(\d{1,3}(?:\.\d+)?) ", re.MULTILINE)
_TASKS = re.compile(r"^(\d+(?:\.\d+)?) \S+ \S+ \d+/(\d+) ")


@dataclass(frozen=True, slots=True)
class Stall:
    """Percent of the last ten seconds in which work waited: some of it while other work went on, or all of it."""

    some: float
    full: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReadings:
    """How a machine, and the control groups around this process, stand. None: not known here."""

    processors: int = 1
    load: float | None = None
    """Tasks that run or want to, averaged over a minute, on the whole machine."""
    cpu_some: float | None = None
    """Percent of the time in which a task waited for a processor, on the whole machine."""
    cpu_full: float | None = None
    """Percent of the time in which nothing in a group of ours ran though it wanted to: its quota is used up."""
    memory_full: float | None = None
    io_full: float | None = None
    memory_total: int | None = None
    memory_available: int | None = None
    """Bytes that could be taken without swapping: of the machine, or of a group of ours if that has less left."""
    tasks_left: int | None = None
    """Processes and threads that could still be made."""


def parse_stall(text: str) -> Stall | None:
    """Read a file of /proc/pressure, or a group's `cpu.pressure` and the like. `full` may be absent: it is 0 then."""
    found = {kind: float(percent) for kind, percent in _AVERAGE.findall(text)}
    return Stall(found["some"], found.get("full", 0.0)) if "some" in found else None


def parse_meminfo(text: str) -> tuple[int, int] | None:
    """Total and available memory in bytes."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        amount = value.split()
        if name in {"MemTotal", "MemAvailable"} and amount and amount[0].isdecimal():
            found[name] = int(amount[0]) * 1024
    return (found["MemTotal"], found["MemAvailable"]) if len(found) == 2 else None


def parse_loadavg(text: str) -> tuple[float, int] | None:
    """The load of the last minute, and how many tasks there are on the whole machine."""
    found = _TASKS.match(text)
    return (float(found[1]), int(found[2])) if found else None


def least(*amounts: int | None) -> int | None:
    """The least of those that are known, not below nothing."""
    known = [amount for amount in amounts if amount is not None]
    return max(0, min(known)) if known else None


def most(*percents: float | None) -> float | None:
    """The most of those that are known."""
    return max((percent for percent in percents if percent is not None), default=None)
