"""The records of a zip archive (APPNOTE.TXT of PKWARE), as they are written and read here."""

import calendar
import struct
import time
from typing import Final

LOCAL: Final = struct.Struct("<4s5H3I2H")
"""signature, version needed, flags, method, time, date, CRC, packed size, size, length of name, of extra."""
CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
"""signature, made by, version needed, flags, method, time, date, CRC, packed size, size, length of name, of extra, of
comment, disk, internal attributes, external attributes, offset of the local header."""
END: Final = struct.Struct("<4s4H2IH")
"""signature, this disk, disk of the directory, entries here, entries, size and offset of the directory, length of
the comment."""
END64: Final = struct.Struct("<4sQ2H2I4Q")
"""signature, size of the rest, made by, version needed, disk, disk of the directory, entries here, entries, size and
offset of the directory."""
LOCATOR: Final = struct.Struct("<4sIQI")
"""signature, disk of the record above, its offset, disks."""

LOCAL_MARK: Final = b"PK\x03\x04"
CENTRAL_MARK: Final = b"PK\x01\x02"
END_MARK: Final = b"PK\x05\x06"
END64_MARK: Final = b"PK\x06\x06"
LOCATOR_MARK: Final = b"PK\x06\x07"
DESCRIPTOR_MARK: Final = b"PK\x07\x08"

STORED: Final = 0
DEFLATED: Final = 8

ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13
"""Also strongly, and with masked local headers."""
HAS_DESCRIPTOR: Final = 1 << 3
IS_PATCH: Final = 1 << 5
IS_UTF8: Final = 1 << 11

IN_ZIP64: Final = 0xFFFFFFFF
ENTRIES_IN_ZIP64: Final = 0xFFFF
UNIX: Final = 3
"""In the upper byte of `made by`: the upper half of the external attributes is a mode (stat.h)."""
IS_DIRECTORY: Final = 0x10
"""In the external attributes, as DOS has them."""

ZIP64_EXTRA: Final = 1
TIME_EXTRA: Final = 0x5455
"""Info-ZIP: seconds since the epoch, in four bytes."""

_MAX_EXTRA_FIELDS: Final = 64
"""Looked at: 64 KiB may hold thousands, and an archive thousands of those."""

_EARLIEST: Final = 315532800
"""1980-01-01, before which DOS knows no time."""
_LATEST: Final = (1 << 32) - 1


def dos_time(seconds: int) -> tuple[int, int]:
    """Time and date, in UTC."""
    year, month, day, hour, minute, second, *_ = time.gmtime(max(_EARLIEST, min(_LATEST, seconds)))
    return hour << 11 | minute << 5 | second >> 1, (year - 1980) << 9 | month << 5 | day


def seconds_of(dos_time: int, dos_date: int) -> int:
    """What `dos_time` says; what is no date is the earliest one."""
    month, day = dos_date >> 5 & 15, dos_date & 31
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return _EARLIEST
    clock = (dos_time >> 11, dos_time >> 5 & 63, (dos_time & 31) * 2)
    return calendar.timegm(((dos_date >> 9) + 1980, month, day, *clock))


def extra_fields(extra: bytes) -> dict[int, bytes]:
    """By number, of the first 64; of two with the same the first. What is cut off at the end does not count."""
    fields: dict[int, bytes] = {}
    at = 0
    for _ in range(_MAX_EXTRA_FIELDS):
        if at + 4 > len(extra):
            break
        number, length = struct.unpack_from("<HH", extra, at)
        if at + 4 + length > len(extra):
            break
        fields.setdefault(number, extra[at + 4 : at + 4 + length])
        at += 4 + length
    return fields
