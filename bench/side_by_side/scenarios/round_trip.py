"""What stands between a client and its browser: one small question after the other, and one large answer."""

import argparse
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from side_by_side.adapters.adapter import Adapter
from side_by_side.clients import Page
from side_by_side.plots import Plot, percentiles
from side_by_side.results import Results
from side_by_side.rounds import attempt, in_turn, rested, still_works
from side_by_side.scenarios.scenario import Options
from side_by_side.sessions import ms_since, one_each
from side_by_side.tables import latencies, notes

MIB: Final = 1 << 20
SMALL: Final = "round trip"
LARGE: Final = "large answer"


class RoundTrip:
    name = "round-trip"
    title = "DevTools round trips"
    is_about_creating = False

    def add_options(self, parser: Options) -> None:
        parser.add_argument("--trip-rounds", type=int, default=12)
        parser.add_argument("--trips", type=int, default=100, help="round trips in each of those")
        parser.add_argument("--bulk-mb", type=int, default=20, help="MiB of the large answer; 0 for none")

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        return {"trip_rounds": chosen.trip_rounds, "trips": chosen.trips, "bulk_mb": chosen.bulk_mb}

    def at_once(self, chosen: argparse.Namespace) -> int:
        return 1

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        async with AsyncExitStack() as stack:
            open_ones = await one_each(results, adapters, stack)
            able = [adapter for adapter in adapters if adapter.name in open_ones]
            await rested(results, able)
            for number in range(results.options["trip_rounds"]):
                for adapter in in_turn(able, number):
                    page = open_ones[adapter.name].page
                    if still_works(results, adapter, SMALL):
                        await attempt(results, adapter, SMALL, partial(_trips, results, adapter, page))
                for adapter in in_turn(able, number) if results.options["bulk_mb"] else []:
                    page = open_ones[adapter.name].page
                    if still_works(results, adapter, LARGE):
                        await attempt(results, adapter, LARGE, partial(_bulk, results, adapter, page))

    def render(self, results: Results) -> str:
        parts = [
            f"### {self.title}\n\nA page is asked for the value of `1`, {results.options['trips']} times a round. "
            "Milliseconds, p50 / p95 / p99.\n",
            latencies(results, SMALL, {SMALL: "Runtime.evaluate"}, of_floor=SMALL),
        ]
        if LARGE in results.cases():
            size = results.options["bulk_mb"]
            parts += [
                f"\nOne answer of {size} MiB. Seconds, p50 / p95 / p99.\n",
                latencies(results, LARGE, {LARGE: f"{size} MiB"}, of_floor=LARGE),
            ]
        return "\n".join([*parts, notes(results, ["begin", SMALL, LARGE])])

    def draw(self, results: Results) -> dict[str, Plot]:
        return {"round-trip": percentiles(results, SMALL, SMALL, "ms")}


async def _trips(results: Results, adapter: Adapter, page: Page) -> None:
    for _ in range(results.options["trips"]):
        begun = time.perf_counter()
        await page.evaluate("1")
        results.add(adapter.name, SMALL, SMALL, ms_since(begun))


async def _bulk(results: Results, adapter: Adapter, page: Page) -> None:
    size = results.options["bulk_mb"] * MIB
    begun = time.perf_counter()
    answer = await page.evaluate(f"'x'.repeat({size})", timeout_s=60)
    if len(answer) != size:
        raise RuntimeError(f"{len(answer)} of {size} came")
    results.add(adapter.name, LARGE, LARGE, ms_since(begun) / 1000, "s")
