"""Have the kernel take a filter program, for every thread of this process."""

import ctypes
import platform
from typing import Final

from cloche.process.seccomp.filter_table import MACHINES, Calls, filter_program

NOT_CONFINED: Final = 78
"""Exit code: there is no such wall on this machine, and nothing is done without it (EX_CONFIG of sysexits.h)."""
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1


class NotConfinedError(Exception):
    pass


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def shut(*, threads: bool, calls: Calls = Calls.COMPUTE) -> None:
    """Give up all system calls but those that `calls` take. `threads`: more of them may be started.

    Raises: NotConfinedError.
    """
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise NotConfinedError(f"no list of system calls for {platform.machine()}")
    code = filter_program(machine, threads=threads, calls=calls)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise NotConfinedError("no_new_privs was refused")
    flags = ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC)
    number, mode = ctypes.c_long(machine.seccomp), ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER)
    if libc.syscall(number, mode, flags, ctypes.byref(program)) != 0:
        raise NotConfinedError(f"seccomp was refused: errno {ctypes.get_errno()}")
