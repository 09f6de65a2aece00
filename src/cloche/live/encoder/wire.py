"""What the daemon and its encoder child say to each other, over one stream socket. Pure.

    kind u8 | flags u8 | 0 u16 | length u32 | body of that length         big-endian

    daemon ► child   PICTURE  what to make of a picture, and the picture          child ► daemon   READY, CHUNK…, DONE
                     OPEN, SAMPLE…, FINISH  (recordings)                                           TAKEN…, PIECE…, END

Both sides bound every length by its kind before they make room for the body.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HEAD: Final = struct.Struct(">BBHI")
_PICTURE: Final = struct.Struct(">QQB")
_TASK: Final = struct.Struct(">BBIBHHH")
_CHUNK: Final = struct.Struct(">QBHH")
_DONE: Final = struct.Struct(">Q")
_OPEN: Final = struct.Struct(">BBHHQ")
_SAMPLE: Final = struct.Struct(">Q")
_TAKEN: Final = struct.Struct(">Q")
_FINISH: Final = struct.Struct(">QI")
_MARK: Final = struct.Struct(">IH")

MAX_PICTURE_BYTES: Final = 16 << 20
MAX_CHUNK_BYTES: Final = 16 << 20
MAX_TASKS: Final = 3
MAX_MARKS: Final = 2000
MAX_TITLE_BYTES: Final = 200
PIECE_BYTES: Final = 256 * 1024
_WHOLE_SCALE: Final = 10_000


class Kind(IntEnum):
    PICTURE = 1
    OPEN = 2
    SAMPLE = 3
    FINISH = 4
    READY = 64
    CHUNK = 65
    DONE = 66
    TAKEN = 67
    PIECE = 68
    END = 69


class CodecId(IntEnum):
    JPEG = 1
    H264 = 2
    VP8 = 3


class ContainerId(IntEnum):
    WEBM = 1
    MP4 = 2


KEY: Final = 1
"""Flag of CHUNK and SAMPLE: a decoder can begin with it."""
FULL: Final = 1
"""Flag of TAKEN: there was no room for it, and it has not been taken."""

TO_CHILD: Final[Mapping[int, int]] = {
    Kind.PICTURE: _PICTURE.size + MAX_TASKS * _TASK.size + MAX_PICTURE_BYTES,
    Kind.OPEN: _OPEN.size,
    Kind.SAMPLE: _SAMPLE.size + MAX_CHUNK_BYTES,
    Kind.FINISH: _FINISH.size + MAX_MARKS * (_MARK.size + MAX_TITLE_BYTES),
}
"""Which kinds a child takes, and how long their bodies may be."""

FROM_CHILD: Final[Mapping[int, int]] = {
    Kind.READY: 0,
    Kind.CHUNK: _CHUNK.size + MAX_CHUNK_BYTES,
    Kind.DONE: _DONE.size,
    Kind.TAKEN: _TAKEN.size,
    Kind.PIECE: PIECE_BYTES,
    Kind.END: 0,
}


class WireError(ValueError):
    """The other side said what it may not. There is no way to go on."""


@dataclass(frozen=True, slots=True)
class Message:
    kind: int
    flags: int
    body: bytearray


class Reader:
    """Cuts a stream into messages without copying: fill `space()`, then say how much by `filled()`."""

    def __init__(self, longest: Mapping[int, int]) -> None:
        self._longest = longest
        self._head = bytearray(HEAD.size)
        self._kind = 0
        self._flags = 0
        self._body: bytearray | None = None
        self._have = 0

    def space(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        return memoryview(self._head if self._body is None else self._body)[self._have :]

    def filled(self, count: int) -> Message | None:
        """Take note of `count` bytes that have been put there; a message when it is whole. Raises: WireError."""
        self._have += count
        if self._body is None:
            if self._have < HEAD.size:
                return None
            self._kind, self._flags, _, length = HEAD.unpack(self._head)
            if length > self._longest.get(self._kind, -1):
                raise WireError(f"a message of kind {self._kind} and {length} bytes")
            self._body, self._have = bytearray(length), 0
        if self._have < len(self._body):
            return None
        message = Message(self._kind, self._flags, self._body)
        self._body, self._have = None, 0
        return message


@dataclass(frozen=True, slots=True)
class Task:
    """What to make of a picture for one codec; fields as in `live.model.Demand`."""

    codec: CodecId
    key: bool
    bits_per_second: int = 0
    quality: int = 0
    scale: float = 1.0
    fit_width: int = 0
    fit_height: int = 0


@dataclass(frozen=True, slots=True)
class PictureTask:
    seq: int
    taken_at_ms: int
    tasks: tuple[Task, ...]
    jpeg: memoryview


def picture_message(seq: int, taken_at_ms: int, tasks: Sequence[Task], jpeg_bytes: int) -> bytes:
    """All of a PICTURE up to the picture itself, of which `jpeg_bytes` follow."""
    body = _PICTURE.pack(seq, taken_at_ms, len(tasks)) + b"".join(
        _TASK.pack(
            *(task.codec, task.key, task.bits_per_second, task.quality, round(task.scale * _WHOLE_SCALE)),
            *(task.fit_width, task.fit_height),
        )
        for task in tasks
    )
    return HEAD.pack(Kind.PICTURE, 0, 0, len(body) + jpeg_bytes) + body


def parse_picture(body: bytearray) -> PictureTask:
    view = memoryview(body)
    try:
        seq, taken_at_ms, count = _PICTURE.unpack_from(view)
        at = _PICTURE.size
        tasks = []
        for _ in range(min(count, MAX_TASKS)):
            codec, key, rate, quality, scale, width, height = _TASK.unpack_from(view, at)
            tasks.append(Task(CodecId(codec), bool(key), rate, quality, scale / _WHOLE_SCALE, width, height))
            at += _TASK.size
    except (struct.error, ValueError) as error:
        raise WireError("a picture's head is malformed") from error
    return PictureTask(seq, taken_at_ms, tuple(tasks), view[at:])


@dataclass(frozen=True, slots=True)
class Encoded:
    seq: int
    codec: CodecId
    is_key: bool
    width: int
    height: int
    data: bytes


def chunk_message(seq: int, codec: CodecId, *, is_key: bool, width: int, height: int, data: bytes) -> bytes:
    body = _CHUNK.pack(seq, codec, width, height)
    return HEAD.pack(Kind.CHUNK, KEY if is_key else 0, 0, len(body) + len(data)) + body + data


def parse_chunk(message: Message) -> Encoded:
    try:
        seq, codec, width, height = _CHUNK.unpack_from(message.body)
        data = bytes(memoryview(message.body)[_CHUNK.size :])
        return Encoded(seq, CodecId(codec), bool(message.flags & KEY), width, height, data)
    except (struct.error, ValueError) as error:
        raise WireError("a chunk's head is malformed") from error


def done_message(seq: int) -> bytes:
    return HEAD.pack(Kind.DONE, 0, 0, _DONE.size) + _DONE.pack(seq)


def parse_done(message: Message) -> int:
    return _number(_DONE, message)


def ready_message() -> bytes:
    return HEAD.pack(Kind.READY, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a recording is to be."""

    container: ContainerId
    codec: CodecId
    width: int
    height: int
    max_bytes: int


