"""Ten programs that print a megabyte a second each: in a session, read or not, and in a shell with files."""

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from cloche.testing.daemon import DaemonProcess
from figures import table
from machine_session import PYTHON_INSIDE, Load, Machine, cpu_s

CHATTERERS = 10

# Ten kilobytes a hundred times a second, in lines.
CHATTER = """
import os, time
piece = (b"x" * 99 + b"\\n") * 105
begun, count = time.monotonic(), 0
while True:
    os.write(1, piece)
    count += 1
    time.sleep(max(0, begun + count / 100 - time.monotonic()))
"""


def compare(daemon: DaemonProcess, seconds: float) -> None:
    rows = [in_a_shell(seconds), in_a_session(daemon, seconds, readers=0), in_a_session(daemon, seconds, readers=10)]
    print(f"\n### {CHATTERERS} programs that print 1 MB a second each, over {seconds:.0f} s\n")
    head = ["way", "MB read", "programs' CPU, %", "agent's CPU, %", "agent grew, MiB", "daemon's CPU, %"]
    print(table([*head, "daemon grew, MiB"], rows))


def in_a_shell(seconds: float) -> list[object]:
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm"))
        pids = []
        for number in range(CHATTERERS):
            file = stack.enter_context(Path(directory, str(number)).open("wb"))
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", CHATTER], stdout=file))
            stack.callback(process.kill)
            pids.append(process.pid)
        time.sleep(1)
        before = cpu_s(pids)
        time.sleep(seconds)
        return ["shell, into files", "", (cpu_s(pids) - before) * 100 / seconds, "", "", "", ""]


def in_a_session(daemon: DaemonProcess, seconds: float, readers: int) -> list[object]:
    with Machine(daemon) as machine:
        ids = [machine.spawn(PYTHON_INSIDE, "-c", CHATTER) for _ in range(CHATTERERS)]
        with reading(machine, ids[:readers]) as read:
            time.sleep(1)
            programs = sum(used(machine, one) for one in ids)
            size = read[0]
            with Load(agent=machine.agent_pid(), daemon=daemon.pid) as load:
                time.sleep(seconds)
            size = read[0] - size
            programs = sum(used(machine, one) for one in ids) - programs
    share = {who: cpu * 100 / seconds for who, cpu in load.cpu_s.items()}
    grown = load.grown_mb
    name = f"session, {readers} readers" if readers else "session, nobody reads"
    return [
        name,
        size / 1e6,
        programs * 100 / seconds,
        share["agent"],
        grown["agent"],
        share["daemon"],
        grown["daemon"],
    ]


def used(machine: Machine, process_id: str) -> float:
    return float(machine.ask("GET", f"/process/{process_id}/status")["cpu_seconds"])


@contextlib.contextmanager
def reading(machine: Machine, ids: list[str]) -> Iterator[list[int]]:
    """Read the streams of these programs in threads, until the block ends; what is read is counted as it came."""
    read, stop = [0], threading.Event()

    def work(process_id: str) -> None:
        with machine.stream(f"/process/{process_id}/stdout/stream") as answer:
            while not stop.is_set() and (data := answer.read1(1 << 18)):
                read[0] += len(data)

    threads = [threading.Thread(target=work, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    try:
        yield read
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
