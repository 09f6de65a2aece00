"""What sandboxes leave on the host while they live, and must not leave after: asked of one daemon's own places."""

import asyncio
import time
from pathlib import Path

from cloche.ids import parse_session_id
from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.surroundings import groups_below, own_control_groups

SETTLE_S = 5.0


def traces(daemon: DaemonProcess) -> list[str]:
    """Directories (each also reserves a uid), processes and control groups of the daemon's sandboxes. Blocks."""
    own = daemon.pid if daemon.is_running else None
    processes = [f"{pid} {command}" for pid, command in processes_of(daemon.directory).items() if pid != own]
    # A group does not tell whose it is; one that has a directory elsewhere is another daemon's.
    others = {path.name for path in daemon.directory.parent.glob("*/run/ses_*")}
    groups = [str(path) for path in control_groups() if path.name.removeprefix("cloche-") not in others]
    return [str(path) for path in _listed(daemon.run_dir)] + processes + groups


async def await_no_traces(daemon: DaemonProcess) -> None:
    """Wait until nothing is left; the kernel needs a moment after the last process has ended."""
    deadline = time.monotonic() + SETTLE_S
    while found := await asyncio.to_thread(traces, daemon):
        assert time.monotonic() < deadline, "left behind:\n" + "\n".join(found)
        await asyncio.sleep(0.02)


async def await_removed(directory: Path) -> None:
    """Wait until a sandbox's directory is gone, which is a moment after its session is closed."""
    deadline = time.monotonic() + SETTLE_S
    while await asyncio.to_thread(directory.exists):
        assert time.monotonic() < deadline, f"left behind: {directory}"
        await asyncio.sleep(0.02)


def control_groups() -> list[Path]:
    """The groups of sandboxes, of every daemon of this test run."""
    found = (Path(path) for parent in own_control_groups() for path in groups_below(parent))
    return [path for path in found if path.name.startswith("cloche-ses_")]


def _listed(run_dir: Path) -> list[Path]:
    """Everything in a run directory but the lock that is always there."""
    return [path for path in run_dir.iterdir() if path.name != ".lock"] if run_dir.is_dir() else []


def live_ids(daemon: DaemonProcess) -> set[str]:
    """The sessions that have a directory."""
    return {parse_session_id(path.name) for path in _listed(daemon.run_dir)}
