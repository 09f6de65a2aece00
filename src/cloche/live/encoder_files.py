"""What of this machine goes inside the encoder child's walls, and who may put those up. Reads the file system."""

import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Final

from cloche.errors import StartError
from cloche.live.encoder_argv import Builder, EncoderWalls, PythonFiles
from cloche.process import seccomp

NOT_CONFINED: Final = "encoder_not_confined"
_CAP_SYS_ADMIN: Final = 21


def find_walls(bwrap: str) -> EncoderWalls:
    """Look up all that `encoder_argv` needs. Blocks for some milliseconds.

    Raises:
        StartError: bubblewrap, setpriv or PyAV is not there (`encoder_not_confined`, `encoder_missing`).
    """
    builder = who_builds()
    return EncoderWalls(
        bwrap=_program(bwrap),
        builder=builder,
        setpriv=None if builder is Builder.USER else _program("setpriv"),
        python=_python_files(),
    )


def who_builds() -> Builder:
    if os.geteuid() != 0:
        return Builder.USER
    return Builder.ROOT if has_capability(Path("/proc/self/status").read_text(), _CAP_SYS_ADMIN) else Builder.NOBODY


def has_capability(status: str, number: int) -> bool:
    """Whether it is in the effective set that a `/proc/<pid>/status` tells (proc(5))."""
    line = next((line for line in status.splitlines() if line.startswith("CapEff:")), "CapEff: 0")
    return bool(int(line.split()[1], 16) >> number & 1)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StartError("the encoder's walls cannot be put up", reason=NOT_CONFINED, missing=Path(name).name)
    return str(Path(found).resolve())


def _python_files() -> PythonFiles:
    # Found, and not imported: no decoder belongs into the daemon.
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:
        raise StartError("the video library is not installed", reason="encoder_missing")
    base = {"installed_base": sys.base_prefix, "base": sys.base_prefix}
    return PythonFiles(
        program=Path(sys.executable).resolve(),
        version=f"python{sys.version_info.major}.{sys.version_info.minor}",
        library_dir=sys.platlibdir,
        standard_library=Path(sysconfig.get_path("stdlib", vars=base)).resolve(),
        shared_library=shared_library(Path("/proc/self/maps").read_text()),
        av=Path(spec.origin).resolve().parent,
        code=Path(__file__).resolve().parent / "encoder",
        seccomp=Path(seccomp.__file__).resolve().parent,
    )


def shared_library(maps: str) -> Path | None:
    """The libpython among the files that a `/proc/<pid>/maps` tells (proc(5)); None where it is part of the program."""
    for line in maps.splitlines():
        # address, rights, offset, device, inode, path
        path = Path(line.split(maxsplit=5)[-1])
        if path.name.startswith("libpython"):
            return path
    return None
