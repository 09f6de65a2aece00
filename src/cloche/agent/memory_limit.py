"""How much memory the agent's own control group may take (cgroup v2: memory.max; v1: memory.limit_in_bytes).

For an agent that nobody told: one in a container, started by hand. Inside a cgroup namespace its group is the root
of what it sees; without one the path that /proc/self/cgroup names may not be mounted, and the root of what is mounted
then is the container's own.
"""

from typing import Final

_ROOT: Final = "/sys/fs/cgroup"
_MOST: Final = 1 << 60
"""v1 says "no limit" with the largest multiple of a page that fits into 63 bits."""


def memory_limit_bytes(proc_cgroup: str = "/proc/self/cgroup", root: str = _ROOT) -> int:
    """Return the smallest limit from the agent's group up to the root; 0 where there is none to be found."""
    limits = [limit for path in limit_files(_text(proc_cgroup), root) if (limit := parse_limit(_text(path)))]
    return min(limits, default=0)


def limit_files(proc_cgroup: str, root: str) -> list[str]:
    """Name the files that can hold a limit, from what /proc/self/cgroup says (cgroups(7)). Pure."""
    files: list[str] = []
    for line in proc_cgroup.splitlines():
        _, controllers, path = ([*line.split(":", 2), "", ""])[:3]
        if not controllers:
            files += [f"{root}{above}/memory.max" for above in _upward(path)]
        elif "memory" in controllers.split(","):
            files += [f"{root}/memory{above}/memory.limit_in_bytes" for above in _upward(path)]
    return files


def parse_limit(text: str) -> int:
    """Read one of these files; 0 for `max`, for v1's way of saying so, and for what is no number. Pure."""
    text = text.strip()
    return limit if text.isascii() and text.isdigit() and (limit := int(text[:20])) < _MOST else 0


def _upward(path: str) -> list[str]:
    """`/a/b`, `/a` and the root, which is empty. A path that leads out of a namespace (`/../a`) is the root alone."""
    parts = [part for part in path.split("/") if part]
    if ".." in parts:
        return [""]
    return ["".join(f"/{part}" for part in parts[:end]) for end in range(len(parts), -1, -1)]


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(64 * 1024)
    except OSError:
        return ""
