"""The live view: pictures a second and their age by each transport, hands, first pictures, and what it all costs.

Viewer, daemon and session share this machine. Frames are counted and dated by a clock that the watched page draws, read
from the pixels that the viewer shows. Beside it stands a viewer that polls `Page.captureScreenshot`. `--only` picks
parts.
"""

import argparse
import asyncio
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from cloche.testing.daemon import DaemonProcess
from cloche.testing.daemon_facts import descriptors_of, resident_bytes
from figures import Samples, machine, table
from live_cpu import cpu_by_part, encoder_pids
from live_crowd import crowd
from live_page import BOX, Pages
from live_polling import polled
from live_viewer import Watched, viewing, viewing_browser

PARTS: Final = ("transports", "scrolling", "click", "first", "static", "bitrate", "viewers", "growth")
WAYS: Final = (("webrtc", "h264"), ("webrtc", "vp8"), ("webcodecs", "h264"), ("webcodecs", "vp8"), ("jpeg", "jpeg"))
VIEWPORT: Final = {"width": 1280, "height": 720, "device_scale_factor": 1.0}
TARGET_BITS: Final = 3_000_000


CPU: Final = ("daemon", "encoder", "session", "viewer")


@dataclass(frozen=True, slots=True)
class Round:
    """One way, watched for some seconds."""

    seen: Watched
    cpu: dict[str, float]
    said: str


class Bench:
    def __init__(self, browser: Browser, pages: Pages, options: argparse.Namespace) -> None:
        self.browser = browser
        self.pages = pages
        self.options = options

    async def daemon(self, codec: str) -> DaemonProcess:
        """One that offers this codec first, listening."""
        codecs = f"{codec},{'vp8' if codec == 'h264' else 'h264'}" if codec != "jpeg" else "h264,vp8"
        daemon = DaemonProcess(live_codecs=codecs, live_bitrate=TARGET_BITS, log_level="info")
        await daemon.start()
        return daemon

    async def session(self, daemon: DaemonProcess, path: str) -> dict[str, str]:
        return await daemon.create_session(
            start_url=self.pages.url(path),
            viewport=VIEWPORT,
            egress={"private_hosts": [self.pages.address]},
            idle_timeout_s=3600,
        )

    async def transports(self) -> None:
        await self._in_motion("/moving", "An animation, 1280×720")

    async def scrolling(self) -> None:
        await self._in_motion("/scrolling", "A page of text that scrolls as a whole, 1280×720")

    async def _in_motion(self, path: str, title: str) -> None:
        """Every way in turn, and so again: a machine that others share is fast and slow by the minute."""
        rounds: dict[str, list[Round]] = {}
        for _ in range(self.options.rounds):
            for transport, codec in WAYS:
                rounds.setdefault(f"{transport} {codec}", []).append(await self._round(path, transport, codec))
            async with polled(self.browser, self.pages, path) as viewer:
                await viewer.first_picture_ms()
                seen = await viewer.watch(self.options.seconds)
                rounds.setdefault("polled captureScreenshot", []).append(Round(seen, {}, ""))
        head = ["", "fps p50", "least", "most", "age p50 ms", "p95 ms", *(f"{part} %" for part in CPU), "said"]
        print(f"\n## {title}\n\n" + table(head, [[way, *_summary(of_way)] for way, of_way in rounds.items()]))

    async def _round(self, path: str, transport: str, codec: str) -> "Round":
        daemon = await self.daemon(codec)
        try:
            session = await self.session(daemon, path)
            async with viewing(self.browser, f"{session['live_url']}&transport={transport}") as viewer:
                await viewer.first_picture_ms()
                await viewer.watch(self.options.warm_s)
                before, began = cpu_by_part(daemon.pid, os.getpid()), time.monotonic()
                seen = await viewer.watch(self.options.seconds)
                took, after = time.monotonic() - began, cpu_by_part(daemon.pid, os.getpid())
                cpu = {part: (after[part] - before.get(part, 0)) / took * 100 for part in after}
                return Round(seen, cpu, await viewer.transport())
        finally:
            await daemon.close()

    async def click(self) -> None:
        rows: list[list[object]] = []
        for transport, codec in WAYS:
            daemon = await self.daemon(codec)
            try:
                session = await self.session(daemon, "/still")
                async with viewing(self.browser, f"{session['live_url']}&transport={transport}") as viewer:
                    await viewer.first_picture_ms()
                    samples = Samples()
                    for _ in range(self.options.clicks):
                        took = await viewer.click_ms(*BOX)
                        if took is None:
                            samples.failures += 1
                        else:
                            samples.add(took)
                        await asyncio.sleep(0.3)
                    rows.append([f"{transport} {codec}", samples.p50, samples.p95, samples.failures])
            finally:
                await daemon.close()
        print("\n## From a click to the changed pixel\n\n" + table(["", "p50 ms", "p95 ms", "lost"], rows))

    async def first(self) -> None:
        rows: list[list[object]] = []
        for transport, codec in WAYS:
            daemon = await self.daemon(codec)
            try:
                session = await self.session(daemon, "/still")
                samples = Samples()
                for _ in range(self.options.opens):
                    async with viewing(self.browser, f"{session['live_url']}&transport={transport}") as viewer:
                        samples.add(await viewer.first_picture_ms())
                rows.append([f"{transport} {codec}", samples.p50, samples.p95])
            finally:
                await daemon.close()
        print("\n## From opening the page to its first picture\n\n" + table(["", "p50 ms", "p95 ms"], rows))

    async def static(self) -> None:
        rows: list[list[object]] = []
        for transport, codec in WAYS:
            daemon = await self.daemon(codec)
            try:
                session = await self.session(daemon, "/still")
                async with viewing(self.browser, f"{session['live_url']}&transport={transport}") as viewer:
                    await viewer.first_picture_ms()
                    await asyncio.sleep(5)
                    sent = await _sent_bytes(daemon)
                    before, began = cpu_by_part(daemon.pid, os.getpid()), time.monotonic()
                    await asyncio.sleep(self.options.seconds)
                    took, after = time.monotonic() - began, cpu_by_part(daemon.pid, os.getpid())
                    cpu = {part: (after[part] - before.get(part, 0)) / took * 100 for part in after}
                    kbits = (await _sent_bytes(daemon) - sent) * 8 / took / 1000
                    rows.append([f"{transport} {codec}", kbits, *_cpu(cpu)])
            finally:
                await daemon.close()
        head = ["", "kbit/s", "daemon %", "encoder %", "session %", "viewer %"]
        print("\n## A page that stands still\n\n" + table(head, rows))

    async def bitrate(self) -> None:
        rows: list[list[object]] = []
        for codec in ("h264", "vp8"):
            daemon = await self.daemon(codec)
            try:
                session = await self.session(daemon, "/moving")
                async with crowd(daemon, session["id"], 1, "webcodecs", [codec]) as viewers:
                    await asyncio.sleep(3)
                    before, began = viewers.received_bytes, time.monotonic()
                    await asyncio.sleep(self.options.seconds)
                    bits = (viewers.received_bytes - before) * 8 / (time.monotonic() - began)
                    rows.append([codec, bits / 1e6, bits / TARGET_BITS])
            finally:
                await daemon.close()
        print(f"\n## Bits a second, of {TARGET_BITS / 1e6:g} Mbit/s\n\n" + table(["", "Mbit/s", "of the target"], rows))

    async def viewers(self) -> None:
        rows: list[list[object]] = []
        for transport, codec in (("webcodecs", "h264"), ("jpeg", "jpeg")):
            daemon = await self.daemon(codec)
            try:
                session = await self.session(daemon, "/moving")
                taken = {}
                for count in (1, 10):
                    async with crowd(daemon, session["id"], count, transport, [codec]) as crowded:
                        await asyncio.sleep(2)
                        before, began = cpu_by_part(daemon.pid, os.getpid()), time.monotonic()
                        frames = crowded.frames
                        await asyncio.sleep(self.options.seconds)
                        took, after = time.monotonic() - began, cpu_by_part(daemon.pid, os.getpid())
                        taken[count] = (after["daemon"] - before["daemon"]) / took * 100
                        fps = (crowded.frames - frames) / took / count
                    rows.append([f"{transport} {codec}, {count}", taken[count], fps])
                rows.append([f"{transport} {codec}, each more", (taken[10] - taken[1]) / 9, ""])
            finally:
                await daemon.close()
        print("\n## More viewers\n\n" + table(["", "daemon %", "fps each"], rows))

    async def growth(self) -> None:
        daemon = await self.daemon("h264")
        try:
            session = await self.session(daemon, "/moving")
            rows: list[list[object]] = []
            async with viewing(self.browser, f"{session['live_url']}&transport=webrtc") as viewer:
                await viewer.first_picture_ms()
                for minute in range(self.options.minutes + 1):
                    rows.append([minute, _mib(daemon.pid), descriptors_of(daemon.pid), _encoder_mib(daemon.pid)])
                    if minute < self.options.minutes:
                        await viewer.watch(60)
        finally:
            await daemon.close()
        print("\n## Minutes\n\n" + table(["minute", "daemon MiB", "descriptors", "encoder MiB"], rows))


