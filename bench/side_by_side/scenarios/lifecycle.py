"""Create, connect, new page + goto, release: BrowserArena's four stages, one at a time and many at once."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from side_by_side.adapters.adapter import Adapter
from side_by_side.plots import Plot, stacked
from side_by_side.results import Results
from side_by_side.rounds import attempt, attempts, in_turn, rested, still_works
from side_by_side.scenarios.scenario import Options
from side_by_side.sessions import ms_since
from side_by_side.tables import latencies, notes

STAGES: Final = ("create", "connect", "page", "release")
LABELS: Final = {
    "create": "create",
    "connect": "connect",
    "page": "new page + goto",
    "release": "release",
    "total": "total",
}
ONE: Final = "1 at a time"


class Lifecycle:
    name = "lifecycle"
    title = "Create, connect, load, release"
    is_about_creating = True

    def add_options(self, parser: Options) -> None:
        parser.add_argument("--rounds", type=int, default=20, help="one session at a time")
        parser.add_argument("--rounds-at-once", type=int, default=6)
        parser.add_argument("--concurrency", type=int, default=10, help="sessions at once in those; 0 for none")

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        return {
            "rounds": chosen.rounds,
            "rounds_at_once": chosen.rounds_at_once,
            "concurrency": chosen.concurrency,
        }

    def at_once(self, chosen: argparse.Namespace) -> int:
        return max(1, int(chosen.concurrency))

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        for adapter in adapters:
            await rested(results, [adapter])
            await attempt(results, adapter, "before the first round", partial(_once, adapter))
        count = results.options["concurrency"]
        for case, rounds, at_once in (
            (ONE, results.options["rounds"], 1),
            (at_once_case(count), results.options["rounds_at_once"], count),
        ):
            for number in range(rounds if at_once else 0):
                for adapter in in_turn(adapters, number):
                    if not still_works(results, adapter, case):
                        continue
                    await rested(results, adapters)
                    for found in await attempts(results, adapter, case, [partial(_once, adapter)] * at_once):
                        _keep(results, adapter, case, found)

    def render(self, results: Results) -> str:
        parts = []
        for case in _cases(results):
            parts.append(f"### {self.title}: {case}\n\nMilliseconds, p50 / p95 / p99.\n")
            parts.append(latencies(results, case, LABELS, of_floor="total"))
        return "\n".join([*parts, notes(results, _cases(results))])

    def draw(self, results: Results) -> dict[str, Plot]:
        return {
            f"lifecycle-{case.split()[0]}": stacked(
                results, case, {stage: LABELS[stage] for stage in STAGES}, "ms, p50"
            )
            for case in _cases(results)
        }


def at_once_case(count: int) -> str:
    return f"{count} at once"


def _cases(results: Results) -> list[str]:
    return [case for case in results.cases() if case.endswith(("at a time", "at once"))]


async def _once(adapter: Adapter) -> dict[str, float | str]:
    """One session's whole life, in ms by stage. What was created is released, whatever fails."""
    begun = time.perf_counter()
    lease = await adapter.create()
    found: dict[str, float | str] = {"create": ms_since(begun), "started": lease.started}
    try:
        at = time.perf_counter()
        client = await adapter.connect(lease)
        found["connect"] = ms_since(at)
        try:
            at = time.perf_counter()
            await client.open_page(adapter.url("/link"))
            found["page"] = ms_since(at)
        finally:
            at = time.perf_counter()
            await client.close()
    except BaseException:
        await adapter.release(lease)
        raise
    await adapter.release(lease)
    found["release"] = ms_since(at)
    found["total"] = ms_since(begun)
    return found


def _keep(results: Results, adapter: Adapter, case: str, found: dict[str, float | str]) -> None:
    for stage in (*STAGES, "total"):
        value = found[stage]
        assert isinstance(value, float)
        results.add(adapter.name, case, stage, value)
    if found["started"]:
        results.add(adapter.name, case, f"started {found['started']}", 1.0, "sessions")
