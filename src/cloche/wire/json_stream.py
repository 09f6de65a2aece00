"""JSON objects back to back with limits: what a tolerant agent accepts from a host.

The published protocol's own agent reads its commands with a streaming decoder, so a host may send objects with
white space, a newline or nothing between them, and may break lines inside one. This decoder takes all of that, and
finds its way back after a mistake: what cannot be the beginning of an object is refused up to the next newline.
"""

import json
import re
from typing import Final

from cloche.wire.ndjson import MAX_LINE_BYTES, BadLine, Object

_DECODER: Final = json.JSONDecoder()
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")
# How often one unfinished object may be looked at: a peer that drips brackets must not cost a parse for each.
_MAX_LOOKS: Final = 256


class JsonStreamDecoder:
    """Bytes in, objects and `BadLine`s out, in order. Holds at most `max_bytes` of an unfinished object."""

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_bytes
        self._pending = b""
        self._looks = 0
        # Set while the rest of a refused line is still arriving.
        self._is_skipping = False

    def feed(self, data: bytes) -> list[Object | BadLine]:
        out: list[Object | BadLine] = []
        self._pending += data
        # Nothing ends, well or badly, but at a bracket or a newline; and no character is cut in two there.
        if b"}" in data or b"\n" in data:
            end = max(self._pending.rfind(b"}"), self._pending.rfind(b"\n")) + 1
            text = self._pending[:end].decode("utf-8", "surrogateescape")
            rest = text[self._take_all(text, out) :]
            self._pending = rest.encode("utf-8", "surrogateescape") + self._pending[end:]
        if self._is_skipping:
            self._pending = b""
        elif len(self._pending) > self._max or self._looks > _MAX_LOOKS:
            self._refuse_pending(out)
        return out

    def _take_all(self, text: str, out: list[Object | BadLine]) -> int:
        """Take what is complete off the front of `text`; return how far that went."""
        at = self._skip_line(text, 0) if self._is_skipping else 0
        while (at := _after_blanks(text, at)) < len(text):
            try:
                value, end = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if _is_unfinished(text, error):
                    self._looks += 1
                    break
                value, end = BadLine("not_json"), at
            self._looks = 0
            item = self._judge(value, text[at:end])
            out.append(item)
            at = self._skip_line(text, at) if isinstance(item, BadLine) else end
        return at

    def _judge(self, value: object, text: str) -> Object | BadLine:
        if isinstance(value, BadLine):
            return value
        if len(text) > self._max:
            return BadLine("too_long")
        if _NOT_UTF8.search(text):
            return BadLine("not_json")
        return value if isinstance(value, dict) else BadLine("not_an_object")

    def _skip_line(self, text: str, at: int) -> int:
        end = text.find("\n", at)
        self._is_skipping = end < 0
        return len(text) if end < 0 else end + 1

    def _refuse_pending(self, out: list[Object | BadLine]) -> None:
        """Give up what is too long to wait for. A half line before good ones loses only itself."""
        out.append(BadLine("too_long"))
        self._looks = 0
        _, newline, rest = self._pending.partition(b"\n")
        self._is_skipping = not newline
        self._pending = b""
        if newline:
            out += self.feed(rest)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _is_unfinished(text: str, error: Exception) -> bool:
    """Say whether more text could still make an object of it."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(text.rstrip(" \t\r\n")) or error.msg.startswith("Unterminated string")
