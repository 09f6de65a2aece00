"""What a running daemon takes of the machine, and what it counts: seen from outside."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from cloche.testing.daemon import DaemonProcess

PAGE_BYTES = 4096


def encoders_of(pid: int) -> set[int]:
    """The encoder children of a daemon: of each the innermost process, which decodes and encodes."""
    found: dict[int, int] = {}
    parents = _parents()
    for each in parents:
        above = each
        while above in parents and above != pid:
            above = parents[above]
        if above == pid and each != pid and b"cloche.live.encoder" in _command(each):
            found[each] = parents[each]
    return set(found) - set(found.values())


def encoder_processes(pids: set[int]) -> set[int]:
    """Those that are still alive, and still encoders."""
    return {pid for pid in pids if b"cloche.live.encoder" in _command(pid)}


def descriptors_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


async def metric(daemon: DaemonProcess, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    text = (await daemon.request("GET", "/metrics")).body.decode()
    total = 0.0
    for said, value in re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.MULTILINE):
        if all(f'{label}="{wanted}"' in said for label, wanted in labels.items()):
            total += float(value)
    return total


async def until(true: Callable[[], object], what: str, *, timeout_s: float = 20.0) -> None:
    """Look, now and then, until something outside has come true."""
    try:
        async with asyncio.timeout(timeout_s):
            while not true():  # noqa: ASYNC110  nobody outside tells of it
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not in {timeout_s} s: {what}") from None


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            state, parent = stat[stat.rindex(")") + 2 :].split()[:2]
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
