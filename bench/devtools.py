"""The DevTools door and the gateway beside a bare browser, interleaved: round trips, bulk by CDP, bulk by fetch."""

import argparse
import asyncio
import time

from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb
from figures import Samples, machine, table
from raw_chromium import RawChromium

MIB = 1 << 20


async def round_trips(page: CdpPage, count: int, samples: Samples) -> None:
    for _ in range(count):
        begun = time.perf_counter()
        await page.send("Runtime.evaluate", {"expression": "1"})
        samples.add((time.perf_counter() - begun) * 1000)


async def bulk_cdp(page: CdpPage, size: int, samples: Samples) -> None:
    expression = f"'x'.repeat({size})"
    begun = time.perf_counter()
    answer = await page.send("Runtime.evaluate", {"expression": expression, "returnByValue": True}, timeout_s=60)
    assert len(answer["result"]["value"]) == size
    samples.add(size / MIB / (time.perf_counter() - begun))


async def bulk_fetch(page: CdpPage, url: str, size: int, samples: Samples) -> None:
    """The page reads the body piece by piece, so that nothing is measured but the way it came."""
    script = f"""(async () => {{
        const begun = performance.now();
        const reader = (await fetch({url!r}, {{cache: "no-store"}})).body.getReader();
        let size = 0;
        for (;;) {{ const {{done, value}} = await reader.read(); if (done) break; size += value.length; }}
        return [size, performance.now() - begun];
    }})()"""
    parameters = {"expression": script, "awaitPromise": True, "returnByValue": True}
    answer = await page.send("Runtime.evaluate", parameters, timeout_s=120)
    got, took_ms = answer["result"]["value"]
    assert got == size, (got, size)
    samples.add(size / MIB / (took_ms / 1000))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--evaluates", type=int, default=300)
    parser.add_argument("--bulk-mb", type=int, default=20)
    parser.add_argument("--fetch-mb", type=int, default=200)
    options = parser.parse_args()
    print(f"Machine: {machine()}")
    with LocalWeb(LOOPBACK_ONLY) as web:
        private = f"127.0.0.1:{web.http_port}"
        large = f"http://{private}/bytes/{options.fetch_mb * MIB}"
        async with DaemonProcess(log_level="info") as daemon, RawChromium() as bare:
            session = await daemon.create_session(
                egress={"private_hosts": [private], "max_bytes": 1 << 36}, start_url="about:blank"
            )
            clients = {
                "raw": await CdpClient.connect(bare.websocket_url),
                "cloche": await CdpClient.connect(session["connect_url"]),
            }
            pages = {name: await client.new_page(f"http://{private}/link") for name, client in clients.items()}
            kinds = ("Runtime.evaluate round trip, ms", f"{options.bulk_mb} MiB through CDP, MiB/s",
                     f"{options.fetch_mb} MiB by fetch, MiB/s")  # fmt: skip
            found = {kind: {name: Samples() for name in pages} for kind in kinds}
            for number in range(options.rounds):
                names = list(pages) if number % 2 else list(reversed(pages))
                for name in names:
                    await round_trips(pages[name], options.evaluates, found[kinds[0]][name])
                for name in names:
                    await bulk_cdp(pages[name], options.bulk_mb * MIB, found[kinds[1]][name])
                for name in names:
                    await bulk_fetch(pages[name], large, options.fetch_mb * MIB, found[kinds[2]][name])
            for client in clients.values():
                await client.close()
            await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    rows = []
    for kind, sides in found.items():
        a, b = sides["raw"], sides["cloche"]
        rows.append([kind, a.p50, a.p95, b.p50, b.p95, b.p50 / a.p50])
    print(f"\n### The door and the gateway, {options.rounds} rounds\n")
    print(table(["what", "raw p50", "raw p95", "cloche p50", "cloche p95", "ratio p50"], rows))


if __name__ == "__main__":
    asyncio.run(main())
