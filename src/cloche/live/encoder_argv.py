"""The walls around the encoder child, as a command line. Pure.

    bwrap: nothing but a Python, PyAV and their libraries, read-only; no network, no /proc, nothing to write to
      └─ setpriv (only as root: become nobody) └─ python └─ limits and seccomp, which it puts up itself (`confinement`)

Who the child is, and who puts up the walls:

- an ordinary user: bubblewrap makes a user namespace, in which the child is nobody;
- root, who may mount: bubblewrap works as root, since this Python may lie where only root can read; inside the walls
  setpriv becomes the host's nobody, without any capability. In a user namespace the child would be the host's root;
- root of a container, who may not mount: nobody first, who then makes a user namespace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

NOBODY: Final = "65534"
PYTHON: Final = "/python"
_SHARED: Final = "/python/shared"
CODE: Final = "/code"
SITE: Final = "/site"
_SETPRIV: Final = "/bin/setpriv"
_LIBRARIES: Final = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache")

_START: Final = (
    f"import sys; sys.path += ['{CODE}', '{SITE}']; from cloche.live.encoder.main import main; main(sys.argv[1:])"
)


class Builder(StrEnum):
    """Who puts up the walls."""

    USER = "user"
    ROOT = "root"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFiles:
    """What the child needs of this machine, as it lies on the host."""

    program: Path
    version: str
    """`python3.11`: the name of the program and of its directory."""
    library_dir: str
    """What the directory of libraries is called: `lib`, on some machines `lib64`."""
    standard_library: Path
    shared_library: Path | None
    """libpython, where the program is linked with it."""
    av: Path
    """The package; its own libraries lie beside it in `av.libs`."""
    code: Path
    """The directory of `cloche.live.encoder`."""
    seccomp: Path
    """The directory of `cloche.process.seccomp`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderWalls:
    bwrap: str
    builder: Builder
    setpriv: str | None
    """None where `builder` is `USER`."""
    python: PythonFiles


def encoder_argv(walls: EncoderWalls, words: Sequence[str], *, program: str = _START) -> list[str]:
    """Render the command line. `words`: what `encoder.main` takes. `program`: another to try the walls with."""
    files = walls.python
    return [
        *_become(walls, Builder.NOBODY),
        walls.bwrap,
        *_namespaces(walls),
        # Not as the first process of its namespace: that is bubblewrap, whose death ends everything in there. A signal
        # from it, as it dies, would not reach a child that has become another user.
        *("--new-session", "--die-with-parent"),
        *(word for place in _directories(files) for word in ("--perms", "0755", "--dir", place)),
        *(word for place in _LIBRARIES for word in ("--ro-bind-try", place, place)),
        *_bind(files.program, f"{PYTHON}/bin/{files.version}"),
        *_bind(files.standard_library, f"{PYTHON}/{files.library_dir}/{files.version}"),
        *(_bind(files.shared_library, f"{_SHARED}/{files.shared_library.name}") if files.shared_library else ()),
        *_bind(files.av, f"{SITE}/av"),
        *("--ro-bind-try", str(files.av.with_name("av.libs")), f"{SITE}/av.libs"),
        *_bind(files.code, f"{CODE}/cloche/live/encoder"),
        *_bind(files.seccomp, f"{CODE}/cloche/process/seccomp"),
        *(_bind(Path(walls.setpriv), _SETPRIV) if walls.builder is Builder.ROOT and walls.setpriv else ()),
        *("--remount-ro", "/", "--chdir", "/", "--clearenv", "--setenv", "LANG", "C.UTF-8"),
        *(("--setenv", "LD_LIBRARY_PATH", _SHARED) if files.shared_library else ()),
        "--",
        *_become(walls, Builder.ROOT, _SETPRIV),
        *(f"{PYTHON}/bin/{files.version}", "-I", "-S", "-B", "-c", program, *words),
    ]


def _namespaces(walls: EncoderWalls) -> list[str]:
    all_but_user = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup"]
    hostname = ["--hostname", "encoder"]
    if walls.builder is Builder.ROOT:
        # Of the capabilities only those that setpriv needs to become nobody, with whom they end.
        return [*all_but_user, *hostname, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return ["--unshare-user", "--uid", NOBODY, "--gid", NOBODY, *all_but_user, *hostname, "--cap-drop", "ALL"]


def _directories(files: PythonFiles) -> tuple[str, ...]:
    """Above what is bound. By itself bubblewrap may make them for their owner only, who is root and not the child."""
    python = (PYTHON, f"{PYTHON}/bin", f"{PYTHON}/{files.library_dir}", _SHARED)
    code = (CODE, f"{CODE}/cloche", f"{CODE}/cloche/live", f"{CODE}/cloche/process")
    return ("/usr", "/usr/local", "/etc", "/bin", *python, SITE, *code)


def _become(walls: EncoderWalls, builder: Builder, setpriv: str = "") -> list[str]:
    if walls.builder is not builder or not (setpriv or walls.setpriv):
        return []
    who = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--inh-caps", "-all", "--no-new-privs"]
    return [setpriv or str(walls.setpriv), *who, "--"]


def _bind(source: Path, target: str) -> tuple[str, str, str]:
    return "--ro-bind", str(source), target
