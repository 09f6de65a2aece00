"""Who a process is, and waiting for its end without ever trusting a bare pid.

A pid is reused; boot id, pid and start time together are not. A pidfd (pidfd_open(2)) pins the process it was opened
for: a signal sent through it can reach no other, and it becomes readable when the process ends.
"""

import contextlib
import os
import select
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.process.readiness import wait_readable


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process of one boot. `start_time` is field 22 of /proc/<pid>/stat: clock ticks since boot (proc(5))."""

    pid: int
    start_time: int
    boot_id: str

    def encode(self) -> dict[str, Any]:
        return {"pid": self.pid, "start_time": self.start_time, "boot_id": self.boot_id}


def parse_identity(value: object) -> ProcessIdentity | None:
    """Read what `encode` gave; None for anything else, since a description may come from another version."""
    if not isinstance(value, Mapping):
        return None
    pid, start_time, boot = value.get("pid"), value.get("start_time"), value.get("boot_id")
    if not isinstance(pid, int) or not isinstance(start_time, int) or not isinstance(boot, str) or pid <= 0:
        return None
    return ProcessIdentity(pid, start_time, boot)


def boot_id() -> str:
    """The kernel's random name for this boot (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> ProcessIdentity | None:
    """Tell who has this pid now; None when no one has."""
    started = start_time(pid)
    return None if started is None else ProcessIdentity(pid, started, boot_id())


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the process's start; None when there is no such process or only its zombie."""
    try:
        fields = _stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/<pid>/stat from the third, the state, on."""
    text = Path(f"/proc/{pid}/stat").read_bytes()
    # The name in parentheses may itself hold spaces and parentheses, so fields are counted from the last one.
    return text[text.rindex(b")") + 2 :].split()


class ProcessHandle:
    """Owns a pidfd. Whoever opened it closes it; every method is harmless after the process has ended."""

    def __init__(self, identity: ProcessIdentity, fd: int) -> None:
        self.identity = identity
        self._fd = fd

    @classmethod
    def open(cls, identity: ProcessIdentity) -> "ProcessHandle | None":
        """Pin a process; None when it is gone, or when its pid belongs to another by now."""
        if identity.boot_id != boot_id():
            return None
        try:
            fd = os.pidfd_open(identity.pid)
        except ProcessLookupError:
            return None
        # Checked after opening: from here on the descriptor cannot come to mean another process.
        if start_time(identity.pid) != identity.start_time:
            os.close(fd)
            return None
        return cls(identity, fd)

    @classmethod
    def open_child(cls, pid: int) -> "ProcessHandle":
        """Pin a child of ours that has not been reaped, be it dead or alive: nobody else can have its pid."""
        return cls(ProcessIdentity(pid, int(_stat(pid)[19]), boot_id()), os.pidfd_open(pid))

    @classmethod
    def open_pid(cls, pid: int) -> "ProcessHandle | None":
        """Pin whoever has this pid now. The caller checks afterwards that it is who was meant."""
        identity = identify(pid)
        return None if identity is None else cls.open(identity)

    @property
    def fd(self) -> int:
        return self._fd

    def is_alive(self) -> bool:
        if self._fd < 0:
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return not poll.poll(0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended."""
        if self._fd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    async def wait(self, timeout_s: float) -> bool:
        """Wait for the end; False when it has not come in time."""
        if not self.is_alive():
            return True
        return await wait_readable(self._fd, timeout_s) or not self.is_alive()

    def reap(self) -> None:
        """Take note of its end if it has become a child of ours; nothing happens when it is another's, or runs."""
        if self._fd >= 0:
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PIDFD, self._fd, os.WEXITED | os.WNOHANG)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
