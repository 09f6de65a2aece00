"""From a sleeping or hibernated session's URL to the first answer, beside the same session awake. Only where sessions
can sleep."""

import argparse
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from cloche.testing.cdp import CdpClient
from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.plots import Plot, bars
from side_by_side.results import Results
from side_by_side.rounds import attempt, attempts, in_turn, rested
from side_by_side.scenarios.scenario import Options
from side_by_side.sessions import Session, begin, ms_since
from side_by_side.tables import latencies, notes

LABELS: Final = {"connect": "connected", "first answer": "first answer", "page answer": "first answer of the page"}
ASLEEP: Final = "asleep"
AWAKE: Final = "awake"
HIBERNATED: Final = "hibernated"
LAID_DOWN: Final = "hibernate"


class Wake:
    name = "wake"
    title = "From asleep to the first answer"
    is_about_creating = False

    def add_options(self, parser: Options) -> None:
        parser.add_argument("--wakes", type=int, default=40, help="one at a time")
        parser.add_argument("--hibernations", type=int, default=20, help="one at a time")
        parser.add_argument("--storms", type=int, default=5, help="times that many wake at once")
        parser.add_argument("--storm", type=int, default=10, help="sessions that wake at once")

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        names = ("wakes", "hibernations", "storms", "storm")
        return {name: getattr(chosen, name) for name in names}

    def at_once(self, chosen: argparse.Namespace) -> int:
        return max(1, int(chosen.storm))

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        for adapter in adapters:
            if adapter.sleeps:
                async with AsyncExitStack() as stack:
                    leases = await _leases(adapter, results, stack)
                    await rested(results, [adapter])
                    for number in range(results.options["wakes"] if leases else 0):
                        for case in in_turn((ASLEEP, AWAKE), number):
                            await attempt(results, adapter, case, partial(_first, adapter, results, case, leases[0]))
                    for _ in range(results.options["hibernations"] if leases else 0):
                        await attempt(
                            results, adapter, HIBERNATED, partial(_first, adapter, results, HIBERNATED, leases[0])
                        )
                    for _ in range(results.options["storms"]):
                        case = _storm_case(results)
                        steps = [partial(_first, adapter, results, case, lease) for lease in leases]
                        await attempts(results, adapter, case, steps)
                        await rested(results, [adapter])

    def render(self, results: Results) -> str:
        parts = [
            f"### {self.title}\n\nNobody is connected and the session is put to sleep; then its URL is dialled and "
            "`Browser.getVersion` asked, and after that a page for the value of `1`. Milliseconds since the dialling "
            "began, p50 / p95 / p99. `awake` is the same without the sleep.\n"
        ]
        parts += [
            f"{case.capitalize()}:\n\n{latencies(results, case, LABELS, of_floor='first answer')}"
            for case in (ASLEEP, AWAKE, _storm_case(results))
            if case in results.cases()
        ]
        if HIBERNATED in results.cases():
            labels = {LAID_DOWN: "to write it down"} | LABELS
            parts.append(
                "Hibernated: its state sealed on the disk, nothing of it in memory; a new sandbox with its tabs and "
                "what they stored, under the same URL. Writing it down is until the call has answered.\n\n"
                + latencies(results, HIBERNATED, labels, of_floor="first answer")
            )
        return "\n".join([*parts, notes(results, (ASLEEP, AWAKE, HIBERNATED, _storm_case(results)))])

    def draw(self, results: Results) -> dict[str, Plot]:
        groups = {
            case: {
                name: found.p50
                for name in results.peers
                if (found := results.samples(name, case, "first answer")) is not None
            }
            for case in (ASLEEP, AWAKE, _storm_case(results))
            if case in results.cases()
        }
        return {"wake": bars(results, "ms to the first answer, p50", groups)}


def _storm_case(results: Results) -> str:
    return f"asleep, {results.options['storm']} at once"


async def _leases(adapter: Adapter, results: Results, stack: AsyncExitStack) -> list[Lease]:
    """Sessions with a page open and nobody connected."""
    count = max(1, results.options["storm"] if results.options["storms"] else 1)
    found: list[Session] = []
    for _ in range(count):
        begun = await attempt(results, adapter, "begin", partial(begin, adapter))
        if begun is not None:
            found.append(begun)
            stack.push_async_callback(adapter.release, begun.lease)
            await begun.client.close()
    return [each.lease for each in found]


async def _first(adapter: Adapter, results: Results, case: str, lease: Lease) -> None:
    if case == HIBERNATED:
        begun = time.perf_counter()
        await adapter.hibernate(lease)
        results.add(adapter.name, case, LAID_DOWN, ms_since(begun))
    elif case != AWAKE:
        await adapter.sleep(lease)
    begun = time.perf_counter()
    client = await CdpClient.connect(lease.url, timeout_s=60)
    try:
        connected = ms_since(begun)
        await client.send("Browser.getVersion")
        answered = ms_since(begun)
        targets = await client.send("Target.getTargets")
        pages = (each for each in targets["targetInfos"] if each["type"] == "page")
        page = next(each for each in pages if each["url"].startswith("http"))
        await (await client.attach(page["targetId"])).evaluate("1")
        spoke = ms_since(begun)
    finally:
        await client.close()
    for metric, value in (("connect", connected), ("first answer", answered), ("page answer", spoke)):
        results.add(adapter.name, case, metric, value)
