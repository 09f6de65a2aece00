"""Memory that is at its limit while a session sleeps, or once it wakes: the one over its own limit pays for it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.process.cgroup import CgroupKind
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_removed
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

MIB = 1 << 20
LIMIT_BYTES = 256 * MIB
PIECE_BYTES = 4 * MIB
EATER = f"""
import os, signal, sys
children = []
for _ in sys.stdin:  # small ones: the kernel takes none of them as long as there is anything of a browser
    ready, tell = os.pipe()
    children.append(os.fork())
    if not children[-1]:
        eaten = b"x" * {PIECE_BYTES}
        os.write(tell, b"x")
        signal.pause()
    os.close(tell)
    print(len(os.read(ready, 1)), flush=True)
    os.close(ready)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
GROWS_ONCE_IT_HAS_SLEPT = """
window.seen = performance.now();
window.held = [];
setInterval(() => {
    const now = performance.now();
    if (held.length || now - seen > 500) held.push(new Uint8Array(16 << 20).fill(7));
    seen = now;
}, 10);
"""


@asynccontextmanager
async def left_with(size: int, daemon: DaemonProcess, session: Json) -> AsyncIterator[None]:
    """In the block a frozen session has only so many bytes of its limit.

    Under version 2 the limit is lowered, which kills what is above it. Under version 1 the kernel does not lower it
    below what is used, so somebody joins the session's memory group, but not its freezer, and eats the rest.
    """
    record = await asyncio.to_thread((daemon.run_dir / session["id"] / "sandbox.json").read_text)
    group = json.loads(record)["cgroup"]
    match group["kind"]:
        case CgroupKind.V1:
            async with eater(Path(group["paths"]["memory"])) as eat:
                for _ in range((LIMIT_BYTES - size) // PIECE_BYTES):
                    await eat()
                yield
        case CgroupKind.V2:
            limit = Path(group["path"]) / "memory.max"
            await asyncio.to_thread(limit.write_text, str(size))
            yield
            if await asyncio.to_thread(limit.exists):
                await asyncio.to_thread(limit.write_text, str(LIMIT_BYTES))
        case _:
            pytest.skip("no control groups here; the agent's watchdog limits memory (cloche doctor: limits)")


@asynccontextmanager
async def eater(group: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Somebody who eats a piece of a group's memory at each call, and gives it all back at the end of the block."""
    pipe = subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", EATER, stdin=pipe, stdout=pipe)
    assert child.stdin is not None and child.stdout is not None
    stdin, stdout = child.stdin, child.stdout

    async def eat() -> None:
        stdin.write(b"\n")
        assert await stdout.readline() == b"1\n"

    try:
        await asyncio.to_thread((group / "cgroup.procs").write_text, str(child.pid))
        yield eat
    finally:
        stdin.close()
        await child.wait()


async def asleep(daemon: DaemonProcess, url: str, script: str = "0") -> Json:
    session = await daemon.create_session(budget={"memory_bytes": LIMIT_BYTES})
    async with await CdpClient.connect(session["connect_url"]) as client:
        await (await client.new_page(url)).evaluate(script)
    answer = await daemon.request("POST", f"/v1/sessions/{session['id']}/sleep")
    assert answer.json["status"] == "sleeping", answer.body
    return session


async def serves(session: Json) -> None:
    async with await CdpClient.connect(session["connect_url"]) as client:
        assert await (await client.new_page()).evaluate("6 * 7") == 42


@pytest.fixture
async def others(shared_daemon: DaemonProcess, local_web: LocalWeb, events: Any) -> AsyncIterator[None]:
    """One that sleeps and one that is awake, and that notice nothing of the test."""
    sessions = [await asleep(shared_daemon, local_web.url("site.test", "/form")), await shared_daemon.create_session()]
    yield
    for session in sessions:
        await serves(session)
        told = await everything_told(events, session)
        assert not {"memory.exceeded", "browser.exited", "agent.lost"} & {event["type"] for event in told}


async def everything_told(events: Any, session: Json) -> list[Json]:
    last = await events.last_id(session)
    told: list[Json] = await events.until(session, lambda seen: seen[-1]["id"] == last)
    return told


async def test_a_browser_killed_for_memory_in_its_sleep_is_started_again_for_who_wakes_it(
    shared_daemon: DaemonProcess, local_web: LocalWeb, events: Any, others: None
) -> None:
    session = await asleep(shared_daemon, local_web.url("site.test", "/form"))
    async with left_with(80 * MIB, shared_daemon, session):
        assert (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json["status"] == "sleeping"
    told = await events.wait(session, "memory.exceeded")
    assert told["kills"] >= 1
    await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/wake")
    await events.wait(session, "browser.ready", lambda data: data["restarts"] == 1)
    await serves(session)


async def test_a_session_all_of_which_is_killed_for_memory_in_its_sleep_ends_with_that_reason(
    shared_daemon: DaemonProcess, local_web: LocalWeb, events: Any, others: None
) -> None:
    session = await asleep(shared_daemon, local_web.url("site.test", "/form"))
    async with left_with(24 * MIB, shared_daemon, session):
        told = await events.until(session, lambda seen: seen[-1]["type"] == "session.failed")
    assert told[-1]["data"]["reason"] == "out_of_memory"
    assert "memory.exceeded" in [event["type"] for event in told]
    shown = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    assert (shown["status"], shown["reason"]) == ("failed", "out_of_memory")
    await await_removed(shared_daemon.run_dir / session["id"])


async def test_a_page_that_meets_the_limit_as_soon_as_it_wakes_is_ended_and_its_session_is_not(
    shared_daemon: DaemonProcess, local_web: LocalWeb, events: Any, others: None
) -> None:
    session = await asleep(shared_daemon, local_web.url("site.test", "/form"), GROWS_ONCE_IT_HAS_SLEPT)
    await asyncio.sleep(1)
    answer = await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/wake")
    assert answer.json["status"] == "ready"
    looking = spawn(looks_again_and_again(shared_daemon, session), name="looking")
    await events.wait(session, "memory.exceeded", timeout_s=8)
    await cancel_and_wait(looking)
    await serves(session)


async def looks_again_and_again(daemon: DaemonProcess, session: Json) -> None:
    """Who looks at a session has its accounts read: they tell of a renderer's end, which no process reports."""
    while True:
        await daemon.request("GET", f"/v1/sessions/{session['id']}")
        await asyncio.sleep(0.1)
