"""What a running daemon leaves in its state directory for tools on the same machine: who it is and where it listens.

`daemon.json` names the process by pid and start time (a pid alone may be another process by now), and is removed at
the end. `admin.key` is made at the first start unless a key is set otherwise. A lock keeps two daemons off one state.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cloche.errors import ConflictError
from cloche.process.pidfd import start_time


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonRecord:
    pid: int
    start_time: int
    """In clock ticks since boot: field 22 of /proc/<pid>/stat (proc(5))."""
    http: str
    """host:port"""
    grpc: str = ""
    """host:port; empty where gRPC is off."""


@contextlib.contextmanager
def only_daemon(state_dir: Path) -> Iterator[None]:
    """Hold the state directory for this process.

    Raises:
        ConflictError: another daemon holds it.
    """
    descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError("another daemon is running on this state directory") from None
        yield
    finally:
        os.close(descriptor)


def write(state_dir: Path, *, http: str, grpc: str = "") -> None:
    record = DaemonRecord(pid=os.getpid(), start_time=start_time(os.getpid()) or 0, http=http, grpc=grpc)
    _write_private(state_dir / "daemon.json", json.dumps(asdict(record)))


def remove(state_dir: Path) -> None:
    (state_dir / "daemon.json").unlink(missing_ok=True)


def write_admin_key(state_dir: Path, secret: str) -> None:
    _write_private(state_dir / "admin.key", secret + "\n")


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
