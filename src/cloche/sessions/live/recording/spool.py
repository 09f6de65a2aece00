"""Where a recording's frames wait until it has ended: sealed under a key in memory, in a file without a name.

Nothing of it can be read by anybody else, and nothing stays when the daemon ends, however it does. Everything here
blocks and is called in worker threads, one call at a time.
"""

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from cloche.vault.keyring import new_data_key
from cloche.vault.sealed import Opener, Sealer, context_of

_NO_TMPFILE: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})


class Spool:
    """Batches of frames, each a sealed stream of its own: what was written stays whole when the next does not fit."""

    def __init__(self, directory: Path) -> None:
        """Raises: OSError."""
        self._key = new_data_key()
        self._fd = _nameless(directory)
        self._ends: list[int] = []

    @property
    def batches(self) -> int:
        return len(self._ends)

    @property
    def size_bytes(self) -> int:
        """What it takes of the disk."""
        return self._ends[-1] if self._ends else 0

    def append(self, batch: bytes) -> None:
        """Raises: OSError; then nothing of the batch is there."""
        sealer = Sealer(self._key, self._context(self.batches))
        begin = self.size_bytes
        try:
            with memoryview(sealer.header + sealer.seal(batch) + sealer.finish()) as view:
                at = 0
                while at < len(view):
                    at += os.pwrite(self._fd, view[at:], begin + at)
                end = begin + at
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, begin)
            raise
        self._ends.append(end)

    def read(self, number: int) -> bytes:
        """A batch as it was appended. Raises: OSError, SealError."""
        begin = self._ends[number - 1] if number else 0
        opener = Opener(self._key, self._context(number))
        left, opened = self._ends[number] - begin, list[bytes]()
        while left and (piece := os.pread(self._fd, left, begin)):
            begin, left = begin + len(piece), left - len(piece)
            opened.append(opener.feed(piece))
        return b"".join([*opened, opener.finish()])

    def free_bytes(self) -> int:
        """What the file system has left for us. Raises: OSError."""
        return free_bytes(self._fd)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _context(self, number: int) -> bytes:
        return context_of("recording", number)


def free_bytes(of: Path | int) -> int:
    """Raises: OSError."""
    facts = os.statvfs(of)
    return facts.f_bavail * facts.f_frsize


def _nameless(directory: Path) -> int:
    try:
        return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in _NO_TMPFILE:
            raise
    fd, name = tempfile.mkstemp(prefix="recording-", dir=directory)  # some file systems have only files with names
    Path(name).unlink()
    return fd