def open_message(opening: Opening) -> bytes:
    body = _OPEN.pack(opening.container, opening.codec, opening.width, opening.height, opening.max_bytes)
    return HEAD.pack(Kind.OPEN, 0, 0, len(body)) + body


def parse_open(message: Message) -> Opening:
    try:
        container, codec, width, height, max_bytes = _OPEN.unpack(message.body)
        return Opening(ContainerId(container), CodecId(codec), width, height, max_bytes)
    except (struct.error, ValueError) as error:
        raise WireError("a recording's head is malformed") from error


def sample_message(pts_ms: int, *, is_key: bool, data_bytes: int) -> bytes:
    """All of a SAMPLE up to the encoded frame, of which `data_bytes` follow."""
    return HEAD.pack(Kind.SAMPLE, KEY if is_key else 0, 0, _SAMPLE.size + data_bytes) + _SAMPLE.pack(pts_ms)


def parse_sample(message: Message) -> tuple[int, bool, bytes]:
    """When it is shown, in ms from the beginning; whether a decoder can begin with it; the encoded frame."""
    pts_ms = _number(_SAMPLE, message, exact=False)
    return pts_ms, bool(message.flags & KEY), bytes(memoryview(message.body)[_SAMPLE.size :])


def taken_message(size_bytes: int, *, is_full: bool) -> bytes:
    return HEAD.pack(Kind.TAKEN, FULL if is_full else 0, 0, _TAKEN.size) + _TAKEN.pack(size_bytes)


def parse_taken(message: Message) -> tuple[int, bool]:
    """How long the file is by now, and whether there was no room for the last sample."""
    return _number(_TAKEN, message), bool(message.flags & FULL)


def finish_message(end_ms: int, marks: Sequence[tuple[int, str]]) -> bytes:
    """`marks`: milliseconds from the beginning, and what was done then. Those beyond `MAX_MARKS` are left out."""
    kept = marks[:MAX_MARKS]
    parts = [_FINISH.pack(end_ms, len(kept))]
    for at_ms, title in kept:
        text = title.encode(errors="replace")[:MAX_TITLE_BYTES]
        parts += [_MARK.pack(at_ms, len(text)), text]
    body = b"".join(parts)
    return HEAD.pack(Kind.FINISH, 0, 0, len(body)) + body


def parse_finish(message: Message) -> tuple[int, list[tuple[int, str]]]:
    view, marks = memoryview(message.body), list[tuple[int, str]]()
    try:
        end_ms, count = _FINISH.unpack_from(view)
        at = _FINISH.size
        for _ in range(min(count, MAX_MARKS)):
            at_ms, length = _MARK.unpack_from(view, at)
            at += _MARK.size
            marks.append((at_ms, bytes(view[at : at + length]).decode(errors="ignore")))
            at += length
    except struct.error as error:
        raise WireError("a list of marks is malformed") from error
    return end_ms, marks


def piece_head(length: int) -> bytes:
    return HEAD.pack(Kind.PIECE, 0, 0, length)


def end_message() -> bytes:
    return HEAD.pack(Kind.END, 0, 0, 0)


def _number(form: struct.Struct, message: Message, *, exact: bool = True) -> int:
    if len(message.body) < form.size or (exact and len(message.body) != form.size):
        raise WireError(f"a message of kind {message.kind} is malformed")
    return int(form.unpack_from(message.body)[0])
