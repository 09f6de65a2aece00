"""A revision as a file that leaves the server: sealed under a passphrase. Blocking; for worker threads.

    magic "CLPROF01" | log2 of scrypt's N u8 | r u8 | p u8 | five zero bytes | salt, 16 bytes     (RFC 7914)
    sealed stream (`vault.sealed`) under scrypt's 32 bytes, bound to "cloche-profile" and the hex of the 32 bytes above

and in the stream: length of the head u32, big-endian | head, a JSON object of `form` and `engine` | archive.
A passphrase counts in Unicode's form C and UTF-8, for keyboards differ in what they send for the same letter.
"""

import json
import re
import secrets
import struct
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cloche.concurrency.threads import PIECE_BYTES
from cloche.errors import InvalidError
from cloche.profiles.archive import ArchiveError, Readable, exactly
from cloche.profiles.model import ProfileForm
from cloche.vault.sealed import KEY_BYTES, Sealer, context_of

MAGIC: Final = b"CLPROF01"
LOG_N: Final = 15
R: Final = 8
P: Final = 1
MAX_LOG_N: Final = 17
"""Of a file that comes in: its N times 1024 bytes are needed to open it."""
SALT_BYTES: Final = 16
MAX_HEAD_BYTES: Final = 4096

_HEADER: Final = struct.Struct(f">8sBBB5x{SALT_BYTES}s")
HEADER_BYTES: Final = _HEADER.size
_LENGTH: Final = struct.Struct(">I")
_ENGINE: Final = re.compile(r"[a-z0-9_-]{0,16}")


@dataclass(frozen=True, slots=True)
class Head:
    form: ProfileForm
    engine: str


def new_header() -> bytes:
    return _HEADER.pack(MAGIC, LOG_N, R, P, secrets.token_bytes(SALT_BYTES))


def context(header: bytes) -> bytes:
    return context_of("cloche-profile", header.hex())


def key_of(header: bytes, passphrase: str) -> bytes:
    """Takes a tenth of a second and 32 MiB, which is the point. Raises: InvalidError for what is no such file."""
    try:
        magic, log_n, r, p, salt = _HEADER.unpack(header)
        secret = unicodedata.normalize("NFC", passphrase).encode()
    except struct.error:
        raise InvalidError("this is no exported profile") from None
    except UnicodeEncodeError:
        raise InvalidError("the passphrase is not text", field="passphrase") from None
    if magic != MAGIC or header[11:16] != bytes(5):
        raise InvalidError("this is no exported profile")
    if not (LOG_N <= log_n <= MAX_LOG_N and (r, p) == (R, P)):
        raise InvalidError("this profile was exported with a protection that is not supported here")
    return Scrypt(salt=salt, length=KEY_BYTES, n=1 << log_n, r=r, p=p).derive(secret)


class Exporter:
    """An archive on its way out, piece by piece."""

    def __init__(self, head: Head, archive: Readable, header: bytes, key: bytes) -> None:
        self._archive = archive
        self._sealer = Sealer(key, context(header))
        text = json.dumps({"form": str(head.form), "engine": head.engine}).encode()
        self._ready = header + self._sealer.header + self._sealer.seal(_LENGTH.pack(len(text)) + text)
        self._ended = False

    def read(self) -> bytes:
        """Return the next bytes of the file; none at the end. Raises: what the archive's source raises."""
        while not self._ready and not self._ended:
            piece = self._archive.read(PIECE_BYTES)
            if piece:
                self._ready = self._sealer.seal(piece)
            else:
                self._ready, self._ended = self._sealer.finish(), True
        ready, self._ready = self._ready, b""
        return ready


def read_head(source: Readable) -> Head:
    """Read what stands before the archive. Raises: ArchiveError, and what `source` raises."""
    (length,) = _LENGTH.unpack(exactly(source, _LENGTH.size))
    if length > MAX_HEAD_BYTES:
        raise ArchiveError("the head is too long")
    try:
        told = json.loads(exactly(source, length))
        form, engine = ProfileForm(told["form"]), told["engine"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArchiveError("the head is not understood") from None
    if not isinstance(engine, str) or not _ENGINE.fullmatch(engine):
        raise ArchiveError("the head names no engine")
    return Head(form, engine)
