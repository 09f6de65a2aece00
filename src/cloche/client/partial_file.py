"""Files on their way: what has come stays beside its place until all of it has, and is what it should be."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.client.keeping_answers import Artifact
from cloche.errors import InternalError, InvalidError

READ_BYTES: Final = 1 << 20


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file to send. Raises: InvalidError when it cannot be read."""
    try:
        with path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                yield piece
    except OSError as error:
        raise InvalidError(f"{path} could not be read: {error.strerror}") from None


class PartialFile:
    """One artifact's file. A context manager; what an earlier try has left is taken up."""

    def __init__(self, path: Path, artifact: Artifact) -> None:
        """Raises: InvalidError when it cannot be written there."""
        self._path, self._artifact = path, artifact
        self._part = path.with_name(f"{path.name[:180]}.{artifact.sha256[:16] or artifact.id}.part")
        self._hash = hashlib.sha256()
        self.size = 0
        """What is there."""
        try:
            if path.is_dir():
                raise InvalidError(f"{path} is a directory")
            self._file = self._part.open("a+b")
        except OSError as error:
            raise InvalidError(f"{path} could not be written: {error.strerror}") from None
        self._take_up()

    def __enter__(self) -> "PartialFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        if self.size == 0:
            self._part.unlink(missing_ok=True)

    @property
    def is_whole(self) -> bool:
        return 0 < self.size == self._artifact.size_bytes

    def append(self, piece: bytes) -> None:
        self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    def finish(self) -> None:
        """Let it take its place. Raises: InternalError when it is not the file it should be; nothing of it is left."""
        self._file.close()
        if self.size != self._artifact.size_bytes or self._hash.hexdigest() != self._artifact.sha256:
            self._part.unlink()
            raise InternalError("what came is not the file that was asked for")
        self._part.replace(self._path)

    def _take_up(self) -> None:
        self._file.seek(0)
        while piece := self._file.read(READ_BYTES):
            self._hash.update(piece)
            self.size += len(piece)
        if self.size > self._artifact.size_bytes:
            self._file.truncate(0)
            self._hash, self.size = hashlib.sha256(), 0
