"""What a test left behind: processes, descriptors, mounts, control groups, temporary files.

`take()` before and after, `leaked(before)` between. The check needs surroundings of its own to be exact:
`cloche.testing.netns` (processes and mounts) and `cloche.testing.surroundings` (control groups, temporary directory).
"""

import gc
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Final

SETTLE_S: Final = 3.0
"""How long the kernel may take to let go of what has been told to end."""

# Process-wide things that a library opens once and keeps; no test can close them.
KEPT_OPEN: Final = ("/dev/urandom", "/dev/null", "anon_inode:[io_uring]")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is now, by kind; each thing is a key, and what to call it in a report."""

    processes: dict[str, str] = field(default_factory=dict)
    descriptors: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, str] = field(default_factory=dict)
    control_groups: dict[str, str] = field(default_factory=dict)
    temporary_files: dict[str, str] = field(default_factory=dict)

    def beyond(self, other: "Snapshot") -> list[str]:
        """Describe what is here and was not in `other`."""
        return [
            f"{kind.name.replace('_', ' ')}: {name}"
            for kind in fields(self)
            for key, name in getattr(self, kind.name).items()
            if key not in getattr(other, kind.name)
        ]


def take() -> Snapshot:
    return Snapshot(
        processes=dict(_processes()),
        descriptors=dict(_descriptors()),
        mounts=dict(_mounts()),
        control_groups=dict(_control_groups()),
        temporary_files={str(path): str(path) for path in Path(tempfile.gettempdir()).iterdir()},
    )


def leaked(before: Snapshot, *, settle_s: float = SETTLE_S) -> list[str]:
    """Wait until nothing is left beyond `before`; return what is still there after `settle_s`. Blocks."""
    deadline = time.monotonic() + settle_s
    collected = False
    while found := take().beyond(before):
        if not collected:
            # A socket in a reference cycle is closed by the collector: not a leak, only not yet collected.
            gc.collect()
            collected = True
        elif time.monotonic() > deadline:
            return found
        else:
            threading.Event().wait(0.02)
    return []


def _processes() -> Iterator[tuple[str, str]]:
    """Everyone in this network namespace, and our children, zombies among them, wherever they live.

    The key holds the start time, since pids are reused. A helper of a browser (its GPU process, say) has the browser's:
    one that a browser of a wider scope starts anew in the middle of a test goes with that browser.
    """
    # Plain calls, as this runs before and after each of ten thousand tests.
    network, us = _network_of("self"), os.getpid()
    for pid in os.listdir("/proc"):  # noqa: PTH208
        if pid.isdecimal() and int(pid) != us:
            with suppress(OSError):
                found = _Process(pid)
                if int(found.parent) == us or _network_of(pid) == network:
                    yield _browser_of(found).key, f"{pid} ({found.state}) {found.command[:200] or found.name}"


class _Process:
    """Raises OSError when there is none such any more."""

    def __init__(self, pid: str) -> None:
        self._pid = pid
        stat = _read(f"/proc/{pid}/stat")
        end = stat.rindex(b")") + 1
        self.name = stat[:end].decode(errors="replace")
        self.state, self.parent, *rest = stat[end + 1 :].decode().split()
        self.key = f"{pid}@{rest[17]}"

    @cached_property
    def command(self) -> str:
        return _read(f"/proc/{self._pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")


def _browser_of(process: _Process) -> _Process:
    """The browser that a process is a helper of; any other process itself, and a helper whose browser is gone."""
    above = process
    while "chrom" in above.command and " --type=" in above.command:
        try:
            above = _Process(above.parent)
        except OSError:
            return process
    return above if "chrom" in above.command.partition(" ")[0] else process


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read(4096)


def _network_of(pid: str) -> str | None:
    """The network namespace of a process; None for one that is ending."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net")  # noqa: PTH115
    except OSError:
        return None


def _descriptors() -> Iterator[tuple[str, str]]:
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a Path for each descriptor is slow, and this runs a lot
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
            if target not in KEPT_OPEN and not target.startswith("/proc/"):
                yield f"{number} {target}", f"{number} → {target}"


def _mounts() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        yield words[0], words[4]


def _control_groups() -> Iterator[tuple[str, str]]:
    """Groups below this process's own, and below `cloche` at the top of a v2 hierarchy."""
    from cloche.testing.surroundings import groups_below, own_control_groups

    for parent in own_control_groups():
        for group in groups_below(parent):
            yield group, group
