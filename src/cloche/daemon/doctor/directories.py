"""The state and run directories: writable, with room, and reachable by sandboxes where they have users of their own."""

import os
import shutil
import stat
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good, warning

STATE: Final = "state_dir"
STATE_MEANING: Final = "the state directory holds the database, the keys and the sandboxes' root image"
RUN: Final = "run_dir"
RUN_MEANING: Final = "the run directory holds the sockets of live sessions"

LEAST_FREE_BYTES: Final = 512 << 20
LONGEST_RUN_DIR: Final = 60
"""Below it comes `/<session>/<socket>`, and a unix socket's path holds at most 107 bytes (unix(7))."""


def check_state(settings: DoctorSettings) -> CheckResult:
    return judge(STATE, STATE_MEANING, settings.state_dir)


def check_run(settings: DoctorSettings) -> CheckResult:
    if len(os.fsencode(settings.run_dir)) > LONGEST_RUN_DIR:
        found = f"{settings.run_dir} is longer than {LONGEST_RUN_DIR} bytes: its sockets would have no room for a name"
        return bad(RUN, RUN_MEANING, found, "set CLOCHE_RUN_DIR to a shorter path, such as /run/cloche")
    return judge(RUN, RUN_MEANING, settings.run_dir, least_free_bytes=16 << 20)


def judge(name: str, meaning: str, directory: Path, *, least_free_bytes: int = LEAST_FREE_BYTES) -> CheckResult:
    """Judge the directory, or, where it is not made yet, the one it will be made in."""
    there = nearest_existing(directory)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        mend = f"install -d -o {os.geteuid()} -m 711 {directory}, or set CLOCHE_{name.upper()}"
        return bad(name, meaning, f"{there} cannot be written by this user", mend)
    if os.geteuid() == 0 and (closed := first_closed(there)) is not None:
        found = f"sessions' own users may not pass through {closed}"
        return bad(name, meaning, found, f"chmod o+x {closed}")
    free = shutil.disk_usage(there).free
    found = f"{directory}, {free >> 20} MiB free"
    if free < least_free_bytes:
        mend = f"make room on {there}: at least {least_free_bytes >> 20} MiB"
        return warning(name, meaning, found, mend)
    return good(name, meaning, found)


def nearest_existing(directory: Path) -> Path:
    return next(path for path in (directory, *directory.parents) if path.exists())


def first_closed(directory: Path) -> Path | None:
    """The first directory on the way that others may not pass through."""
    way = [*reversed(directory.parents), directory]
    return next((path for path in way if not path.stat().st_mode & stat.S_IXOTH), None)
