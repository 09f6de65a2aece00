"""What sessions go through. Each deed makes its sessions, does something to them and ends them, or raises."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cloche.sandbox.namespace import members
from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.daemon import DaemonProcess
from processes import processes
from side_by_side.world import World

FETCH_BYTES: Final = 256 * 1024
PATIENCE_S: Final = 30.0
AGAIN_S: Final = 0.05
ENDED: Final = ("closed", "failed")

Json = dict[str, Any]


@dataclass
class Stage:
    """A daemon, the local web, and how many sessions have ended."""

    daemon: DaemonProcess
    world: World
    sleepers: int = 8
    """How many sessions the daemon is killed over; half of them asleep."""
    ended: int = 0

    async def create(self, **options: object) -> Json:
        return await self.daemon.create_session(
            egress={"private_hosts": [self.world.host]}, start_url="about:blank", **options
        )

    async def end(self, session: Json) -> None:
        answer = await self.daemon.request("DELETE", f"/v1/sessions/{session['id']}", timeout_s=PATIENCE_S)
        if answer.status >= 300:
            raise RuntimeError(f"DELETE answered {answer.status} {answer.body[:200]!r}")
        self.ended += 1

    async def show(self, session: Json) -> Json:
        found: Json = (await self.daemon.request("GET", f"/v1/sessions/{session['id']}")).json
        return found

    async def sleep(self, session: Json) -> None:
        """Put it to sleep, once the daemon has noticed that its last client went."""
        path = f"/v1/sessions/{session['id']}/sleep"
        await _until(lambda: self._says(path), f"{session['id']} does not sleep")

    async def _says(self, path: str) -> bool:
        answer = await self.daemon.request("POST", path)
        if answer.status not in (200, 409):
            raise RuntimeError(f"sleep answered {answer.status} {answer.body[:200]!r}")
        return answer.status == 200


Deed = Callable[[Stage], Awaitable[None]]


async def plain(stage: Stage) -> None:
    """Created and closed."""
    await stage.end(await stage.create())


async def driven(stage: Stage) -> None:
    """A client loads a page and something large through the gateway."""
    async with _session(stage) as session:
        await _drive(stage, session)


async def vanished(stage: Stage) -> None:
    """A client breaks off in the middle of a body that never ends, and the session is closed at once."""
    async with _session(stage) as session, await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page(stage.world.url("/page"))
        await page.evaluate(f"void fetch({stage.world.url('/endless')!r}); 1")


async def slept(stage: Stage) -> None:
    """Used, put to sleep, woken by its next client, found as it was; and closed asleep."""
    async with _session(stage) as session:
        await _drive(stage, session, "window.kept = 7")
        await stage.sleep(session)
        await _find_kept(session)
        await stage.sleep(session)


async def browser_killed(stage: Stage) -> None:
    """Its browser is killed; the same URL reaches the next one."""
    async with _session(stage) as session:
        await _drive(stage, session)
        os.kill(await _in_sandbox(stage, session, _browser), signal.SIGKILL)
        await _until(lambda: _drives(stage, session), f"{session['id']} has no browser again")


async def agent_killed(stage: Stage) -> None:
    """Its agent is killed: the session fails, and nothing of it stays."""
    session = await stage.create()
    os.kill(await _in_sandbox(stage, session, _agent), signal.SIGKILL)

    async def is_over() -> bool:
        return (await stage.show(session))["status"] in ENDED

    await _until(is_over, f"{session['id']} goes on without its agent")
    stage.ended += 1


async def daemon_killed(stage: Stage) -> None:
    """The daemon is killed over sessions of which half sleep; the next one finds them all, and as they were."""
    sessions = [await stage.create() for _ in range(stage.sleepers)]
    for session in sessions:
        await _drive(stage, session, "window.kept = 7")
    for session in sessions[: stage.sleepers // 2]:
        await stage.sleep(session)
    await stage.daemon.kill9()
    await stage.daemon.restart()
    lost = []
    for session in sessions:
        try:
            await _until(partial(_is_kept, session), f"{session['id']} is not as it was")
            await stage.end(session)
        except Exception as error:
            lost.append(f"{(await stage.show(session)).get('status')}: {error}")
    if lost:
        raise RuntimeError(f"{len(lost)} of {stage.sleepers} were lost: {lost[0]}")


DEEDS: Final[dict[str, tuple[Deed, int]]] = {
    "plain": (plain, 3),
    "driven": (driven, 3),
    "vanished": (vanished, 1),
    "slept": (slept, 3),
    "browser killed": (browser_killed, 1),
    "agent killed": (agent_killed, 1),
}
"""By name, with how many of twelve they are."""


@contextlib.asynccontextmanager
async def _session(stage: Stage) -> Any:
    session = await stage.create()
    try:
        yield session
    finally:
        await stage.end(session)


async def _drive(stage: Stage, session: Json, script: str = "1") -> None:
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page(stage.world.url("/page"))
        body = stage.world.url(f"/bytes/{FETCH_BYTES}")
        size = await page.evaluate(f"fetch({body!r}).then((a) => a.arrayBuffer()).then((b) => b.byteLength)")
        if size != FETCH_BYTES:
            raise RuntimeError(f"{size} of {FETCH_BYTES} bytes came")
        await page.evaluate(script)


async def _drives(stage: Stage, session: Json) -> bool:
    try:
        await _drive(stage, session)
    except Exception:  # between two browsers a client meets all kinds of ends; the caller's patience ends the trying
        return False
    return True


async def _find_kept(session: Json) -> None:
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await _page_of(client)
        if await page.evaluate("window.kept") != 7:
            raise RuntimeError("the page is not as it was left")


async def _is_kept(session: Json) -> bool:
    try:
        await _find_kept(session)
    except Exception:  # as above: a daemon that has just started may still be taking sessions over
        return False
    return True


async def _page_of(client: CdpClient) -> CdpPage:
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    return await client.attach(next(each["targetId"] for each in targets if each["url"].endswith("/page")))


async def _in_sandbox(stage: Stage, session: Json, find: Callable[[int], int | None]) -> int:
    """A process of the session's sandbox, by its pid on the host."""
    for record in stage.daemon.run_dir.glob("*/sandbox.json"):
        if record.parent.name == session["id"]:
            pid = await asyncio.to_thread(find, json.loads(record.read_text())["inner"]["pid"])
            if pid is not None:
                return pid
    raise RuntimeError(f"{session['id']} has no such process")


def _agent(init: int) -> int | None:
    handle = members.agent_of(init)
    if handle is None:
        return None
    with contextlib.closing(handle):
        return handle.identity.pid


def _browser(init: int) -> int | None:
    """The browser itself: its children say what they are."""
    known = processes()
    return next(
        (
            pid
            for pid in members.tree_of(init)
            if pid in known and "chromium" in known[pid].command.split(" ")[0] and "--type=" not in known[pid].command
        ),
        None,
    )


async def _until(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await is_so():
                await asyncio.sleep(AGAIN_S)
    except TimeoutError:
        raise RuntimeError(f"{what} after {PATIENCE_S:.0f} s") from None
