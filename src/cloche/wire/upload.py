"""How the host passes an upload on to the agent: records, so that a file may come before the name it is to have.

    kind   1 byte    BEGIN (a part begins; body: its number), DATA (bytes of that part), FINISH (JSON: what to do)
    length 4 bytes   big-endian, of the body
    body

FINISH is the last record. An upload that ends without one was broken off, and nothing of it may stay.
"""

import json
import struct
from enum import IntEnum
from typing import Any, Final, NamedTuple

MAX_DATA_BYTES: Final = 256 * 1024
MAX_PARTS: Final = 1024
MAX_FINISH_BYTES: Final = 6 * 1024 * 1024
"""As many parts, each with the longest path (4096 bytes) in base64."""
_HEADER: Final = struct.Struct(">BI")
_NUMBER: Final = struct.Struct(">I")


class Kind(IntEnum):
    BEGIN = 1
    DATA = 2
    FINISH = 3


class UploadError(ValueError):
    """The records are none, too large or out of order; the stream cannot go on after it."""


class Record(NamedTuple):
    kind: Kind
    part: int = 0
    """BEGIN."""
    data: bytes = b""
    """DATA; what has come of it: a record may be told in several."""
    fields: dict[str, Any] = {}  # noqa: RUF012 - shared, and never written to
    """FINISH."""


def encode_begin(part: int) -> bytes:
    return _encode(Kind.BEGIN, _NUMBER.pack(part))


def encode_data(data: bytes) -> bytes:
    """`data` may be of any size; it goes out as as many records as it takes."""
    pieces = (data[at : at + MAX_DATA_BYTES] for at in range(0, len(data), MAX_DATA_BYTES))
    return b"".join(_encode(Kind.DATA, piece) for piece in pieces)


def encode_finish(fields: dict[str, Any]) -> bytes:
    return _encode(Kind.FINISH, json.dumps(fields, separators=(",", ":")).encode())


class RecordReader:
    """Bytes in, records out, in order, checked for it: BEGIN before DATA, FINISH once and last."""

    def __init__(self) -> None:
        self._pending: bytes | bytearray = b""
        self._at = 0
        """How much of what is pending has been read."""
        self._data_left = 0
        """Of the DATA record that has begun."""
        self._parts: set[int] = set()
        self._is_finished = False

    @property
    def is_finished(self) -> bool:
        return self._is_finished

    def feed(self, data: bytes) -> None:
        """To be followed by `next_record` until it returns None: so no more than one record is ever kept."""
        if self._at == len(self._pending):
            self._pending, self._at = data, 0  # uncopied, as nearly all of a large upload
            return
        if self._at or not isinstance(self._pending, bytearray):
            # Once per piece, not per record: what is dropped may be many small records.
            self._pending = bytearray(memoryview(self._pending)[self._at :])
            self._at = 0
        self._pending += data

    def next_record(self) -> Record | None:
        """Return the next record, or None until more has been fed. Raises: UploadError."""
        left = len(self._pending) - self._at
        if self._is_finished and left:
            raise UploadError("bytes after the end")
        if self._data_left and left:
            return self._data(min(left, self._data_left))
        if left < _HEADER.size:
            return None
        kind, length = _HEADER.unpack_from(self._pending, self._at)
        if length > (MAX_FINISH_BYTES if kind == Kind.FINISH else MAX_DATA_BYTES):
            raise UploadError("a record is too large")
        if kind == Kind.DATA and self._parts:
            self._at += _HEADER.size
            self._data_left = length
            return self._data(min(left - _HEADER.size, length))
        if left < _HEADER.size + length:
            return None
        self._at += _HEADER.size
        return self._record(kind, self._take(length))

    def _data(self, size: int) -> Record:
        self._data_left -= size
        return Record(Kind.DATA, data=self._take(size))

    def _take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        with memoryview(self._pending) as view:
            return bytes(view[start : self._at])

    def _record(self, kind: int, body: bytes) -> Record:
        if kind == Kind.BEGIN and len(body) == _NUMBER.size:
            (part,) = _NUMBER.unpack(body)
            if part in self._parts or len(self._parts) >= MAX_PARTS:
                raise UploadError("a part stands twice, or there are too many")
            self._parts.add(part)
            return Record(Kind.BEGIN, part=part)
        if kind == Kind.FINISH:
            self._is_finished = True
            return Record(Kind.FINISH, fields=_object(body))
        raise UploadError("this is no record, or not here")


def _encode(kind: Kind, body: bytes) -> bytes:
    if len(body) > (MAX_FINISH_BYTES if kind is Kind.FINISH else MAX_DATA_BYTES):
        raise UploadError("a record is too large")
    return _HEADER.pack(kind, len(body)) + body


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise UploadError("the last record is not JSON") from None
    if not isinstance(value, dict):
        raise UploadError("the last record is no object")
    return value
