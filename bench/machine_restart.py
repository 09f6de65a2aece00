"""The browser closed and started again: through the API, and the same Chromium outside by a client that does both."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from cloche.browser.launch import LaunchOptions, browser_args
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from figures import CHROMIUM, Samples, table
from machine_session import Machine
from raw_chromium import RawChromium

ENGINES = {"shell": CHROMIUM, "chrome": "/usr/lib/chromium/chromium"}
NOT_OUTSIDE = ("--user-data-dir=", "--remote-debugging-port=", "--proxy-")
END_S = 10.0


class Restarted(RawChromium):
    """A bare browser that can be closed as the agent closes one, and started over the same profile."""

    async def restart(self) -> tuple[float, float]:
        """Return the milliseconds until it had ended, and from there until DevTools answered."""
        assert self.process is not None
        begun = time.perf_counter()
        client = await CdpClient.connect(self.websocket_url)
        await client.send("Browser.close")
        await asyncio.to_thread(self.process.wait, END_S)
        ended = time.perf_counter()
        await client.close()
        await self.launch()
        return (ended - begun) * 1000, (time.perf_counter() - ended) * 1000


def compare(daemon: DaemonProcess, rounds: int) -> None:
    for engine, executable in ENGINES.items():
        if Path(executable).exists():
            asyncio.run(one_engine(daemon, engine, executable, rounds))


async def one_engine(daemon: DaemonProcess, engine: str, executable: str, rounds: int) -> None:
    options = LaunchOptions(full_chrome=engine == "chrome", start_url="about:blank")
    args = [arg for arg in browser_args(options) if not arg.startswith(NOT_OUTSIDE)]
    found = {(way, part): Samples() for way in ("raw", "API") for part in ("stop", "start", "total")}
    round_trip = Samples()
    machine = await asyncio.to_thread(lambda: Machine(daemon, engine=engine, start_url="about:blank"))
    try:
        async with Restarted(*args, executable=executable) as raw:
            for number in range(rounds + 1):
                for way in ("raw", "API") if number % 2 else ("API", "raw"):
                    await asyncio.sleep(0.5)
                    if way == "raw":
                        stop, start = await raw.restart()
                        parts = {"stop": stop, "start": start, "total": stop + start}
                    else:
                        took, parts = await asyncio.to_thread(timed, lambda: by_api(machine))
                        if number:
                            round_trip.add(took)
                    if number:  # the first one loads what is loaded once
                        for part, value in parts.items():
                            found[way, part].add(value)
    finally:
        await asyncio.to_thread(machine.__exit__)
    raw_total = found["raw", "total"]
    pairs = {part: (found["raw", part], found["API", part]) for part in ("stop", "start", "total")}
    pairs["until the client's answer"] = (raw_total, round_trip)
    rows = [[name, a.p50, a.p95, b.p50, b.p95, b.p50 / a.p50, b.p50 - a.p50] for name, (a, b) in pairs.items()]
    print(f"\n### Browser restart, engine `{engine}`, {rounds} rounds, ms (aim: at most 100 more in all)\n")
    print(table(["", "raw p50", "raw p95", "API p50", "API p95", "ratio p50", "difference p50"], rows))


def by_api(machine: Machine) -> dict[str, float]:
    answer = machine.ask("POST", "/browser/restart", {})
    return {part: float(answer[f"{part}_ms"]) for part in ("stop", "start", "total")}


def timed(work: Callable[[], dict[str, float]]) -> tuple[float, dict[str, float]]:
    begun = time.perf_counter()
    parts = work()
    return (time.perf_counter() - begun) * 1000, parts
