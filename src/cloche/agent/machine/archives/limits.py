"""What an archive may hold, and how a refusal is told."""

from typing import Final

from cloche.agent.machine.problem import Problem

MAX_ENTRIES: Final = 100_000
MAX_TOTAL_BYTES: Final = 4 << 30
"""Of all files together, unpacked; of a zip also as it is sent."""
MAX_NAME_BYTES: Final = 4096
MAX_COMPONENT_BYTES: Final = 255
MAX_DEPTH: Final = 256
"""Directories that lie in each other, in both directions: a descriptor is held of each."""
MAX_REMEMBERED_BYTES: Final = 16 << 20
"""Of the names of directories and links, which are kept until the end of an upload."""

MAX_RATIO: Final = 200
"""How many times its size a zip may unpack to. Chromium's caches hold files of nothing but zeros, which deflate to a
thousandth: so the archive as a whole is measured, and what stays below `FREE_BYTES` may be as thin as it likes."""
FREE_BYTES: Final = 64 << 20

MAX_ENTRIES_SENT: Final = 1_000_000
MAX_UPLOADS: Final = 8
"""At once."""


class Tally:
    """Counts what an archive holds, as announced and as it really is; every method raises `Problem` past a limit."""

    def __init__(self, free_bytes: int = MAX_TOTAL_BYTES) -> None:
        """`free_bytes`: what the file system has left."""
        self.entries = self.announced_bytes = 0
        self._free_bytes = free_bytes

    def count(self, size: int) -> None:
        """One more entry, of so many bytes unpacked."""
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise too_many_entries()
        self.announced_bytes += size
        if self.announced_bytes > MAX_TOTAL_BYTES:
            raise too_large()
        if self.announced_bytes > self._free_bytes:
            raise Problem(507, "storage_full", "there is not enough space left in the session")


def check_ratio(unpacked_bytes: int, packed_bytes: int) -> None:
    if unpacked_bytes > FREE_BYTES + MAX_RATIO * packed_bytes:
        raise Problem(400, "too_compressed", f"the archive unpacks to more than {MAX_RATIO} times its size")


def too_large() -> Problem:
    return Problem(400, "too_large", f"the archive holds more than {MAX_TOTAL_BYTES} bytes")


def too_many_entries() -> Problem:
    return Problem(400, "too_many_entries", f"the archive holds more than {MAX_ENTRIES} entries")


def bad_archive(message: str) -> Problem:
    return Problem(400, "bad_archive", message)
