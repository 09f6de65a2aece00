"""Whether creating and ending stay as quick while sessions pile up."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from figures import table
from side_by_side.adapters.adapter import Adapter
from side_by_side.adapters.cloche import ClocheCold
from side_by_side.plots import Plot, lines
from side_by_side.results import Results
from side_by_side.rounds import attempt, rested, still_works
from side_by_side.scenarios.scenario import Options
from side_by_side.sessions import Session, begin, end, ms_since
from side_by_side.tables import failed, notes, rows_of

STEP: Final = 10
LISTS: Final = 5


class Pile:
    name = "pile"
    title = "As sessions pile up"
    is_about_creating = False

    def add_options(self, parser: Options) -> None:
        parser.add_argument("--pile", type=int, default=60, help="sessions")

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        return {"pile": chosen.pile}

    def at_once(self, chosen: argparse.Namespace) -> int:
        return int(chosen.pile)

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        for adapter in adapters:
            if not adapter.is_remote:
                await rested(results, [adapter])
                await _pile_up(adapter, results)

    def render(self, results: Results) -> str:
        head = ["live up to", "", "create, connect and load", "list", "end", "failed"]
        rows = [
            [
                case.split()[-1],
                results.peers[name].title,
                *(_spread(results, name, case, metric) for metric in ("begin", "list", "end")),
                failed(results, name, case),
            ]
            for case in results.cases()
            if case.startswith("up to")
            for name in rows_of(results, case)
        ]
        return (
            f"### {self.title}\n\nOne after the other, each with a page open and its client connected, then ended "
            f"one after the other. Milliseconds, p50 (p95).\n\n{table(head, rows)}\n\n{notes(results, results.cases())}"
        )

    def draw(self, results: Results) -> dict[str, Plot]:
        series = {
            results.peers[name].title: [
                (float(case.split()[-1]), found.p50)
                for case in results.cases()
                if (found := results.samples(name, case, "begin"))
            ]
            for name in results.peers
        }
        return {"pile": lines("create, connect and load, ms, median of ten", "live sessions", series)}


async def _pile_up(adapter: Adapter, results: Results) -> None:
    found: list[Session] = []
    try:
        for level in range(STEP, results.options["pile"] + 1, STEP):
            case = f"up to {level}"
            for _ in range(STEP):
                if still_works(results, adapter, case):
                    begun = await attempt(results, adapter, case, partial(_begin, adapter, results, case))
                    found += [begun] if begun else []
            if isinstance(adapter, ClocheCold):
                for _ in range(LISTS):
                    await attempt(results, adapter, case, partial(_list, adapter, results, case))
    finally:
        while found:
            case = f"up to {-(-len(found) // STEP) * STEP}"
            await attempt(results, adapter, case, partial(_end, adapter, results, case, found.pop()))


async def _begin(adapter: Adapter, results: Results, case: str) -> Session:
    begun = time.perf_counter()
    found = await begin(adapter)
    results.add(adapter.name, case, "begin", ms_since(begun))
    return found


async def _list(adapter: ClocheCold, results: Results, case: str) -> None:
    begun = time.perf_counter()
    await adapter.list()
    results.add(adapter.name, case, "list", ms_since(begun))


async def _end(adapter: Adapter, results: Results, case: str, found: Session) -> None:
    begun = time.perf_counter()
    await end(adapter, found)
    results.add(adapter.name, case, "end", ms_since(begun))


def _spread(results: Results, name: str, case: str, metric: str) -> str:
    samples = results.samples(name, case, metric)
    return f"{samples.p50:.0f} ({samples.p95:.0f})" if samples else "–"
