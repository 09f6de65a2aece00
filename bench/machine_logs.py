"""A growing log, followed: through the API, and by `tail -f` on the host. Every line has a number, so none is missed
without it being seen."""

import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cloche.testing.daemon import DaemonProcess
from figures import table
from machine_session import GIB, PYTHON_INSIDE, Load, Machine, big

NUMBER = re.compile(rb"line (\d{9}) ")
PIECE = 1 << 18
LOG = "/workspace/app.log"
PATIENCE_S = 300.0

# Argument 3: lines a second, in bursts every ten milliseconds; 0: as fast as it goes.
WRITE = """
import os, sys, time
path, count, rate, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
begun, written, burst = time.monotonic(), 0, rate // 100 or 1000
rest = "x" * (length - 16)
while written < count:
    many = min(burst, count - written)
    os.write(fd, "".join(f"line {n:09d} {rest}\\n" for n in range(written, written + many)).encode())
    written += many
    if rate:
        time.sleep(max(0, begun + written / rate - time.monotonic()))
"""


@dataclass
class Seen:
    """What a reader has seen: how many lines, and whether each followed the one before."""

    lines: int = 0
    missed: int = 0
    _next: int = 0
    _rest: bytes = b""

    def add(self, data: bytes) -> None:
        data = self._rest + data
        cut = max(0, data.rfind(b"line "))
        for found in NUMBER.findall(data[:cut]):
            self._count(int(found))
        self._rest = data[cut:]
        if done := NUMBER.match(self._rest):
            self._count(int(done[1]))
            self._rest = self._rest[len(done[0]) :]

    def _count(self, number: int) -> None:
        self.missed += abs(number - self._next)
        self.lines, self._next = self.lines + 1, number + 1


def compare(daemon: DaemonProcess, rate: int, seconds: int, large_mb: int) -> None:
    paced = [follow(daemon, rate * seconds, rate, 100), tail(rate * seconds, rate, 100)]
    show(f"{rate} lines a second for {seconds} s", paced)
    lines = (large_mb << 20) // 250
    show(f"A log of {large_mb} MiB in {lines} lines, written as fast as it goes", [
        follow(daemon, lines, 0, 250), tail(lines, 0, 250),
    ])  # fmt: skip


def show(title: str, rows: list[list[object]]) -> None:
    head = ["way", "lines seen", "lines missed", "s", "agent's or tail's CPU, s", "its growth, MiB"]
    print(f"\n### {title}\n")
    print(table([*head, "daemon's CPU, s", "its growth, MiB"], rows))


def follow(daemon: DaemonProcess, count: int, rate: int, length: int) -> list[object]:
    with Machine(daemon, **big(4 * GIB, 2 * GIB)) as machine:
        machine.exec("touch", LOG)
        begun = time.perf_counter()
        with (
            machine.stream("/logs/stream", source="path", path=LOG, follow="true") as answer,
            Load(agent=machine.agent_pid(), daemon=daemon.pid) as load,
        ):
            machine.spawn(PYTHON_INSIDE, "-c", WRITE, LOG, str(count), str(rate), str(length))
            seen = watch(lambda: answer.read1(PIECE), count)
        took = time.perf_counter() - begun
    cpu, grown = load.cpu_s, load.grown_mb
    return ["API", seen.lines, seen.missed, took, cpu["agent"], grown["agent"], cpu["daemon"], grown["daemon"]]


def tail(count: int, rate: int, length: int) -> list[object]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        log = Path(directory, "app.log")
        log.touch()
        begun = time.perf_counter()
        with running("tail", "-n", "+1", "-f", str(log)) as process, Load(tail=process.pid) as load:
            assert process.stdout is not None
            pipe = process.stdout
            with running(sys.executable, "-c", WRITE, str(log), str(count), str(rate), str(length)):
                seen = watch(lambda: pipe.read1(PIECE), count)  # type: ignore[attr-defined]
        took = time.perf_counter() - begun
    return ["tail -f", seen.lines, seen.missed, took, load.cpu_s["tail"], load.grown_mb["tail"], "", ""]


@contextlib.contextmanager
def running(*words: str) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def watch(read: Callable[[], bytes], count: int) -> Seen:
    seen, deadline = Seen(), time.monotonic() + PATIENCE_S
    while seen.lines + seen.missed < count and time.monotonic() < deadline:
        data = read()
        if not data:
            break
        seen.add(data)
    return seen
