"""Create, connect, new page + goto, release: Cloche beside a bare launch, interleaved, at concurrency 1 and 10.

Also: memory of an idle session, and whether create, list and delete stay flat as sessions pile up.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb
from figures import Samples, machine, table
from memory import pss_mb, tree
from raw_chromium import RawChromium

SETTLE_S = 1.0
"""Between runs: what one side leaves the kernel to clean up must not slow the other down."""
STAGES = ("create", "connect", "page", "release", "connect+page")
Run = Callable[[dict[str, Samples]], Awaitable[None]]


async def drive(url: str, page_url: str, samples: dict[str, Samples]) -> None:
    begun = time.perf_counter()
    client = await CdpClient.connect(url)
    connected = time.perf_counter()
    page = await client.new_page()
    await page.goto(page_url)
    loaded = time.perf_counter()
    await client.close()
    samples["connect"].add((connected - begun) * 1000)
    samples["page"].add((loaded - connected) * 1000)
    samples["connect+page"].add((loaded - begun) * 1000)


async def run_raw(page_url: str, samples: dict[str, Samples]) -> None:
    begun = time.perf_counter()
    async with RawChromium() as browser:
        samples["create"].add((time.perf_counter() - begun) * 1000)
        await drive(browser.websocket_url, page_url, samples)
        begun = time.perf_counter()
    samples["release"].add((time.perf_counter() - begun) * 1000)


async def run_cloche(daemon: DaemonProcess, private: str, page_url: str, samples: dict[str, Samples]) -> None:
    begun = time.perf_counter()
    session = await daemon.create_session(egress={"private_hosts": [private]}, start_url="about:blank")
    samples["create"].add((time.perf_counter() - begun) * 1000)
    try:
        await drive(session["connect_url"], page_url, samples)
    finally:
        begun = time.perf_counter()
        await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
        samples["release"].add((time.perf_counter() - begun) * 1000)


async def compare(rounds: int, concurrency: int, raw: Run, cloche: Run) -> None:
    sides = {"raw": fresh(), "cloche": fresh()}
    for number in range(rounds):
        order = [("raw", raw), ("cloche", cloche)]
        for name, run in order if number % 2 else reversed(order):
            await asyncio.sleep(SETTLE_S)
            results = await asyncio.gather(*(run(sides[name]) for _ in range(concurrency)), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    sides[name]["create"].failures += 1
                    print(f"{name} failed: {result!r}"[:400], file=sys.stderr)
    rows = []
    for stage in STAGES:
        a, b = sides["raw"][stage], sides["cloche"][stage]
        rows.append([stage, a.p50, a.p95, b.p50, b.p95, b.p50 / a.p50, b.p50 - a.p50])
    print(f"\n### Concurrency {concurrency}, {rounds} rounds, ms\n")
    print(table(["stage", "raw p50", "raw p95", "cloche p50", "cloche p95", "ratio p50", "difference p50"], rows))
    print(f"\nfailures: raw {sides['raw']['create'].failures}, cloche {sides['cloche']['create'].failures}")


def fresh() -> dict[str, Samples]:
    return {stage: Samples() for stage in STAGES}


async def memory(daemon: DaemonProcess, count: int) -> None:
    """Idle memory: `count` bare shells against `count` sessions with the daemon's whole share, not at once."""
    async with AsyncExitStack() as stack:
        bare = [await stack.enter_async_context(RawChromium()) for _ in range(count)]
        await asyncio.sleep(5)
        pids = set[int]().union(*(tree(browser.process.pid) for browser in bare if browser.process))
        raw_mb = pss_mb(pids) / count
    sessions = [await daemon.create_session(start_url="about:blank") for _ in range(count)]
    await asyncio.sleep(5)
    sandboxes = pss_mb(set(processes_of(daemon.directory)) - {daemon.pid}) / count
    share = pss_mb({daemon.pid}) / count
    for session in sessions:
        await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    print(f"\n### Idle memory, {count} at once, MiB PSS each\n")
    head = ["bare shell", "sandbox with agent", "daemon's share", "session in all", "difference"]
    print(table(head, [[raw_mb, sandboxes, share, sandboxes + share, sandboxes + share - raw_mb]]))


async def pile_up(daemon: DaemonProcess, count: int) -> None:
    """Create up to `count` sessions one after the other; time create, list and delete at each level."""
    levels: list[tuple[int, Samples, Samples, Samples]] = []
    sessions: list[str] = []
    for upto in range(10, count + 1, 10):
        create, listing = Samples(), Samples()
        while len(sessions) < upto:
            begun = time.perf_counter()
            sessions.append((await daemon.create_session(start_url="about:blank"))["id"])
            create.add((time.perf_counter() - begun) * 1000)
        for _ in range(5):
            begun = time.perf_counter()
            await daemon.request("GET", "/v1/sessions?limit=200")
            listing.add((time.perf_counter() - begun) * 1000)
        levels.append((upto, create, listing, Samples()))
    for upto, _, _, delete in reversed(levels):
        while len(sessions) > upto - 10:
            begun = time.perf_counter()
            await daemon.request("DELETE", f"/v1/sessions/{sessions.pop()}")
            delete.add((time.perf_counter() - begun) * 1000)
    print("\n### With sessions piling up, ms p50 (p95)\n")
    rows = [[n, *(f"{s.p50:.0f} ({s.p95:.0f})" for s in (c, ls, d))] for n, c, ls, d in levels]
    print(table(["live up to", "create", "list", "delete"], rows))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rounds-10", type=int, default=6)
    parser.add_argument("--idle", type=int, default=10)
    parser.add_argument("--pile", type=int, default=60)
    options = parser.parse_args()
    # Requests go through threads, and asyncio's own six would let only six creates begin at once.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
    print(f"Machine: {machine()}")
    with LocalWeb(LOOPBACK_ONLY) as web:
        private = f"127.0.0.1:{web.http_port}"
        page_url = f"http://{private}/link"
        async with DaemonProcess(max_sessions=100, max_sessions_per_principal=100, log_level="info") as daemon:

            def raw(samples: dict[str, Samples]) -> Awaitable[None]:
                return run_raw(page_url, samples)

            def cloche(samples: dict[str, Samples]) -> Awaitable[None]:
                return run_cloche(daemon, private, page_url, samples)

            await raw(fresh())
            await cloche(fresh())
            await compare(options.rounds, 1, raw, cloche)
            await compare(options.rounds_10, 10, raw, cloche)
            if options.idle:
                await memory(daemon, options.idle)
            if options.pile:
                await pile_up(daemon, options.pile)


if __name__ == "__main__":
    asyncio.run(main())
