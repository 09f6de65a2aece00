"""What a zip archive says of its entries: before each of them, and of all in the directory at its end."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from cloche.agent.machine.archives.zip_records import (
    CENTRAL,
    CENTRAL_MARK,
    END,
    END64,
    END64_MARK,
    END_MARK,
    ENTRIES_IN_ZIP64,
    HAS_DESCRIPTOR,
    IN_ZIP64,
    LOCAL,
    LOCAL_MARK,
    LOCATOR,
    LOCATOR_MARK,
    STORED,
    TIME_EXTRA,
    UNIX,
    ZIP64_EXTRA,
    dos_time,
)

_VERSION: Final = 20
_VERSION64: Final = 45
_PIECE_BYTES: Final = 256 * 1024
_PACKED_PIECE_BYTES: Final = 16 * 1024


class Entry(NamedTuple):
    name: bytes
    flags: int
    attributes: int
    """The external ones."""
    mtime: int
    offset: int
    method: int = STORED
    crc: int = 0
    packed_bytes: int = 0
    size: int = 0
    is_zip64: bool = False
    """Its sizes are told in 64 bits."""

    def local(self) -> bytes:
        extra = self._time()
        crc, packed, size = self.crc, self.packed_bytes, self.size
        if self.flags & HAS_DESCRIPTOR:
            crc = packed = size = 0
        if self.is_zip64:
            extra += struct.pack("<HHQQ", ZIP64_EXTRA, 16, size, packed)
            packed = size = IN_ZIP64
        version = _VERSION64 if self.is_zip64 else _VERSION
        head = LOCAL.pack(
            LOCAL_MARK, version, self.flags, self.method, *dos_time(self.mtime), crc, packed, size,
            len(self.name), len(extra),
        )  # fmt: skip
        return head + self.name + extra

    def central(self) -> bytes:
        large = [value for value in (self.size, self.packed_bytes, self.offset) if value >= IN_ZIP64]
        extra = self._time()
        if large:
            extra += struct.pack(f"<HH{len(large)}Q", ZIP64_EXTRA, 8 * len(large), *large)
        version = _VERSION64 if large or self.is_zip64 else _VERSION
        head = CENTRAL.pack(
            CENTRAL_MARK, UNIX << 8 | version, version, self.flags, self.method, *dos_time(self.mtime), self.crc,
            min(self.packed_bytes, IN_ZIP64), min(self.size, IN_ZIP64), len(self.name), len(extra), 0, 0, 0,
            self.attributes, min(self.offset, IN_ZIP64),
        )  # fmt: skip
        return head + self.name + extra

    def _time(self) -> bytes:
        """Nothing where four bytes cannot say it."""
        if not -(1 << 31) <= self.mtime < 1 << 31:
            return b""
        return struct.pack("<HHBi", TIME_EXTRA, 5, 1, self.mtime)


class Directory:
    """Keeps what is to stand at the end, deflated: names are long, and much like each other."""

    def __init__(self) -> None:
        self._packer = zlib.compressobj(1)
        self._packed = bytearray()
        self._entries = self._bytes = 0

    def add(self, entry: Entry) -> None:
        record = entry.central()
        self._entries += 1
        self._bytes += len(record)
        self._packed += self._packer.compress(record)

    def pieces(self) -> Iterator[bytes]:
        """All records. To be asked for once, after the last entry."""
        self._packed += self._packer.flush()
        unpacker = zlib.decompressobj()
        for at in range(0, len(self._packed), _PACKED_PIECE_BYTES):
            data = bytes(self._packed[at : at + _PACKED_PIECE_BYTES])
            while piece := unpacker.decompress(data, _PIECE_BYTES):
                yield piece
                data = unpacker.unconsumed_tail

    def end(self, offset: int, comment: bytes) -> bytes:
        """What stands behind the records; `offset`: where they begin."""
        count, size = self._entries, self._bytes
        end = END.pack(
            END_MARK, 0, 0, min(count, ENTRIES_IN_ZIP64), min(count, ENTRIES_IN_ZIP64), min(size, IN_ZIP64),
            min(offset, IN_ZIP64), len(comment),
        )  # fmt: skip
        if count < ENTRIES_IN_ZIP64 and size < IN_ZIP64 and offset < IN_ZIP64:
            return end + comment
        end64 = END64.pack(
            END64_MARK, END64.size - 12, UNIX << 8 | _VERSION64, _VERSION64, 0, 0, count, count, size, offset
        )
        return end64 + LOCATOR.pack(LOCATOR_MARK, 0, offset + size, 1) + end + comment
