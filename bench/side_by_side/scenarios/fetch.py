"""A page that fetches a large body: through Cloche's gateway, and with nothing between."""

import argparse
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from side_by_side.adapters.adapter import Adapter
from side_by_side.plots import Plot, bars
from side_by_side.results import Results
from side_by_side.rounds import attempt, in_turn, rested, still_works
from side_by_side.scenarios.scenario import Options
from side_by_side.sessions import Session, one_each
from side_by_side.tables import latencies, notes

MIB: Final = 1 << 20
FETCH: Final = "fetch"
# The body is read piece by piece and dropped, so that nothing is measured but the way it came.
SCRIPT: Final = """(async () => {{
    const begun = performance.now();
    const reader = (await fetch({url!r}, {{cache: "no-store"}})).body.getReader();
    let size = 0;
    for (;;) {{ const {{done, value}} = await reader.read(); if (done) break; size += value.length; }}
    return [size, performance.now() - begun];
}})()"""


class Fetch:
    name = "fetch"
    title = "A page that fetches a large body"
    is_about_creating = False

    def add_options(self, parser: Options) -> None:
        parser.add_argument("--fetch-rounds", type=int, default=8)
        parser.add_argument("--fetch-mb", type=int, default=1024, help="MiB of each")

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        return {"fetch_rounds": chosen.fetch_rounds, "fetch_mb": chosen.fetch_mb}

    def at_once(self, chosen: argparse.Namespace) -> int:
        return 1

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        near = [adapter for adapter in adapters if not adapter.is_remote]
        async with AsyncExitStack() as stack:
            open_ones = await one_each(results, near, stack)
            able = [adapter for adapter in near if adapter.name in open_ones]
            await rested(results, able)
            for number in range(results.options["fetch_rounds"]):
                for adapter in in_turn(able, number):
                    if still_works(results, adapter, FETCH):
                        step = partial(_fetch, results, adapter, open_ones[adapter.name])
                        await attempt(results, adapter, FETCH, step, timeout_s=300)

    def render(self, results: Results) -> str:
        size = results.options["fetch_mb"]
        return "\n".join(
            [
                f"### {self.title}\n\n{size} MiB from the local web, by `fetch`. Seconds, p50 / p95 / p99. Web "
                f"server, gateway and three of Chromium's processes share the cores.\n",
                latencies(results, FETCH, {FETCH: f"{size} MiB"}, of_floor=FETCH),
                notes(results, ["begin", FETCH]),
            ]
        )

    def draw(self, results: Results) -> dict[str, Plot]:
        speeds = {
            name: results.options["fetch_mb"] / found.p50
            for name in results.peers
            if (found := results.samples(name, FETCH, FETCH))
        }
        return {"fetch": bars(results, "MiB/s, from the median", {"MiB/s": speeds})}


async def _fetch(results: Results, adapter: Adapter, found: Session) -> None:
    size = results.options["fetch_mb"] * MIB
    script = SCRIPT.format(url=adapter.url(f"/bytes/{size}"))
    got, took_ms = await found.page.evaluate(script, timeout_s=280)
    if got != size:
        raise RuntimeError(f"{got} of {size} bytes came")
    results.add(adapter.name, FETCH, FETCH, took_ms / 1000, "s")
