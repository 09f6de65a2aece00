"""Many sessions that do nothing: the memory of everything that belongs to them, and their processor time."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from processes import available_mb, cpu_between, cpu_s, memory
from side_by_side.adapters.adapter import Adapter
from side_by_side.plots import Plot, bars
from side_by_side.results import Results
from side_by_side.rounds import attempt, attempts, rested, still_works
from side_by_side.scenarios.scenario import Options
from side_by_side.sessions import Session, begin
from side_by_side.tables import failed, judged_table, notes, rows_of

KEEP_MB: Final = 2048
"""A machine with less than this is full: the next session would be measured while others are being swapped or "
"killed."""
AT_A_TIME: Final = 4
HEAD: Final = (
    *("", "sessions", "memory, MiB", "each, MiB", "server alone, MiB", "CPU, % of a core"),
    *("failed", "more memory than"),
)
AWAKE: Final = "awake"
ASLEEP: Final = "asleep"


class Density:
    name = "density"
    title = "Many idle sessions"
    is_about_creating = False

    def add_options(self, parser: Options) -> None:
        parser.add_argument("--idle", type=int, default=20, help="sessions")
        parser.add_argument("--idle-seconds", type=int, default=20, help="over which processor time is taken")

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        return {"idle": chosen.idle, "idle_seconds": chosen.idle_seconds}

    def at_once(self, chosen: argparse.Namespace) -> int:
        return int(chosen.idle)

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        for adapter in adapters:
            if not adapter.is_remote:
                await rested(results, [adapter])
                await _fill(adapter, results)

    def render(self, results: Results) -> str:
        asked = results.options["idle"]
        parts = [
            f"### {self.title}\n\nEach with a page open, {asked} asked for; memory as PSS of server, sandboxes "
            f"and browsers together. Awake: a client is connected and does nothing. Asleep: no client, and put to "
            f"sleep.\n"
        ]
        for case in (AWAKE, ASLEEP):
            if names := rows_of(results, case):
                rows = [_row(results, name, case) for name in names]
                parts += [f"{case.capitalize()}:\n", judged_table(results, case, names, HEAD, rows)]
        return "\n".join([*parts, notes(results, (AWAKE, ASLEEP))])

    def draw(self, results: Results) -> dict[str, Plot]:
        groups = {
            case: {name: _each(results, name, case) for name in results.peers}
            for case in (AWAKE, ASLEEP)
            if rows_of(results, case)
        }
        return {"density": bars(results, "MiB for each idle session, the server's share included", groups)}


async def _fill(adapter: Adapter, results: Results) -> None:
    """Open as many as were asked for or as fit, measure, and end them."""
    _measure_memory(adapter, results, "empty")
    found: list[Session] = []
    try:
        while len(found) < results.options["idle"] and still_works(results, adapter, AWAKE):
            if available_mb() < KEEP_MB:
                print(f"{adapter.name}: the machine is full at {len(found)} sessions", file=sys.stderr)
                break
            count = min(AT_A_TIME, results.options["idle"] - len(found))
            begun = await attempts(results, adapter, AWAKE, [partial(begin, adapter)] * count)
            found += begun
            if len(begun) < count and results.failures_of(adapter.name, AWAKE).failed > results.options["idle"]:
                break
        if not found:
            return
        await rested(results, [adapter], 3.0)
        await _measure(adapter, results, AWAKE, len(found))
        for each in found:
            await each.client.close()
        if adapter.sleeps:
            slept = await attempts(results, adapter, ASLEEP, [partial(_sleep, adapter, each) for each in found])
            await rested(results, [adapter], 3.0)
            await _measure(adapter, results, ASLEEP, len(slept))
    finally:
        for each in found:
            await attempt(results, adapter, "release", partial(_end, adapter, each))


async def _sleep(adapter: Adapter, found: Session) -> bool:
    await adapter.sleep(found.lease)
    return True


async def _end(adapter: Adapter, found: Session) -> None:
    await found.client.close()
    await adapter.release(found.lease)


def _measure_memory(adapter: Adapter, results: Results, case: str) -> set[int]:
    pids = adapter.processes()
    taken = memory(pids)
    results.add(adapter.name, case, "memory", taken.pss_mb, "MiB")
    if taken.unreadable:
        results.tried(adapter.name, case)
        results.failed(adapter.name, case, RuntimeError(f"{taken.unreadable} processes hide their memory: run as root"))
    return pids


async def _measure(adapter: Adapter, results: Results, case: str, count: int) -> None:
    """Processor time first: reading what everyone has in memory costs the machine more than all that sleeps."""
    results.add(adapter.name, case, "sessions", count, "sessions")
    pids = adapter.processes()
    before, began = cpu_s(pids), time.monotonic()
    await asyncio.sleep(results.options["idle_seconds"])
    taken, after = time.monotonic() - began, cpu_s(adapter.processes())
    results.add(adapter.name, case, "cpu", cpu_between(before, after) / taken * 100, "% of a core")
    _measure_memory(adapter, results, case)


def _row(results: Results, name: str, case: str) -> list[object]:
    sessions, whole, cpu = (_one(results, name, case, metric) for metric in ("sessions", "memory", "cpu"))
    return [
        results.peers[name].title,
        f"{sessions:.0f}" if sessions else "0",
        "–" if whole is None else whole,
        _each(results, name, case) or "–",
        _one(results, name, "empty", "memory") or "–",
        "–" if cpu is None else cpu,
        failed(results, name, case),
        _more_than(results, name, case),
    ]


def _one(results: Results, name: str, case: str, metric: str) -> float | None:
    found = results.samples(name, case, metric)
    return found.values[-1] if found else None


def _each(results: Results, name: str, case: str) -> float | None:
    whole, count = _one(results, name, case, "memory"), _one(results, name, case, "sessions")
    return whole / count if whole is not None and count else None


def _more_than(results: Results, name: str, case: str) -> str:
    ours = _each(results, name, case)
    return ", ".join(
        results.peers[other].title
        for other in rows_of(results, case)
        if other != name and ours is not None and (theirs := _each(results, other, case)) is not None and theirs < ours
    )
