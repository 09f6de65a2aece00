"""The sealed stream: AES-256-GCM over chunks, so that large data is sealed and opened piece by piece. Pure.

    header    magic "CLSEAL01" | chunk size u32 | four zero bytes | salt, 32 bytes           (numbers are big-endian)
    chunk n   AES-256-GCM(key, nonce, plain) with the header as additional data: plain | tag of 16 bytes
    key, prefix   HKDF-SHA256(data key, salt, "cloche/sealed/1" 00 SHA-256(context)): 32 and 7 bytes
    nonce     prefix | n u32 | 1 for the last chunk, else 0

This is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption, CRYPTO 2015). Chunks hold
`chunk size` bytes but for the last, which may hold less, and none where it is the only one. A chunk that is changed,
missing, added, moved, or of another stream does not open; nor does a stream that ends before its last chunk. `context`
is not in the stream: who opens it says what it has to be, and a stream of something else does not open.

docs/reference/formats.md describes it for other programs.
"""

import hashlib
import secrets
import struct
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"CLSEAL01"
SALT_BYTES: Final = 32
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 256 * 1024
MIN_CHUNK_BYTES: Final = 1
MAX_CHUNK_BYTES: Final = 16 * 1024 * 1024
"""Of what is read: a header that names more is refused before anything is kept for it."""

_HEADER: Final = struct.Struct(">8sI4x32s")
HEADER_BYTES: Final = _HEADER.size
_NONCE: Final = struct.Struct(">7sIB")
_PURPOSE: Final = b"cloche/sealed/1\0"
_MAX_CHUNKS: Final = 1 << 32


class SealError(ValueError):
    """The stream does not open: changed, cut off, of something else, or sealed under another key."""


def context_of(*parts: str | int) -> bytes:
    """What a stream belongs to, as bytes. Each part goes in with its length: no two lists of parts are the same."""
    encoded = [str(part).encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in encoded)


