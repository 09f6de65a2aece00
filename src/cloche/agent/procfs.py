"""What the kernel says about processes, memory and network: `/proc`, parsed (proc_pid_stat(5), proc_net_dev(5)).

Nothing here trusts a process: names are cut and made printable, and a process that ends between two reads is
simply not there.
"""

import os
import time
from typing import Final, NamedTuple

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    pid: int
    name: str
    state: str
    """One letter; `Z` and `X` are dead."""
    ppid: int
    group: int
    session: int
    cpu_ticks: int
    """User and system time of it and of the children it has waited for."""
    started: int
    """Ticks after boot. Together with the pid it names a process for good."""
    rss_bytes: int

    @property
    def is_alive(self) -> bool:
        return self.state not in "ZX"


def parse_stat(text: str) -> Process:
    """Read one `/proc/PID/stat`. The name stands in brackets and may itself hold brackets and blanks.

    Raises:
        ValueError: it is not one.
    """
    head, opened, rest = text.partition(" (")
    name, closed, tail = rest.rpartition(") ")
    fields = tail.split()
    if not opened or not closed or len(fields) < 22:
        raise ValueError("not a stat line")
    user, system, waited_user, waited_system = fields[11:15]
    return Process(
        pid=int(head),
        name=printable(name)[:32],
        state=fields[0],
        ppid=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        cpu_ticks=int(user) + int(system) + int(waited_user) + int(waited_system),
        started=int(fields[19]),
        rss_bytes=int(fields[21]) * PAGE_BYTES,
    )


def read_process(pid: int) -> Process | None:
    try:
        return parse_stat(_read(f"/proc/{pid}/stat"))
    except (OSError, ValueError):
        return None


def read_processes() -> dict[int, Process]:
    """Return every process there is to see, by pid."""
    found = (read_process(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return {process.pid: process for process in found if process is not None}


def proportional_bytes(process: Process) -> int:
    """Return its share of memory (PSS: pages that several map count in parts), or its RSS where that is withheld.

    About 1 ms for a large process, so not for every turn of a watchdog.
    """
    try:
        text = _read(f"/proc/{process.pid}/smaps_rollup")
    except OSError:
        return process.rss_bytes
    kilobytes = _field(text, "Pss:")
    return process.rss_bytes if kilobytes is None else kilobytes * 1024


def oldest_age_s(processes: list[Process]) -> float:
    """Return how long the first of them has been running; `started` counts from boot, suspended time included."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return now - min((process.started for process in processes), default=0) / TICKS_PER_SECOND


def open_files(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0  # gone, or not ours to look at


def memory_total_bytes() -> int:
    return machine_memory_bytes()[1]


def machine_memory_bytes() -> tuple[int, int]:
    """Return what of the machine's memory is in use, and all of it. What the kernel could give back is not in use."""
    try:
        text = _read("/proc/meminfo")
    except OSError:
        return 0, 0
    total, available = (_field(text, key) or 0 for key in ("MemTotal:", "MemAvailable:"))
    return (total - available) * 1024, total * 1024


def machine_ticks() -> int:
    """Return the time that all processors have worked since boot, in ticks."""
    try:
        return parse_machine_ticks(_read("/proc/stat"))
    except (OSError, ValueError):
        return 0


def parse_machine_ticks(text: str) -> int:
    """Add up the first line of /proc/stat, without idle and iowait, and guests only once (proc_stat(5)).

    Raises:
        ValueError: it is none.
    """
    name, *fields = text.partition("\n")[0].split()
    if name != "cpu" or len(fields) < 8:
        raise ValueError("not a stat file")
    user, nice, system, _idle, _iowait, *others = (int(field) for field in fields[:8])
    return user + nice + system + sum(others)


def network_bytes() -> tuple[int, int]:
    """Return bytes received and sent by all interfaces since the network namespace was made."""
    try:
        return parse_net_dev(_read("/proc/net/dev"))
    except OSError:
        return 0, 0


def parse_net_dev(text: str) -> tuple[int, int]:
    received = sent = 0
    for line in text.splitlines():
        _, colon, counters = line.partition(":")
        fields = counters.split()
        if colon and len(fields) >= 9 and fields[0].isdigit() and fields[8].isdigit():
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent


def boot_id() -> str:
    try:
        return _read("/proc/sys/kernel/random/boot_id").strip()
    except OSError:
        return ""


def printable(text: str) -> str:
    """Replace what a terminal or a log could take for more than text."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def _field(text: str, key: str) -> int | None:
    for line in text.splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    return None


def _read(path: str) -> str:
    # A plain read: `open` builds three objects for a file that fits into one system call.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 64 * 1024).decode("utf-8", "replace")
    finally:
        os.close(fd)
