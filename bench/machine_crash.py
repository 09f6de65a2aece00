"""What a browser loses: killed so long after a page wrote something, and stopped in an orderly way at once."""

import asyncio
from pathlib import Path
from typing import Any

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb
from figures import table
from machine_restart import ENGINES
from machine_session import Machine

STORES = ("cookie", "localStorage", "IndexedDB")
PATIENCE_S = 20.0

OPEN = """
new Promise((done, fail) => {
  const asked = indexedDB.open("bench", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("store");
  asked.onsuccess = () => done(asked.result);
  asked.onerror = () => fail(asked.error);
})
"""
WRITE = """
(async () => {
  document.cookie = "bench=kept; max-age=31536000";
  localStorage.setItem("bench", "kept");
  const change = (await OPENED).transaction("store", "readwrite");
  change.objectStore("store").put("kept", "bench");
  await new Promise((done, fail) => { change.oncomplete = done; change.onerror = fail; });
})()
""".replace("OPENED", OPEN)
READ = """
(async () => {
  const asked = (await OPENED).transaction("store").objectStore("store").get("bench");
  const stored = await new Promise((done) => { asked.onsuccess = () => done(asked.result); });
  return [document.cookie.includes("bench=kept"), localStorage.getItem("bench") === "kept", stored === "kept"];
})()
""".replace("OPENED", OPEN)


def measure(daemon: DaemonProcess, delays_s: list[float], rounds: int) -> None:
    with LocalWeb(LOOPBACK_ONLY) as web:
        for engine, executable in ENGINES.items():
            if Path(executable).exists():
                asyncio.run(one_engine(daemon, web, engine, delays_s, rounds))


async def one_engine(daemon: DaemonProcess, web: LocalWeb, engine: str, delays_s: list[float], rounds: int) -> None:
    kept: dict[float | None, list[list[bool]]] = {delay: [] for delay in [None, *delays_s]}
    for _ in range(rounds):
        results = await asyncio.gather(*(one_life(daemon, web, engine, delay) for delay in kept))
        for delay, found in zip(kept, results, strict=True):
            kept[delay].append(found)
    rows = [
        ["stopped at once, in order" if delay is None else f"killed after {delay:g} s"]
        + [f"{sum(one[index] for one in found)} of {rounds}" for index in range(len(STORES))]
        for delay, found in kept.items()
    ]
    print(f"\n### What is still there, engine `{engine}`\n")
    print(table(["", *STORES], rows))


async def one_life(daemon: DaemonProcess, web: LocalWeb, engine: str, delay_s: float | None) -> list[bool]:
    """Write, wait, end the browser, and look in the one that comes after it."""
    host = f"127.0.0.1:{web.http_port}"
    body: dict[str, Any] = {"engine": engine, "egress": {"private_hosts": [host]}, "start_url": "about:blank"}
    machine = await asyncio.to_thread(lambda: Machine(daemon, **body))
    try:
        url = f"http://{host}/link"
        async with await CdpClient.connect(machine.session["connect_url"]) as client:
            page = await client.new_page()
            await page.goto(url)
            await page.evaluate(WRITE)
        if delay_s is None:
            await asyncio.to_thread(machine.ask, "POST", "/browser/restart", {})
        else:
            await asyncio.sleep(delay_s)
            await kill_and_await_next(machine)
        async with await CdpClient.connect(machine.session["connect_url"]) as client:
            page = await client.new_page()
            await page.goto(url)
            found: list[bool] = await page.evaluate(READ)
            return found
    finally:
        await asyncio.to_thread(machine.__exit__)


async def kill_and_await_next(machine: Machine) -> None:
    pid = (await browser(machine))["pid"]
    await asyncio.to_thread(machine.exec, "kill", "-9", str(pid))
    async with asyncio.timeout(PATIENCE_S):
        while (part := await browser(machine))["state"] != "ready" or part["pid"] == pid:
            await asyncio.sleep(0.05)


async def browser(machine: Machine) -> dict[str, Any]:
    parts = (await asyncio.to_thread(machine.ask, "GET", "/processes"))["parts"]
    return next(part for part in parts if part["name"] == "browser")
