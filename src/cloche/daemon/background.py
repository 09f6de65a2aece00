"""A daemon in the background: find the one of a state directory, start one, end it. For tools on the same machine.

A daemon is known by pid and start time together, as its record has them; a bare pid is never trusted.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, Final

from cloche.daemon.record import DaemonRecord
from cloche.process.pidfd import ProcessHandle, ProcessIdentity, boot_id, start_time

LOG_NAME: Final = "daemon.log"
MAX_LOG_BYTES: Final = 16 << 20
"""Past this size the log of earlier daemons is set aside (as `daemon.log.1`) before one is started."""


def find_running(state_dir: Path) -> DaemonRecord | None:
    """The daemon that has written its record and still lives; None otherwise, also for a broken record."""
    try:
        value = json.loads((state_dir / "daemon.json").read_text())
        found = DaemonRecord(
            pid=int(value["pid"]),
            start_time=int(value["start_time"]),
            http=str(value["http"]),
            grpc=str(value.get("grpc", "")),  # a daemon from before there was gRPC may still run
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if start_time(found.pid) == found.start_time else None


def start(state_dir: Path) -> "subprocess.Popen[bytes]":
    """Start `cloche serve`, detached from this terminal, its log in the state directory. Raises OSError."""
    state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    with open_log(state_dir / LOG_NAME) as log:
        return subprocess.Popen(
            [sys.executable, "-m", "cloche.cli.main", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def open_log(path: Path) -> BinaryIO:
    """Open it for appending, readable for its owner alone."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def stop(record: DaemonRecord, *, timeout_s: float) -> bool:
    """Ask a daemon to stop and wait for its end; False when it has not ended in time."""
    handle = ProcessHandle.open(ProcessIdentity(record.pid, record.start_time, boot_id()))
    if handle is None:
        return True
    try:
        handle.send(signal.SIGTERM)
        return asyncio.run(handle.wait(timeout_s))
    finally:
        handle.close()


def log_tail(state_dir: Path, lines: int) -> str:
    """The end of the log, for a person who wonders why."""
    try:
        text = (state_dir / LOG_NAME).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
