"""What is inside a revision: a manifest, and the payload as one Zstandard stream. Blocking; for worker threads.

    magic "CLARCH01" | length of the manifest u32, big-endian | manifest | Zstandard frame of the payload

Neither is looked into here. The payload is a tar of a user-data directory, which comes out of a sandbox and is unpacked
in one, or a `storage_state`.
"""

import struct
from typing import IO, Final, Protocol, cast

import zstandard

from cloche.errors import TooLargeError

MAGIC: Final = b"CLARCH01"
MAX_MANIFEST_BYTES: Final = 16 * 1024 * 1024
LEVEL: Final = 1
"""Of a user-data directory, 3 leaves two hundredths less and takes half as long again."""
MAX_WINDOW_BYTES: Final = 8 * 1024 * 1024
READ_BYTES: Final = 128 * 1024

_HEAD: Final = struct.Struct(">8sI")


class ArchiveError(ValueError):
    """These bytes are no archive."""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return `size` bytes, or fewer; none at the end and only there."""
        ...


class Encoder(Protocol):
    """Makes the bytes that are sealed of the pieces that come."""

    def begin(self) -> bytes: ...
    def add(self, piece: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class Copy(Encoder):
    """For pieces that are an archive already."""

    def begin(self) -> bytes:
        return b""

    def add(self, piece: bytes) -> bytes:
        return piece

    def finish(self) -> bytes:
        return b""


class ArchiveWriter(Encoder):
    """Of the pieces of a payload. Raises: TooLargeError once they are more than `max_bytes`."""

    def __init__(self, manifest: bytes, *, max_bytes: int) -> None:
        if len(manifest) > MAX_MANIFEST_BYTES:
            raise TooLargeError(f"what a profile notes beside its files is more than {MAX_MANIFEST_BYTES} bytes")
        self._manifest = manifest
        self._compressor = zstandard.ZstdCompressor(LEVEL, write_checksum=False).compressobj()
        self._left = self._max_bytes = max_bytes

    def begin(self) -> bytes:
        return _HEAD.pack(MAGIC, len(self._manifest)) + self._manifest

    def add(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise too_large(self._max_bytes)
        return self._compressor.compress(piece)

    def finish(self) -> bytes:
        return self._compressor.flush()


class ArchiveReader:
    """Reads one archive from where it is opened. What is unpacked is bounded, and so is every piece of it."""

    def __init__(self, source: Readable, *, max_bytes: int) -> None:
        """Reads as far as the payload. Raises: ArchiveError, and what `source` raises."""
        self._source = source
        magic, length = _HEAD.unpack(exactly(source, _HEAD.size))
        if magic != MAGIC or length > MAX_MANIFEST_BYTES:
            raise ArchiveError("this is no archive of a profile")
        self.manifest: Final = exactly(source, length)
        decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        self._payload = decompressor.stream_reader(cast(IO[bytes], source), read_size=READ_BYTES, closefd=False)
        self._left = self._max_bytes = max_bytes

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of the payload, fewer before its end, none there; by then all was verified.

        Raises: ArchiveError, TooLargeError, and what the source raises.
        """
        try:
            piece = self._payload.read(size)
        except zstandard.ZstdError:
            raise ArchiveError("the payload does not unpack") from None
        self._left -= len(piece)
        if self._left < 0:
            raise too_large(self._max_bytes)
        if not piece:
            # The decompressor stops where its frame does, and a sealed stream is whole only when its end was opened.
            while self._source.read(READ_BYTES):
                pass
        return piece


def too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"a profile may hold {max_bytes} bytes", max_bytes=max_bytes)


def exactly(source: Readable, size: int) -> bytes:
    """Read `size` bytes. Raises: ArchiveError where the source ends before."""
    pieces = list[bytes]()
    while size:
        piece = source.read(size)
        if not piece:
            raise ArchiveError("the archive ends in its head")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
