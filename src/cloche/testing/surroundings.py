"""Control groups and a temporary directory that belong to one test run alone, so that two runs never see each other."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.process.cgroup import parse_mounts, parse_own_paths
from cloche.testing import images

V1_CONTROLLERS: Final = frozenset({"memory", "pids", "cpu", "cpuacct", "freezer"})


@contextlib.contextmanager
def own_surroundings() -> Iterator[None]:
    """Give this process a temporary directory and, where it may, v1 control groups of its own; take them back after."""
    with _temporary_directory(), _control_groups():
        yield


def own_control_groups() -> list[Path]:
    """The directories below which a daemon that we start makes its groups; none where it may not."""
    own = parse_own_paths(Path("/proc/self/cgroup").read_text())
    mountinfo = Path("/proc/self/mountinfo").read_text()
    found = {
        mount.directory(own.get(controller, "/"))
        for mount in parse_mounts(mountinfo, "cgroup")
        for controller in mount.controllers & V1_CONTROLLERS
    }
    for mount in parse_mounts(mountinfo, "cgroup2"):
        found |= {mount.directory(own.get("", "/")) / "cloche", mount.path / "cloche"}
    return [path for path in sorted(found) if path.is_dir() and os.access(path, os.W_OK)]


def groups_below(parent: Path | str) -> Iterator[str]:
    """Every group below this one. Some may have gone by the time they are told."""
    # A group has two links and one more for each below it: most have none, and dozens of files that need no look.
    try:
        if os.stat(parent).st_nlink <= 2:  # noqa: PTH116 - asked very often
            return
        with os.scandir(parent) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:  # it went while it was looked at: ENOENT or ENODEV
        return
    for path in below:
        yield path
        yield from groups_below(path)


@contextlib.contextmanager
def _temporary_directory() -> Iterator[None]:
    outer = tempfile.gettempdir()
    directory = Path(tempfile.mkdtemp(prefix="ct-"))
    # Sessions have uids of their own and walk through it.
    directory.chmod(0o711)
    kept = directory / "images"
    kept.mkdir()
    # pytest's own tmp_path stays outside: it is kept for a look after a failure.
    temproot = os.environ.get("PYTEST_DEBUG_TEMPROOT", outer)
    changed = {"TMPDIR": str(directory), "PYTEST_DEBUG_TEMPROOT": temproot, images.VARIABLE: str(kept)}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    tempfile.tempdir = None
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        tempfile.tempdir = None
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _control_groups() -> Iterator[None]:
    """Move into a fresh group in every v1 hierarchy that we may write to, and back at the end."""
    parents = [path for path in own_control_groups() if path.name != "cloche"]
    name = f"cloche-tests-{os.getpid()}"
    for parent in parents:
        for stale in parent.glob("cloche-tests-*"):
            # Of a run that was killed. A group that somebody is in cannot be removed.
            with contextlib.suppress(OSError):
                stale.rmdir()
        (parent / name).mkdir()
        (parent / name / "cgroup.procs").write_text("0")
    try:
        yield
    finally:
        for parent in parents:
            (parent / "cgroup.procs").write_text("0")
            # Busy while something the tests left runs in it: the leak check has named that already.
            with contextlib.suppress(OSError):
                (parent / name).rmdir()
