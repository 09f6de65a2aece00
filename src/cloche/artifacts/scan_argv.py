"""The walls around a scanner's command. Pure.

    prlimit → setpriv (only as root: become nobody) → bwrap: no network, the host's programs read-only, little else

A scanner parses what an enemy wrote, so it is given nothing worth having: no network, no sockets in /run, no homes, and
none of what this server keeps.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

NOBODY: Final = "65534"
SCRATCH_BYTES: Final = 256 << 20
_HIDDEN: Final = ("/run", "/home", "/root", "/tmp", "/var/tmp", "/mnt", "/media", "/srv")  # noqa: S108


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanWalls:
    bwrap: str
    prlimit: str
    setpriv: str | None
    """None: we are not root, and stay who we are."""
    hidden: tuple[Path, ...]
    """What the command must not see: the directories of this server."""
    cpu_s: int
    memory_bytes: int = 4 << 30
    open_files: int = 256


def scan_argv(walls: ScanWalls, command: Sequence[str], *, exists: frozenset[str]) -> list[str]:
    """Render the command line. `exists`: which of `places_to_hide` are there; nothing can be put over the others."""
    return [
        *(walls.prlimit, "--core=0:0", f"--cpu={walls.cpu_s}:{walls.cpu_s}", f"--as={walls.memory_bytes}"),
        *(f"--nofile={walls.open_files}:{walls.open_files}", f"--fsize={SCRATCH_BYTES}:{SCRATCH_BYTES}", "--"),
        *_become_nobody(walls.setpriv),
        *(walls.bwrap, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"),
        *("--unshare-cgroup", "--uid", NOBODY, "--gid", NOBODY, "--hostname", "scanner", "--cap-drop", "ALL"),
        *("--new-session", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"),
        *(word for place in _outermost(exists & set(places_to_hide(walls))) for word in _hide(place)),
        "--clearenv",
        *("--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8", "--chdir", "/"),
        "--",
        *command,
    ]


def places_to_hide(walls: ScanWalls) -> tuple[str, ...]:
    return (*_HIDDEN, *(str(path) for path in walls.hidden))


def _outermost(places: Set[str]) -> list[str]:
    """What lies in a hidden place is hidden with it, and nothing could be mounted there any more."""
    return sorted(place for place in places if not any(str(parent) in places for parent in PurePath(place).parents))


def _hide(place: str) -> list[str]:
    if place == "/tmp":  # noqa: S108
        return ["--perms", "1777", "--size", str(SCRATCH_BYTES), "--tmpfs", place]
    return ["--perms", "0755", "--size", "4096", "--tmpfs", place, "--remount-ro", place]


def _become_nobody(setpriv: str | None) -> list[str]:
    if setpriv is None:
        return []
    who = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
    return [setpriv, *who, "--inh-caps", "-all", "--no-new-privs", "--"]