def sealed_size(plain_size: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """The size in bytes of the stream that holds so many bytes."""
    chunks = max(1, -(-plain_size // chunk_bytes))
    return HEADER_BYTES + plain_size + chunks * TAG_BYTES


def plain_size(sealed_bytes: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """How many bytes a stream of that size holds. Raises: SealError when no stream is of that size."""
    body = sealed_bytes - HEADER_BYTES
    whole, rest = divmod(body, chunk_bytes + TAG_BYTES)
    if body < TAG_BYTES or (0 < rest < TAG_BYTES) or (rest == TAG_BYTES and whole > 0):
        raise SealError("no stream is of this size")
    return body - (whole + (rest > 0)) * TAG_BYTES


@dataclass(frozen=True, slots=True)
class _Cipher:
    """The chunks of one stream."""

    header: bytes
    chunk_bytes: int
    aead: AESGCM
    prefix: bytes

    @classmethod
    def of(cls, key: bytes, context: bytes, header: bytes) -> "_Cipher":
        """Raises: SealError for what is no header."""
        if len(header) != HEADER_BYTES:
            raise SealError("the stream is shorter than its header")
        magic, chunk_bytes, salt = _HEADER.unpack(header)
        if magic != MAGIC or header[12:16] != bytes(4):
            raise SealError("this is no sealed stream, or one of a later kind")
        if not MIN_CHUNK_BYTES <= chunk_bytes <= MAX_CHUNK_BYTES:
            raise SealError("the stream names chunks of no size that is read")
        if len(key) != KEY_BYTES:
            raise ValueError("a data key is 32 bytes")
        info = _PURPOSE + hashlib.sha256(context).digest()
        derived = HKDF(algorithm=SHA256(), length=KEY_BYTES + 7, salt=salt, info=info).derive(key)
        return cls(header, chunk_bytes, AESGCM(derived[:KEY_BYTES]), derived[KEY_BYTES:])

    def seal(self, index: int, plain: bytes | memoryview, *, is_last: bool) -> bytes:
        return self.aead.encrypt(self._nonce(index, is_last), plain, self.header)

    def unseal(self, index: int, sealed: bytes | memoryview, *, is_last: bool) -> bytes:
        try:
            return self.aead.decrypt(self._nonce(index, is_last), sealed, self.header)
        except InvalidTag:
            raise SealError("the stream was changed or cut off, or it belongs to something else") from None

    def _nonce(self, index: int, is_last: bool) -> bytes:
        if index >= _MAX_CHUNKS:
            raise SealError("the stream has more chunks than there are numbers")
        return _NONCE.pack(self.prefix, index, is_last)


class Sealer:
    """Seals one stream: write `header`, then all that `seal` and at last `finish` return."""

    def __init__(
        self, key: bytes, context: bytes, *, chunk_bytes: int = CHUNK_BYTES, salt: bytes | None = None
    ) -> None:
        """`key`: 32 random bytes. `salt`: for tests of known streams alone; two streams must never share one."""
        self.header: Final = _HEADER.pack(MAGIC, chunk_bytes, salt or secrets.token_bytes(SALT_BYTES))
        self._cipher = _Cipher.of(key, context, self.header)
        self._size = chunk_bytes
        self._held = bytearray()
        self._index = 0

    def seal(self, data: bytes | bytearray | memoryview) -> bytes:
        """Take more; return the chunks that are full by now. The newest full one is held: it may be the last."""
        size, sealed = self._size, []
        view = memoryview(data)
        if self._held:
            missing = min(size - len(self._held), len(view))
            self._held += view[:missing]
            view = view[missing:]
            if not view:
                return b""
            sealed.append(self._next(bytes(self._held)))
            self._held.clear()
        while len(view) > size:
            sealed.append(self._next(view[:size]))
            view = view[size:]
        self._held += view
        return b"".join(sealed)

    def finish(self) -> bytes:
        """Return the last chunk. Once."""
        return self._cipher.seal(self._index, bytes(self._held), is_last=True)

    def _next(self, plain: bytes | memoryview) -> bytes:
        sealed = self._cipher.seal(self._index, plain, is_last=False)
        self._index += 1
        return sealed


class Opener:
    """Opens one stream as it comes. What `feed` returns is genuine; that it is all, only `finish` says."""

    def __init__(self, key: bytes, context: bytes) -> None:
        self._key, self._context = key, context
        self._cipher: _Cipher | None = None
        self._held = bytearray()
        self._index = 0

    def feed(self, data: bytes | bytearray | memoryview) -> bytes:
        """Take more of the stream, header first; return what has been opened. Raises: SealError."""
        self._held += data
        if self._cipher is None:
            if len(self._held) < HEADER_BYTES:
                return b""
            self._cipher = _Cipher.of(self._key, self._context, bytes(self._held[:HEADER_BYTES]))
            del self._held[:HEADER_BYTES]
        size = self._cipher.chunk_bytes + TAG_BYTES
        opened, at = [], 0
        # A chunk is known not to be the last by what follows it.
        with memoryview(self._held) as view:
            while len(view) - at > size:
                opened.append(self._cipher.unseal(self._index, view[at : at + size], is_last=False))
                self._index += 1
                at += size
        del self._held[:at]
        return b"".join(opened)

    def finish(self) -> bytes:
        """The stream has ended: return the rest. Raises: SealError when this is not its true end."""
        if self._cipher is None or len(self._held) < TAG_BYTES:
            raise SealError("the stream was cut off")
        return self._cipher.unseal(self._index, bytes(self._held), is_last=True)


@dataclass(frozen=True, slots=True)
class Span:
    """Which sealed bytes hold a range of plain ones: `chunks` chunks from `first` on, `size` bytes at `offset`."""

    first: int
    chunks: int
    offset: int
    size: int
    skip: int
    """Plain bytes of the first chunk that are before the range."""


class RangeOpener:
    """Opens any chunks of a stream that lies somewhere, by their numbers."""

    def __init__(self, key: bytes, context: bytes, header: bytes, sealed_bytes: int) -> None:
        """`sealed_bytes`: the size of the whole stream, header included. Raises: SealError."""
        self._cipher = _Cipher.of(key, context, header)
        self.plain_size: Final = plain_size(sealed_bytes, self._cipher.chunk_bytes)
        self.chunk_bytes: Final = self._cipher.chunk_bytes
        self._last = max(0, -(-self.plain_size // self.chunk_bytes) - 1)

    def span(self, start: int, length: int) -> Span:
        """Where `length` plain bytes from `start` on lie; both within `plain_size`."""
        if not 0 <= start <= start + length <= self.plain_size:
            raise ValueError("the range is beyond the end")
        first = min(start // self.chunk_bytes, self._last)
        last = min(max(start, start + length - 1) // self.chunk_bytes, self._last)
        sealed_chunk = self.chunk_bytes + TAG_BYTES
        plain_end = min((last + 1) * self.chunk_bytes, self.plain_size)
        chunks = last - first + 1
        size = plain_end - first * self.chunk_bytes + chunks * TAG_BYTES
        return Span(first, chunks, HEADER_BYTES + first * sealed_chunk, size, start - first * self.chunk_bytes)

    def open_chunk(self, index: int, sealed: bytes | memoryview) -> bytes:
        """Raises: SealError."""
        return self._cipher.unseal(index, sealed, is_last=index == self._last)
