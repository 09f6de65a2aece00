"""Where the directory of a zip archive lies: found from the archive's end, before anything of it is read."""

import os
import struct
from typing import Final

from cloche.agent.machine.archives.limits import bad_archive
from cloche.agent.machine.archives.zip_records import (
    CENTRAL,
    END,
    END64,
    END64_MARK,
    END_MARK,
    ENTRIES_IN_ZIP64,
    IN_ZIP64,
    LOCATOR,
    LOCATOR_MARK,
)

MAX_DIRECTORY_BYTES: Final = 64 << 20
_MAX_COMMENT_BYTES: Final = 65535


def find_directory(fd: int, size: int) -> tuple[int, int, int]:
    """Return where the directory begins and ends, and how many entries it has. Raises: Problem 400.

    It must lie right before the records at the end: what else could stand there would be believed by nobody, or by
    some readers only.
    """
    tail_start = max(0, size - END.size - _MAX_COMMENT_BYTES)
    tail = os.pread(fd, size - tail_start, tail_start)
    at = tail.rfind(END_MARK, 0, max(0, len(tail) - END.size + len(END_MARK)))
    while at >= 0 and at + END.size + END.unpack_from(tail, at)[-1] != len(tail):
        at = tail.rfind(END_MARK, 0, at + len(END_MARK) - 1)  # in a comment
    if at < 0:
        raise bad_archive("this is no zip archive, or it is broken off")
    _, disk, directory_disk, here, count, length, offset, _ = END.unpack_from(tail, at)
    end = tail_start + at
    if count == ENTRIES_IN_ZIP64 or IN_ZIP64 in (length, offset):
        end64 = _end64(fd, end)
        if end64 is not None:
            end, disk, directory_disk, here, count, length, offset = end64
    if disk or directory_disk or here != count:
        raise bad_archive("the archive lies on several disks")
    if length > MAX_DIRECTORY_BYTES or count > length // CENTRAL.size or offset + length != end:
        raise bad_archive("the directory of the archive is not where it should be, or too large")
    return offset, end, count


def _end64(fd: int, end: int) -> tuple[int, ...] | None:
    """Where the record with 64-bit numbers begins, and these; None if there is none before the end."""
    locator = os.pread(fd, LOCATOR.size, end - LOCATOR.size) if end >= LOCATOR.size else b""
    if not locator.startswith(LOCATOR_MARK):
        return None
    _, _, at, _ = LOCATOR.unpack(locator)
    record = os.pread(fd, END64.size, at) if at <= end else b""
    if len(record) < END64.size or not record.startswith(END64_MARK):
        raise bad_archive("the end of the archive is damaged")
    _, rest, _, _, disk, directory_disk, here, count, length, offset = END64.unpack(record)
    if at + rest + struct.calcsize("<4sQ") != end - LOCATOR.size:
        raise bad_archive("the end of the archive is damaged")
    return at, disk, directory_disk, here, count, length, offset
