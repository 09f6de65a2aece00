"""Sealed files in a directory: `<two characters>/<random name>.sealed`, and `.part` while one is being written.

Everything here blocks and is called in worker threads. A blob is on the disk, and its name too, before the caller may
write a row that tells of it: after a power cut there can be a blob without a row, never a row without its blob.
"""

import hashlib
import os
import re
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloche.vault.sealed import HEADER_BYTES, TAG_BYTES, RangeOpener, Sealer

SEALED: Final = ".sealed"
PART: Final = ".part"
_NAME: Final = re.compile(r"[0-9a-f]{32}")


class DiskError(Exception):
    """A blob could not be written: the disk is full, or fails. Not an OSError, which a body may raise as well."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.errno = error.errno


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskError(error) from None


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of the bytes once all have gone by. `head` and `tail` overlap where there are few."""

    size_bytes: int
    sha256: str
    head: bytes
    tail: bytes


class BlobWriter:
    """Hashes, samples and seals what it is given into a part file. One call at a time; any thread."""

    def __init__(self, path: Path, key: bytes, context: bytes, *, sample_bytes: int) -> None:
        self.name: Final = path.name
        self.sealed_bytes = 0
        self._final = path.with_name(path.name + SEALED)
        self._part = path.with_name(path.name + PART)
        self._sealer = Sealer(key, context)
        self._hash = hashlib.sha256()
        self._sample_bytes = sample_bytes
        self._head = bytearray()
        self._recent = deque[bytes]()  # what the tail is cut from at the end; nothing is copied before
        self._recent_bytes = 0
        self._size = 0
        self._lock = threading.Lock()
        self._discarded = False
        self._fd = -1

    def begin(self) -> None:
        """Make the part file. Raises: DiskError."""
        with self._lock, _disk():
            self._part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._write(self._sealer.header)

    def append(self, pieces: Sequence[bytes]) -> None:
        """Take more. Few large calls are much quicker than many small ones. Raises: DiskError."""
        with self._lock, _disk():
            if self._discarded:
                return
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._hash.update(data)
            self._size += len(data)
            if (missing := self._sample_bytes - len(self._head)) > 0:
                self._head += data[:missing]
            self._remember(data)
            self._write(self._sealer.seal(data))

    def finish(self) -> Sample:
        """Everything was given: write the last chunk, and wait until all of it is on the disk. Raises: DiskError."""
        with self._lock, _disk():
            self._write(self._sealer.finish())
            os.fdatasync(self._fd)
            self._close()
            return Sample(self._size, self._hash.hexdigest(), bytes(self._head), self._tail())

    def open(self, key: bytes, context: bytes) -> "BlobReader":
        """Read what was finished, before it is placed."""
        return BlobReader(self._part, key, context)

    def place(self) -> None:
        """Give it its name. From here on it is a blob, unless it is discarded. Raises: DiskError."""
        with self._lock, _disk():
            self._part.rename(self._final)
            _sync_directory(self._final.parent)

    def discard(self) -> None:
        """Remove whatever there is of it. Waits for a call that is still under way."""
        with self._lock:
            self._discarded = True
            self._close()
            self._part.unlink(missing_ok=True)
            self._final.unlink(missing_ok=True)

    def _remember(self, data: bytes) -> None:
        self._recent.append(data)
        self._recent_bytes += len(data)
        while self._recent_bytes - len(self._recent[0]) >= self._sample_bytes:
            self._recent_bytes -= len(self._recent.popleft())

    def _tail(self) -> bytes:
        return b"".join(self._recent)[-self._sample_bytes :]

    def _write(self, data: bytes) -> None:
        with memoryview(data) as view:
            written = 0
            while written < len(view):
                written += os.write(self._fd, view[written:])
            self.sealed_bytes += written

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class BlobReader:
    """An open blob: any of its bytes, decrypted. It can be read to its end although it is deleted meanwhile."""

    def __init__(self, path: Path, key: bytes, context: bytes) -> None:
        """Raises: OSError, SealError."""
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            header = os.pread(self._fd, HEADER_BYTES, 0)
            self._opener = RangeOpener(key, context, header, os.fstat(self._fd).st_size)
        except BaseException:
            os.close(self._fd)
            raise
        self.size_bytes: Final = self._opener.plain_size

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        """Read `length` bytes from `start` on, a chunk at a time. Raises: OSError, SealError."""
        span = self._opener.span(start, length)
        offset, end = span.offset, span.offset + span.size
        skip, left = span.skip, length
        for index in range(span.first, span.first + span.chunks):
            sealed = os.pread(self._fd, min(self._opener.chunk_bytes + TAG_BYTES, end - offset), offset)
            plain = self._opener.open_chunk(index, sealed)
            offset += len(sealed)
            piece = plain if skip == 0 and len(plain) <= left else plain[skip : skip + left]
            skip, left = 0, left - len(piece)
            if piece:
                yield piece

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class BlobDirectory:
    """Where the blobs lie. Owned by one store."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def make(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)

    def writer(self, key: bytes, context: bytes, *, sample_bytes: int) -> BlobWriter:
        """For a new blob; nothing is there before its `begin`."""
        name = secrets.token_hex(16)
        return BlobWriter(self._directory / name[:2] / name, key, context, sample_bytes=sample_bytes)

    def open(self, name: str, key: bytes, context: bytes) -> BlobReader:
        """Raises: OSError, SealError."""
        return BlobReader(self._path(name), key, context)

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def size_of(self, name: str) -> int | None:
        """None where it is not there."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return None

    def present(self) -> dict[str, int]:
        """The blobs that are there, with their sizes."""
        names = [path.name.removesuffix(SEALED) for path in self._files(SEALED)]
        return {name: size for name in names if (size := self.size_of(name)) is not None}

    def parts(self) -> list[str]:
        """What was being written: by somebody now, or by a daemon that is no more."""
        return [path.name.removesuffix(PART) for path in self._files(PART)]

    def remove_parts(self, names: Sequence[str]) -> None:
        for name in names:
            self._path(name).with_suffix(PART).unlink(missing_ok=True)

    def _files(self, suffix: str) -> Iterator[Path]:
        for path in self._directory.glob(f"??/*{suffix}"):
            if _NAME.fullmatch(path.name.removesuffix(suffix)):
                yield path

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise FileNotFoundError("a blob's name is 32 hexadecimal digits")
        return self._directory / name[:2] / f"{name}{SEALED}"


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
