"""How many heaps the C library makes for this process's threads (mallopt(3), M_ARENA_MAX)."""

import ctypes
from typing import Final

M_ARENA_MAX: Final = -8
"""Of malloc.h."""
FEW: Final = 2
"""glibc's own choice is eight for each core. The daemon's threads mostly wait or hold the interpreter's lock, so they
hardly ever meet in `malloc`; and what one heap has free no other can use. With two of them the daemon is 2.5 MiB
smaller when it starts and 3 MiB after 240 sessions (2 cores)."""


def share_arenas(most: int = FEW) -> bool:
    """Have all threads share so many heaps. Before the first thread; False: this C library has no such setting."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(M_ARENA_MAX, most))
