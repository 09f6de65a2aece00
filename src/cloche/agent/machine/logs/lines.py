"""Bytes in, lines out: the same lines however the bytes were cut on their way. Pure.

A line ends with `\\n`; one `\\r` before it belongs to the end. Text is UTF-8, what is not is replaced. A line longer
than 64 KiB comes in pieces, all but the last of them `is_partial`.
"""

from typing import Final, NamedTuple

MAX_LINE_BYTES: Final = 64 * 1024
"""Of a line's bytes in one piece: the most that is held back while a line is unfinished."""

_MAX_CHARACTER_BYTES: Final = 4


class Line(NamedTuple):
    text: str
    is_partial: bool
    """Its end has not been seen: what comes next goes on with it."""
    end: int
    """The offset after it, its line end included."""


class LineSplitter:
    def __init__(self, offset: int = 0) -> None:
        """`offset` is where the first byte to be fed stands."""
        self._offset = offset
        """Of the first byte that is held back."""
        self._held = b""
        self._is_open = False
        """A part of the line that is held back has been given already."""

    @property
    def is_waiting(self) -> bool:
        """A line has begun of which something is still held back."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[Line]:
        """Take the bytes that come next; return the lines that they finish, and full pieces of a long one."""
        *whole, rest = (self._held + data).split(b"\n")
        lines: list[Line] = []
        for raw in whole:
            if len(raw) > MAX_LINE_BYTES:
                raw = self._cut(raw, lines)
            self._offset += len(raw) + 1
            lines.append(Line(_text(raw), False, self._offset))
            self._is_open = False
        self._held = self._cut(rest, lines) if len(rest) > MAX_LINE_BYTES else rest
        return lines

    def give(self, *, everything: bool = False) -> list[Line]:
        """Return what is held back of an unfinished line, without a character of which the rest may still come.

        `everything`: nothing will come.
        """
        size = len(self._held) if everything else _complete(self._held)
        return [self._give(size)] if size else []

    def end(self) -> list[Line]:
        """Return the unfinished line as one that is finished: the file ended with it."""
        if not self._held and not self._is_open:
            return []
        self._offset += len(self._held)
        line = Line(_text(self._held), False, self._offset)
        self._held, self._is_open = b"", False
        return [line]

    def _cut(self, raw: bytes, lines: list[Line]) -> bytes:
        """Append full pieces of a long line to `lines` and return what is left of it."""
        self._held = raw
        while len(self._held) > MAX_LINE_BYTES:
            lines.append(self._give(_boundary(self._held, MAX_LINE_BYTES)))
        return self._held

    def _give(self, size: int) -> Line:
        self._offset += size
        line = Line(self._held[:size].decode("utf-8", "replace"), True, self._offset)
        self._held, self._is_open = self._held[size:], True
        return line


def _text(raw: bytes) -> str:
    return (raw[:-1] if raw.endswith(b"\r") else raw).decode("utf-8", "replace")


def _boundary(data: bytes, limit: int) -> int:
    """Return where to cut so that at most `limit` bytes, and no half of a character, stand before it."""
    for back in range(_MAX_CHARACTER_BYTES):
        if not _is_continuation(data[limit - back]):
            return limit - back
    return limit  # this is no UTF-8


def _complete(data: bytes) -> int:
    """Return how much of it is there for good: not a `\\r` at its end, nor a character that has only begun."""
    if data.endswith(b"\r"):
        return len(data) - 1
    for back in range(1, min(_MAX_CHARACTER_BYTES, len(data) + 1)):
        byte = data[-back]
        if not _is_continuation(byte):
            return len(data) - back if _character_bytes(byte) > back else len(data)
    return len(data)


def _is_continuation(byte: int) -> bool:
    return byte & 0xC0 == 0x80


def _character_bytes(first: int) -> int:
    """How many bytes a character has that begins with this one (RFC 3629, section 3)."""
    return 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
