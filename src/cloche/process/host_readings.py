"""Reads how the machine stands: a dozen small kernel files, in well under a millisecond. Blocks.

The groups that count are those this process is in, up to the top: sandboxes' groups are made below the daemon's own,
where that is possible, and a limit above them binds all of them together.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.process.cgroup import CgroupMount, parse_mounts, parse_own_paths, read_field, read_number
from cloche.process.pressure import HostReadings, Stall, least, most, parse_loadavg, parse_meminfo, parse_stall

UNLIMITED: Final = 1 << 62
"""Version 1 writes "no limit" as the largest number of pages."""


class HostReader:
    """Finds the groups with its first reading, and believes that they stay: the daemon may move into one before."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._found: _Groups | None = None

    def read(self) -> HostReadings:
        """Read everything now. What cannot be read is None."""
        groups = self._found = self._found or _find_groups(self._root)
        proc = self._root / "proc"
        load = parse_loadavg(_text(proc / "loadavg"))
        memory = parse_meminfo(_text(proc / "meminfo"))
        cpu = parse_stall(_text(proc / "pressure/cpu"))
        memory_stalls, io_stalls = _stalls(proc, groups, "memory"), _stalls(proc, groups, "io")
        limits = [limit for directory in groups.memory if (limit := _memory_limit(directory)) is not None]
        return HostReadings(
            processors=os.cpu_count() or 1,
            load=load[0] if load else None,
            cpu_some=cpu.some if cpu else None,
            # On the whole machine something always runs: only of a group with a quota `full` says anything.
            cpu_full=most(*(stall.full for stall in _group_stalls(groups, "cpu"))),
            memory_full=most(*(stall.full for stall in memory_stalls)),
            io_full=most(*(stall.full for stall in io_stalls)),
            memory_total=least(memory[0] if memory else None, *limits),
            memory_available=least(memory[1] if memory else None, *(_memory_left(each) for each in groups.memory)),
            tasks_left=least(_tasks_left(proc, load[1] if load else None), *map(_group_tasks_left, groups.tasks)),
        )


class _Groups:
    def __init__(self, *, stalls: list[Path], memory: list[Path], tasks: list[Path]) -> None:
        self.stalls, self.memory, self.tasks = stalls, memory, tasks


def _find_groups(root: Path) -> _Groups:
    mountinfo, own = _text(root / "proc/self/mountinfo"), parse_own_paths(_text(root / "proc/self/cgroup"))
    unified = [path for mount in parse_mounts(mountinfo, "cgroup2") for path in _upward(root, mount, own.get("", "/"))]

    def of(controller: str) -> list[Path]:
        mounts = [mount for mount in parse_mounts(mountinfo, "cgroup") if controller in mount.controllers]
        return [path for mount in mounts for path in _upward(root, mount, own.get(controller, "/"))]

    return _Groups(stalls=unified, memory=[*unified, *of("memory")], tasks=[*unified, *of("pids")])


def _upward(root: Path, mount: CgroupMount, own_path: str) -> Iterator[Path]:
    """The group's directory and those above it. In a container that hides its own path, the mount itself."""
    top = root / mount.path.relative_to("/")
    found = root / mount.directory(own_path).relative_to("/")
    while found != top and found.is_relative_to(top):
        if found.is_dir():
            yield found
        found = found.parent
    yield top


def _stalls(proc: Path, groups: _Groups, resource: str) -> list[Stall]:
    whole = parse_stall(_text(proc / "pressure" / resource))
    return [*([whole] if whole else []), *_group_stalls(groups, resource)]


def _group_stalls(groups: _Groups, resource: str) -> list[Stall]:
    found = (parse_stall(_text(directory / f"{resource}.pressure")) for directory in groups.stalls)
    return [stall for stall in found if stall is not None]


def _memory_limit(directory: Path) -> int | None:
    limit = read_number(directory / "memory.max") or read_number(directory / "memory.limit_in_bytes")
    return limit if limit is not None and limit < UNLIMITED else None


def _memory_left(directory: Path) -> int | None:
    """What may still be charged to a group that has a limit. File cache nobody uses is given back under pressure."""
    if (limit := _memory_limit(directory)) is None:
        return None
    charged = read_number(directory / "memory.current") or read_number(directory / "memory.usage_in_bytes") or 0
    stat = directory / "memory.stat"
    cache = read_field(stat, "total_inactive_file") or read_field(stat, "inactive_file") or 0
    return limit - max(0, charged - cache)


def _tasks_left(proc: Path, tasks: int | None) -> int | None:
    kernel = proc / "sys/kernel"
    limit = least(read_number(kernel / "pid_max"), read_number(kernel / "threads-max"))
    return None if limit is None or tasks is None else limit - tasks


def _group_tasks_left(directory: Path) -> int | None:
    limit, current = read_number(directory / "pids.max"), read_number(directory / "pids.current")
    return None if limit is None or current is None else limit - current


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
