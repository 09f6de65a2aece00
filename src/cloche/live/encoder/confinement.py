"""The innermost wall, which the child puts up around itself: limits at once, seccomp when all it needs is loaded."""

import os
import resource

from cloche.process.seccomp.install import NOT_CONFINED, NotConfinedError, shut

__all__ = ["NOT_CONFINED", "NotConfinedError", "limit", "shut"]


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
