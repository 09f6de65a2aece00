"""Create and release, over and over, without a client: how fast, and whether the last are like the first."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from figures import Samples, table
from processes import memory
from side_by_side.adapters.adapter import Adapter
from side_by_side.plots import Plot, lines
from side_by_side.results import Results
from side_by_side.rounds import attempt, in_turn, rested, still_works
from side_by_side.scenarios.scenario import Options
from side_by_side.sessions import ms_since
from side_by_side.tables import latencies, notes, rows_of

CYCLES: Final = "create/close cycles"
SERVER: Final = "between blocks"
BLOCK: Final = 10


class Cycles:
    name = "cycles"
    title = "Create and release, over and over"
    is_about_creating = True

    def add_options(self, parser: Options) -> None:
        parser.add_argument("--cycles", type=int, default=100, help="sessions of each")

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        return {"cycles": chosen.cycles}

    def at_once(self, chosen: argparse.Namespace) -> int:
        return BLOCK

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        able = [adapter for adapter in adapters if not adapter.is_remote]
        for number in range(-(-results.options["cycles"] // BLOCK)):
            for adapter in in_turn(able, number):
                if not still_works(results, adapter, CYCLES):
                    continue
                await rested(results, [adapter])
                for _ in range(min(BLOCK, results.options["cycles"] - number * BLOCK)):
                    await attempt(results, adapter, CYCLES, partial(_cycle, adapter, results))
                await rested(results, [adapter])
                pids = adapter.processes()
                results.add(adapter.name, SERVER, "memory", memory(pids).pss_mb, "MiB")
                results.add(adapter.name, SERVER, "processes", len(pids), "processes")

    def render(self, results: Results) -> str:
        head = ["between blocks", "memory after the first, MiB", "after the last", "processes", "after the last"]
        rows = []
        for name in rows_of(results, SERVER):
            held, count = results.samples(name, SERVER, "memory"), results.samples(name, SERVER, "processes")
            assert held is not None
            assert count is not None
            ends = [held.values[0], held.values[-1], f"{count.values[0]:.0f}", f"{count.values[-1]:.0f}"]
            rows.append([results.peers[name].title, *ends])
        return "\n".join(
            [
                f"### {self.title}\n\nIn blocks of {BLOCK}, one after the other. Milliseconds, p50 / p95 / p99. "
                f"Where connecting starts the browser a cycle is a connection.\n",
                latencies(
                    results, CYCLES, {"create": "create", "release": "release", "cycle": "cycle"}, of_floor="cycle"
                ),
                table(head, rows) + "\n",
                notes(results, [CYCLES]),
            ]
        )

    def draw(self, results: Results) -> dict[str, Plot]:
        series = {
            results.peers[name].title: [
                (number * BLOCK, Samples(found.values[number * BLOCK : (number + 1) * BLOCK]).p50)
                for number in range(-(-len(found.values) // BLOCK))
            ]
            for name in rows_of(results, CYCLES)
            if (found := results.samples(name, CYCLES, "cycle"))
        }
        return {"cycles": lines("a cycle, ms, median of ten", "cycles so far", series)}


async def _cycle(adapter: Adapter, results: Results) -> None:
    begun = time.perf_counter()
    lease = await adapter.create()
    try:
        client = None if adapter.creates else await adapter.connect(lease)
        created = ms_since(begun)
        if client is not None:
            await client.close()
    finally:
        at = time.perf_counter()
        await adapter.release(lease)
    results.add(adapter.name, CYCLES, "create", created)
    results.add(adapter.name, CYCLES, "release", ms_since(at))
    results.add(adapter.name, CYCLES, "cycle", ms_since(begun))
