"""Newline-delimited JSON with limits: one object a line, UTF-8, no line longer than agreed.

A line that is too long or is not a JSON object becomes a `BadLine` in its place and the reader goes on with the
next one: a peer's mistake must not end the conversation, and must not be silent either.
"""

import json
from typing import Any, Final, NamedTuple

MAX_LINE_BYTES: Final = 64 * 1024

Object = dict[str, Any]


class BadLine(NamedTuple):
    """A line that was refused. `reason` is `too_long`, `not_json` or `not_an_object`."""

    reason: str


def encode(value: Object) -> bytes:
    """Render one object as a compact line, newline included.

    Half a surrogate pair, which a peer may write as a JSON escape and we may have to echo, goes out as that escape.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


class LineDecoder:
    """Bytes in, objects and `BadLine`s out, in order. Holds at most `max_line_bytes` of an unfinished line."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_line_bytes
        self._pending = bytearray()
        # Set while the tail of a line that was already refused as too long is still arriving.
        self._skipping = False

    def feed(self, data: bytes) -> list[Object | BadLine]:
        out: list[Object | BadLine] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end], out)
            if not self._skipping:
                self._finish(out)
            self._skipping = False
            self._pending.clear()
            start = end + 1
        self._take(data[start:], out)
        return out

    def _take(self, piece: bytes, out: list[Object | BadLine]) -> None:
        if self._skipping:
            return
        if len(self._pending) + len(piece) > self._max:
            self._skipping = True
            self._pending.clear()
            out.append(BadLine("too_long"))
            return
        self._pending += piece

    def _finish(self, out: list[Object | BadLine]) -> None:
        line = bytes(self._pending).strip()
        if line:
            out.append(_parse(line))


def _parse(line: bytes) -> Object | BadLine:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):  # RecursionError: ten thousand opening brackets
        return BadLine("not_json")
    return value if isinstance(value, dict) else BadLine("not_an_object")
