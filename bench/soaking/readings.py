"""Everything that a daemon and its sessions could leave behind, counted from outside while no session lives."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace.uid_range import UidRange
from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.daemon_facts import descriptors_of, metric, resident_bytes
from cloche.testing.surroundings import own_control_groups
from processes import memory, tree
from soaking.growth import Limit

MIB: Final = 2**20
NOT_ENDED: Final = "rows: sessions that have not ended"
# What a server keeps of sessions that have ended: a row each, its events, its part of the journal.
HISTORY: Final = frozenset({"sessions", "session_events", "session_labels", "audit_events", "audit_segments"})

FULL: Final = 250
"""Sessions until memory has reached its size, as measured with `--plain`: SQLite's page cache is full after 200, its
cursors' table and the interpreter's small caches before that, and the heaps have most of their holes by then."""

# Of the daemon's process: they begin anew with every daemon. The resident size holds what allocators keep for later;
# what is in use says whether somebody holds on to something.
DAEMON_KINDS: Final[dict[str, Limit | None]] = {
    "RSS, MiB": Limit(whole=2, per_thousand=1, after=FULL),
    "PSS, MiB": Limit(whole=2, per_thousand=1, after=FULL),
    "heap in use, MiB": Limit(whole=1, per_thousand=0.5, after=FULL),
    "Python blocks": Limit(whole=2000, per_thousand=1000, after=FULL),
    # A pool grows by one when more is wanted at once than ever before: a connection to the database, which is two
    # descriptors, or a thread. It is bounded, and may happen late.
    "descriptors": Limit(whole=2.5),
    "threads": Limit(whole=3.5),
    "asyncio tasks": Limit(whole=0.5),
}
# Of the machine: they outlive every daemon.
MACHINE_KINDS: Final[dict[str, Limit | None]] = {
    "control groups": Limit(whole=0.5),
    "mounts": Limit(whole=0.5),
    "processes": Limit(whole=0.5),
    "uids reserved": Limit(whole=0.5),
    "run directory, entries": Limit(whole=0.5),
    "run directory, MiB": Limit(whole=0.1),
    NOT_ENDED: Limit(whole=0.5),
    "state directory, MiB": None,
}


def limit_of(kind: str) -> Limit | None:
    """What a kind may grow by; None for what a server keeps on purpose."""
    if kind.removeprefix("rows: ") in HISTORY:
        return None
    return (DAEMON_KINDS | MACHINE_KINDS).get(kind, Limit(whole=0.5))


async def take(daemon: DaemonProcess) -> dict[str, float]:
    """Count everything, by kind. What waits in a warm pool is counted too: a soak's pool is always of one size."""
    pid = daemon.pid
    ours = tree(pid) | set(processes_of(daemon.directory))
    entries = list(daemon.run_dir.rglob("*"))
    return {
        "RSS, MiB": resident_bytes(pid) / MIB,
        "PSS, MiB": memory([pid]).pss_mb,
        "heap in use, MiB": await metric(daemon, "cloche_heap_bytes", state="in_use") / MIB,
        "Python blocks": await metric(daemon, "cloche_python_blocks"),
        "descriptors": descriptors_of(pid),
        "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
        "asyncio tasks": await metric(daemon, "cloche_asyncio_tasks"),
        "control groups": sum(path.is_dir() for parent in own_control_groups() for path in parent.rglob("*")),
        "mounts": len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines()),
        "processes": len(ours),
        "uids reserved": len(_uids(daemon.run_dir)),
        "run directory, entries": len(entries),
        "run directory, MiB": _size_mb(entries),
        "state directory, MiB": _size_mb(daemon.state_dir.rglob("*")),
        **{f"rows: {table}": count for table, count in rows(daemon.state_dir / "cloche.db").items()},
        NOT_ENDED: _not_ended(daemon.state_dir / "cloche.db"),
    }


def rows(database: Path) -> dict[str, int]:
    """How many there are in each table."""
    with contextlib.closing(_open(database)) as connection:
        named = connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
        return {
            table: connection.execute(f'select count(*) from "{table}"').fetchone()[0]
            for (table,) in named
            if not table.startswith(("sqlite_", "alembic_"))
        }


def _not_ended(database: Path) -> int:
    with contextlib.closing(_open(database)) as connection:
        count: int = connection.execute("select count(*) from sessions where closed_at is null").fetchone()[0]
        return count


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)


def _uids(run_dir: Path) -> set[int]:
    """Who holds one is written as the group of a run directory."""
    own, found = UidRange(), set()
    for path in run_dir.iterdir():
        with contextlib.suppress(OSError):
            found |= {path.stat().st_gid} if path.stat().st_gid in own else set()
    return found


def _size_mb(paths: "Iterator[Path] | list[Path]") -> float:
    total = 0
    for path in paths:
        # It may go between the listing and the look.
        with contextlib.suppress(OSError):
            if path.is_file():
                total += path.stat().st_blocks * 512
    return total / MIB
