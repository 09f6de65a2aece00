"""One revision sealed into its file, and opened from it. Blocking; for worker threads."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from cloche.ids import PrincipalName, ProfileId
from cloche.profiles import blobs
from cloche.profiles.archive import Encoder
from cloche.vault.sealed import Opener, Sealer, SealError, context_of

READ_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which revision a file is: all of this is bound into it, and what is elsewhere does not open."""

    profile_id: ProfileId
    owner: PrincipalName
    revision: int
    blob: str

    @property
    def context(self) -> bytes:
        return context_of("profile", self.profile_id, self.owner, self.revision, self.blob)


def key_context(profile_id: ProfileId, owner: PrincipalName) -> bytes:
    """What the data key of a profile is bound to."""
    return context_of("profile-key", profile_id, owner)


class RevisionWriter:
    """Takes the pieces of one revision. `begin` it, and end it with `publish` or `discard`; `discard` at any time.

    Everything raises StorageFullError and InternalError.
    """

    def __init__(self, root: Path, place: Place, data_key: bytes, encoder: Encoder) -> None:
        self._encoder = encoder
        self._sealer = Sealer(data_key, place.context)
        self._part = blobs.Part(root, place.profile_id, place.blob)

    def begin(self) -> None:
        self._part.begin()
        self._part.write(self._sealer.header + self._sealer.seal(self._encoder.begin()))

    def add(self, piece: bytes) -> None:
        self._part.write(self._sealer.seal(self._encoder.add(piece)))

    def publish(self) -> int:
        """Finish the file and put it in its place; returns its size in bytes."""
        self._part.write(self._sealer.seal(self._encoder.finish()) + self._sealer.finish())
        self._part.publish()
        return self._part.size_bytes

    def discard(self) -> None:
        self._part.discard()


class SealedSource:
    """A sealed stream in a file, as something that is read. `open` it first, and `close` it at any time."""

    def __init__(self, find: Callable[[], int], opener: Opener) -> None:
        """`find` opens the file."""
        self._find = find
        self._opener = opener
        self._descriptor = -1
        self._plain = b""
        self._at = 0
        self._ended = False

    @classmethod
    def of(cls, root: Path, place: Place, data_key: bytes) -> "SealedSource":
        find = partial(blobs.opened, root, place.profile_id, place.blob)
        return cls(find, Opener(data_key, place.context))

    def open(self, size_bytes: int | None = None) -> None:
        """`size_bytes`: that of the whole file. Raises: SealError where it has another one, OSError."""
        self._descriptor = self._find()
        if size_bytes is not None and os.fstat(self._descriptor).st_size != size_bytes:
            raise SealError("the file is not as long as it was")

    def skip(self, size: int) -> bytes:
        """Read what stands before the sealed stream. Fewer bytes: the file ends. Raises: OSError."""
        return os.read(self._descriptor, size)

    def read(self, size: int) -> bytes:
        """Return `size` bytes or fewer, none at the end, when all was genuine. Raises: SealError, OSError."""
        while self._at == len(self._plain):
            if self._ended:
                return b""
            self._plain, self._at = self._next(), 0
        piece = self._plain[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _next(self) -> bytes:
        sealed = os.read(self._descriptor, READ_BYTES)
        if sealed:
            return self._opener.feed(sealed)
        self._ended = True
        return self._opener.finish()
