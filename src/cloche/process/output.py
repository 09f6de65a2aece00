"""What a child writes to its standard error, kept in memory and bounded by the kernel.

A pipe would break when the daemon goes away before the child, and fill when nobody reads; a file on disk would let
the child fill the disk. A memfd of fixed size that is sealed against growing (memfd_create(2), F_SEAL_GROW) does
neither: the child writes from the start, and once the space is used up its writes fail with EPERM. What is kept is
thus the beginning, where the reason of a failed start stands. The pages are charged to the child's own cgroup.
"""

import fcntl
import os
from typing import Final

DEFAULT_SIZE_BYTES: Final = 256 * 1024

MAX_READ_BYTES: Final = 1 << 20

# From linux/fcntl.h; Python 3.11's fcntl has them on Linux.
_SEALS: Final = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class SealedOutput:
    """Owns the memfd. `fd` is for the child's stdout and stderr; both write at the same, shared position."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def create(cls, size_bytes: int = DEFAULT_SIZE_BYTES) -> "SealedOutput":
        fd = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, size_bytes)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        return cls(fd)

    @classmethod
    def of_process(cls, pid: int) -> "SealedOutput | None":
        """Open the standard error of a process that an earlier daemon started; None where that is not allowed."""
        try:
            return cls(os.open(f"/proc/{pid}/fd/2", os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return None

    @property
    def fd(self) -> int:
        return self._fd

    def read(self) -> bytes:
        """Return what has been written so far; does not move the child's position."""
        if self._fd < 0:
            return b""
        return os.pread(self._fd, MAX_READ_BYTES, 0).rstrip(b"\0")

    def tail(self, max_bytes: int = 4096) -> str:
        """The end of what was written, as text fit for a log field."""
        return self.read()[-max_bytes:].decode(errors="replace").strip()

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
