"""A program run to its end: through the API, by a plain spawn on the host, and by one inside bubblewrap."""

import subprocess
import time
from collections.abc import Callable
from functools import partial

from cloche.testing.daemon import DaemonProcess
from figures import Samples, table
from machine_session import Machine

PROGRAMS = {
    "true": ("true",),
    "sh, 1 MB of output": ("sh", "-c", "head -c 1000000 /dev/zero"),
    "sleep 0.1": ("sleep", "0.1"),
}
BUBBLEWRAP = (
    *("bwrap", "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
    *("--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev"),
)


def compare(daemon: DaemonProcess, rounds: int) -> None:
    """The very program that sessions have, so that what differs is who starts it."""
    shell = next((daemon.state_dir / "runtime").glob("shell-*"))
    wrapped = (*BUBBLEWRAP, "--ro-bind", str(shell), "/opt/shell", "--setenv", "PATH", "/opt/shell", "--")
    with Machine(daemon) as machine:
        for name, words in PROGRAMS.items():
            ways: dict[str, Callable[[], object]] = {
                "plain": partial(spawn, (str(shell / words[0]), *words[1:]), {"PATH": str(shell)}),
                "bubblewrap": partial(spawn, (*wrapped, f"/opt/shell/{words[0]}", *words[1:])),
                "API": partial(machine.exec, *words),
            }
            report(name, ways, rounds)


def report(name: str, ways: dict[str, Callable[[], object]], rounds: int) -> None:
    found = {way: Samples() for way in ways}
    inside = Samples()
    for number in range(rounds + 3):
        for way in ways if number % 2 else reversed(ways):
            begun = time.perf_counter()
            answer = ways[way]()
            took = (time.perf_counter() - begun) * 1000
            if number >= 3:  # the first ones warm caches and load code
                found[way].add(took)
                if isinstance(answer, dict):
                    inside.add(answer["duration_ms"])
    floor = found["plain"].p50
    rows = [[way, s.p50, s.p95, s.p50 - floor] for way, s in found.items()]
    rows.append(["API, by the agent's clock", inside.p50, inside.p95, inside.p50 - floor])
    print(f"\n### Exec of `{name}`, {rounds} rounds, ms\n")
    print(table(["way", "p50", "p95", "over a plain spawn, p50 (aim for the API: at most 15)"], rows))


def spawn(words: tuple[str, ...], env: dict[str, str] | None = None) -> None:
    subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=True)
