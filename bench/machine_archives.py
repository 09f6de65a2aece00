"""Whole directories down: through the API, and by `tar | zstd` and `zip` in a shell over the same files."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from cloche.testing.daemon import DaemonProcess
from figures import Samples, table
from machine_session import GIB, MIB, PYTHON_INSIDE, Load, Machine, big

PIECE = 1 << 20
ROUTES = {"tar.zst": "/fs/download_dir_zstd", "zip": "/fs/download_dir_zip"}

# What a browser leaves: many small files and a few large ones; three fifths of the bytes are packed already (images,
# compressed answers), the rest is text. The same seed makes the same files inside and outside.
MAKE = """
import os, random, sys
root, total = sys.argv[1], int(sys.argv[2])
r = random.Random(7)
words = ["".join(r.choices("abcdefghijklmnopqrstuvwxyz", k=r.randint(2, 11))) for _ in range(3000)]
pool = " ".join(r.choices(words, k=4_000_000)).encode()
places = ("Cache/Cache_Data", "Code Cache/js", "IndexedDB/site", "Local Storage/leveldb", "Service Worker/CacheStorage")
for place in places:
    os.makedirs(f"{root}/Default/{place}", exist_ok=True)
made = number = 0
while made < total:
    size = min(int(r.paretovariate(1.1) * 6000), 8 << 20, total - made)
    start = r.randrange(len(pool) - size)
    data = r.randbytes(size) if r.random() < 0.6 else pool[start : start + size]
    with open(f"{root}/Default/{places[number % 5]}/f_{number:06x}", "wb") as file:
        file.write(data)
    made, number = made + size, number + 1
print(number)
"""


def compare(daemon: DaemonProcess, rounds: int, size_mb: int, large_mb: int) -> None:
    with Machine(daemon, **big(4 * GIB, 2 * GIB)) as machine, tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        outside = Path(directory, "data")
        files = make(outside, size_mb)
        machine.exec(PYTHON_INSIDE, "-c", MAKE, "/workspace/data", str(size_mb * MIB))
        ways: dict[str, Callable[[], int]] = {
            "shell: tar \\| zstd": partial(shell, f"tar -C {outside} -cf - . | zstd -q -c"),
            "API: tar.zst": partial(download, machine, "tar.zst"),
            "shell: zip -1": partial(shell, f"cd {outside} && zip -q -r -1 - ."),
            "API: zip": partial(download, machine, "zip"),
        }
        report(machine, ways, rounds, size_mb, files)
        check(machine, outside)
        machine.ask("PUT", "/fs/delete_directory", {"path": "/workspace/data"})
        shutil.rmtree(outside)
        machine.exec(PYTHON_INSIDE, "-c", MAKE, "/workspace/data", str(large_mb * MIB))
        one_large(machine, large_mb)


def report(machine: Machine, ways: dict[str, Callable[[], int]], rounds: int, size_mb: int, files: int) -> None:
    found = {way: Samples() for way in ways}
    grown, sizes = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    for number in range(rounds):
        for way in ways if number % 2 else reversed(ways):
            with Load(daemon=machine.daemon.pid) as load:
                begun = time.perf_counter()
                sizes[way] = ways[way]()
                found[way].add(time.perf_counter() - begun)
            grown[way] = max(grown[way], load.grown_mb["daemon"])
    floor = found["shell: tar \\| zstd"].p50
    rows = [
        [way, s.p50, s.p95, size_mb / s.p50, floor / s.p50, sizes[way] / MIB, grown[way] if "API" in way else ""]
        for way, s in found.items()
    ]
    print(f"\n### {size_mb} MiB in {files} files down, {rounds} rounds\n")
    head = [
        "way",
        "p50, s",
        "p95, s",
        "MiB/s in",
        "of tar \\| zstd (aim: 0.7)",
        "MiB out",
        "daemon grew, MiB (aim: 16)",
    ]
    print(table(head, rows))


def one_large(machine: Machine, size_mb: int) -> None:
    rows = []
    for kind in ROUTES:
        with Load(daemon=machine.daemon.pid, agent=machine.agent_pid()) as load:
            begun = time.perf_counter()
            out = download(machine, kind)
            took = time.perf_counter() - begun
        taken = [figures[who] for who in ("agent", "daemon") for figures in (load.cpu_s, load.grown_mb)]
        rows.append([kind, took, out / MIB, *taken])
    print(f"\n### {size_mb} MiB down, once\n")
    head = ["kind", "s", "MiB out", "agent's CPU, s", "agent grew, MiB", "daemon's CPU, s", "daemon grew, MiB"]
    print(table(head, rows))


def make(root: Path, size_mb: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(root), str(size_mb * MIB)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def download(machine: Machine, kind: str) -> int:
    with machine.stream(ROUTES[kind], path="/workspace/data") as answer:
        return drain(answer)


def shell(command: str) -> int:
    with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        size = drain(process.stdout)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return size


def drain(source: IO[bytes]) -> int:
    size, buffer = 0, bytearray(PIECE)
    while count := source.readinto1(buffer):  # type: ignore[attr-defined]
        size += count
    return size


def check(machine: Machine, outside: Path) -> None:
    """What came down is what was there, or the figures are worth nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        with machine.stream(ROUTES["tar.zst"], path="/workspace/data") as answer:
            unpack = f"zstd -d -q -c | tar -C {directory} -xf -"
            with subprocess.Popen(["sh", "-c", unpack], stdin=subprocess.PIPE) as process:
                assert process.stdin is not None
                shutil.copyfileobj(answer, process.stdin, PIECE)
        found = next(path for path in (Path(directory), Path(directory, "data")) if (path / "Default").is_dir())
        subprocess.run(["diff", "-r", str(outside), str(found)], check=True)
