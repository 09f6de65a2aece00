"""The browser service beside Playwright (Python), both on pages of the same browser, interleaved.

Prints, as Markdown: one action at a time; a snapshot of 50 000 elements; many sessions at once; tokens of snapshots.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from playwright.async_api import async_playwright

from actions_doors import Door, GrpcDoor, PlaywrightDoor, RestDoor, open_channel
from actions_pages import ACTIONS_PAGE, Pages, many_nodes, real_pages
from actions_tokens import count_tokens
from cloche.testing.daemon import DaemonProcess
from figures import Samples, machine, table

FORTY = "the quick brown fox jumps over lazy dogs"
AT_ONCE = 20
BUDGET = {"actions": 1_000_000, "actions_per_window": 10_000, "snapshot_bytes": 1 << 20}

Step = Callable[[Door], Awaitable[Any]]


class World:
    """A daemon, its doors, and what is measured on them."""

    def __init__(self, daemon: DaemonProcess, stack: AsyncExitStack, pages: Pages) -> None:
        self.daemon = daemon
        self.stack = stack
        self.pages = pages
        self.client = httpx2.AsyncClient(
            base_url=daemon.base_url, headers={"authorization": f"Bearer {daemon.key}"}, timeout=60, trust_env=False
        )
        self.channel = open_channel(daemon.grpc_address)

    def url(self, name: str) -> str:
        return f"http://{self.pages.host}/{name}"

    async def session(self) -> dict[str, Any]:
        return await self.daemon.create_session(
            egress={"private_hosts": [self.pages.host]}, budget=BUDGET, start_url="about:blank"
        )

    async def tab(self, session_id: str) -> str:
        answer = (await self.client.post(f"/v1/sessions/{session_id}/tabs", json={})).json()
        assert answer["success"], answer
        return str(answer["tab"]["tab_id"])

    async def doors(self, session: dict[str, Any]) -> list[Door]:
        """All three on pages of their own in one browser."""
        playwright = await self.stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.connect_over_cdp(session["connect_url"])
        page = await browser.contexts[0].new_page()
        rest, grpc_ = [await self.tab(session["id"]) for _ in range(2)]
        return [
            PlaywrightDoor(page),
            RestDoor(self.client, session["id"], rest),
            GrpcDoor(self.channel, self.daemon.key, session["id"], grpc_),
        ]

    async def close(self) -> None:
        await self.client.aclose()
        await self.channel.close()


async def measure(doors: list[Door], step: Step, rounds: int, before: Step | None = None) -> dict[str, Samples]:
    """Every door in turn, the order rotating, `before` each step unmeasured; one round warms up."""
    found = {door.name: Samples() for door in doors}
    for number in range(rounds + 1):
        turn = number % len(doors)
        for door in doors[turn:] + doors[:turn]:
            if before is not None:
                await before(door)
            begun = time.perf_counter()
            await step(door)
            if number:
                found[door.name].add((time.perf_counter() - begun) * 1000)
    return found


async def one_at_a_time(world: World, rounds: int) -> None:
    doors = await world.doors(await world.session())
    rows = []

    async def add(what: str, step: Step, rounds: int, before: Step | None = None) -> None:
        found = await measure(doors, step, rounds, before)
        base = found["playwright"]
        for name in ("REST", "gRPC"):
            side = found[name]
            ratio = side.p50 / base.p50
            met = "met" if ratio <= 1 else "**missed**"
            rows.append([what, name, base.p50, base.p95, side.p50, side.p95, ratio, met])

    async def go(door: Door) -> None:
        await door.goto(world.url("actions.html"))

    for door in doors:
        await go(door)
    await add("click", lambda door: door.click("#save"), rounds)
    await add("type 40 characters", lambda door: door.type("#name", FORTY), rounds, go)
    await add("navigate", go, rounds)
    await add("screenshot", lambda door: door.screenshot(), rounds)
    await add("PDF", lambda door: door.pdf(), max(5, rounds // 4))
    for door in doors:
        await door.goto(world.url("5000.html"))
    await add("snapshot of 5 000 elements", lambda door: door.snapshot(1 << 20), max(5, rounds // 2))
    print(f"\n### One at a time, {rounds} rounds, ms (aim: ratio ≤ 1)\n")
    head = ["what", "door", "playwright p50", "playwright p95", "cloche p50", "cloche p95", "ratio p50", ""]
    print(table(head, rows))


async def large_page(world: World) -> None:
    doors = await world.doors(await world.session())
    for door in doors:
        await door.goto(world.url("50000.html"))
    largest, theirs = 0, "did not come within its 30 s"

    async def look(door: Door) -> None:
        nonlocal largest
        largest = max(largest, len((await door.snapshot(64 << 10)).encode()))

    found = await measure(doors[1:], look, 5)
    with contextlib.suppress(PlaywrightTimeoutError):
        begun = time.perf_counter()
        await doors[0].snapshot()
        theirs = f"took {time.perf_counter() - begun:.1f} s"
    print("\n### A snapshot of 50 000 elements within 64 KiB, ms (aim: ≤ 1000)\n")
    print(table(["door", "p50", "p95"], [[name, side.p50, side.p95] for name, side in found.items()]))
    print(f"\nLargest answer: {largest} bytes. Playwright's `aria_snapshot` of the same page {theirs}.")


async def at_once(world: World, rounds: int) -> None:
    """Twenty sessions, each clicking and typing; beside one doing the same alone."""
    sessions = [await world.session() for _ in range(AT_ONCE)]
    doors = []
    for session in sessions:
        door = GrpcDoor(world.channel, world.daemon.key, session["id"], await world.tab(session["id"]))
        await door.goto(world.url("actions.html"))
        doors.append(door)

    async def act(door: Door, samples: Samples) -> None:
        for _ in range(rounds):
            begun = time.perf_counter()
            await door.click("#save")
            samples.add((time.perf_counter() - begun) * 1000)

    alone, together = Samples(), Samples()
    await act(doors[0], alone)
    await asyncio.gather(*(act(door, together) for door in doors))
    print(f"\n### {AT_ONCE} sessions clicking at once, {rounds} clicks each, ms (aim: p95 ≤ 3 × p50)\n")
    rows = [
        ["one alone", alone.p50, alone.p95, alone.p95 / alone.p50],
        [f"{AT_ONCE} at once", together.p50, together.p95, together.p95 / together.p50],
    ]
    print(table(["", "p50", "p95", "p95 / p50"], rows))
    for session in sessions:
        await world.client.delete(f"/v1/sessions/{session['id']}")


async def tokens(world: World, directory: Path, cache: Path) -> None:
    doors = (await world.doors(await world.session()))[:2]
    rows = []
    for package, path in real_pages(cache).items():
        (directory / f"real-{package}.html").write_bytes(path.read_bytes())
        row: list[object] = [f"{package}: {path.name}"]
        for door in doors:
            await door.goto(world.url(f"real-{package}.html"))
            text = await door.snapshot(1 << 20)
            row += [len(text.encode()), count_tokens(text)]
        rows.append(row)
    print(
        "\n### Snapshots of saved pages, whole: bytes and tokens (Cloche's with a ref for all that can be acted upon)\n"
    )
    print(table(["page", "aria_snapshot bytes", "tokens", "cloche bytes", "tokens"], rows))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", choices=["one", "large", "at-once", "tokens"])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "cloche-bench-pages")
    options = parser.parse_args()
    print(f"Machine: {machine()}")
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        (directory / "actions.html").write_text(ACTIONS_PAGE)
        for count in (5000, 50000):
            (directory / f"{count}.html").write_text(many_nodes(count))
        with Pages(directory) as pages:
            async with (
                DaemonProcess(log_level="info", max_sessions=64, max_sessions_per_principal=64, grpc_bind="127.0.0.1:0")
                as daemon,
                AsyncExitStack() as stack,
            ):  # fmt: skip
                world = World(daemon, stack, pages)
                stack.push_async_callback(world.close)
                if options.only in (None, "one"):
                    await one_at_a_time(world, options.rounds)
                if options.only in (None, "large"):
                    await large_page(world)
                if options.only in (None, "at-once"):
                    await at_once(world, options.rounds)
                if options.only in (None, "tokens"):
                    await tokens(world, directory, options.cache)


if __name__ == "__main__":
    asyncio.run(main())
