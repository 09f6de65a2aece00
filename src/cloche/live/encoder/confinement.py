"""The innermost wall, which the child puts up around itself: limits at once, seccomp when all it needs is loaded."""

import ctypes
import os
import platform
import resource
from typing import Final

from cloche.live.encoder.filter_table import MACHINES, filter_program

NOT_CONFINED: Final = 78
"""Exit code: there is no such wall on this machine, and nothing is decoded without it (EX_CONFIG of sysexits.h)."""
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1


class NotConfinedError(Exception):
    pass


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def limit(memory_bytes: int, *, file_bytes: int = 0, open_files: int = 64, nice: int = 0) -> None:
    """Set limits that cannot be raised again. `file_bytes`: of one file; a recording is written into memory as one."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    if nice:
        os.nice(nice)


def shut(*, threads: bool) -> None:
    """Give up all system calls but those that computing takes; for every thread, for good.

    Raises: NotConfinedError.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise NotConfinedError(f"no list of system calls for {platform.machine()}")
    code = filter_program(machine, threads=threads)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise NotConfinedError("no_new_privs was refused")
    flags = ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC)
    number, mode = ctypes.c_long(machine.seccomp), ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER)
    if libc.syscall(number, mode, flags, ctypes.byref(program)) != 0:
        raise NotConfinedError(f"seccomp was refused: errno {ctypes.get_errno()}")