def _cpu(cpu: dict[str, float]) -> list[object]:
    return [cpu.get(part, 0.0) for part in CPU]


def _summary(rounds: list[Round]) -> list[object]:
    fps = [one.seen.fps for one in rounds]
    ages = Samples([age for one in rounds for age in one.seen.age_ms.values])
    cpu = [statistics.fmean(one.cpu.get(part, 0.0) for one in rounds) for part in CPU]
    return [statistics.median(fps), min(fps), max(fps), ages.p50, ages.p95, *cpu, rounds[-1].said]


def _encoder_mib(daemon_pid: int) -> float:
    return sum(_mib(pid) for pid in encoder_pids(daemon_pid))


def _mib(pid: int) -> float:
    return resident_bytes(pid) / 2**20


async def _sent_bytes(daemon: DaemonProcess) -> float:
    """What has gone over loopback, which is what the session's own traffic does not: that is over unix sockets."""
    lines = Path(f"/proc/{daemon.pid}/net/dev").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.strip().startswith("lo:")))


async def run(options: argparse.Namespace) -> None:
    print(f"Machine: {machine()}")
    with Pages() as pages:
        async with viewing_browser() as browser:
            bench = Bench(browser, pages, options)
            for part in options.only or PARTS:
                await getattr(bench, part)()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given more than once")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of the pages in motion")
    parser.add_argument("--warm-s", type=float, default=3.0)
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--opens", type=int, default=10)
    parser.add_argument("--minutes", type=int, default=10)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
