"""The bodies of an agent's HTTP answers (RFC 9112, section 6): bytes in, the body's bytes out, checked. Pure.

A parser for every kind of message looks at each chunk several times over; these two look once, and hand on what was
received without copying it wherever a chunk spans it. Nothing is kept but an unfinished line.
"""

from typing import Final, Protocol

from cloche.errors import AgentError
from cloche.wire.http_head import MAX_CHUNK_LINE_BYTES, HeadError, chunk_size

MAX_TRAILER_BYTES: Final = 1024
MAX_LINES: Final = 2048
"""That are read at a time: 256 KiB in chunks of one byte hold 87 000, which take a tenth of a second."""

_BEYOND: Final = "the agent's answer was not understood"


class Framing(Protocol):
    is_finished: bool
    """The whole body has been fed; what comes behind it is nobody's."""
    rest: bytes
    """Of what was fed, what has not been looked at. It goes first: feed it again, when others have had their turn."""

    def feed(self, data: bytes) -> bytes:
        """Take what was received; return what of it is body. Raises: AgentError."""
        ...


class LengthFraming:
    """A body of a known length."""

    rest = b""

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_finished = length == 0

    def feed(self, data: bytes) -> bytes:
        piece = data[: self._left]
        self._left -= len(piece)
        self.is_finished = self._left == 0
        return piece


class ChunkedFraming:
    """A body in chunks (section 7.1). Extensions and trailers are skipped, within bounds."""

    def __init__(self) -> None:
        self.is_finished = False
        self.rest = b""
        self._left = 0
        """Of the chunk that is being read."""
        self._line = b""
        """The beginning of a line whose end has not come."""
        self._ends_chunk = False
        """The next line is the one that ends a chunk, and empty."""
        self._trailer_bytes = -1
        """How much of trailers has come; -1 before the last chunk."""

    def feed(self, data: bytes) -> bytes:
        pieces: list[bytes] = []
        at, end, lines = 0, len(data), 0
        while at < end and not self.is_finished and lines < MAX_LINES:
            if self._left:
                piece = data if not at and self._left >= end else data[at : at + self._left]
                pieces.append(piece)
                self._left -= len(piece)
                self._ends_chunk = not self._left
                at += len(piece)
            else:
                at = self._read_line(data, at)
                lines += 1
        self.rest = data[at:] if lines == MAX_LINES else b""
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_line(self, data: bytes, at: int) -> int:
        """Take a line, or the part of it that there is; return where the rest begins."""
        limit = at + MAX_CHUNK_LINE_BYTES + 2 - len(self._line)
        found = data.find(b"\n", at, limit)
        if found < 0:
            if limit <= len(data):
                raise AgentError(_BEYOND)
            self._line += data[at:]
            return len(data)
        line, self._line = self._line + data[at : found + 1], b""
        if not line.endswith(b"\r\n"):
            raise AgentError(_BEYOND)
        self._take_line(line[:-2])
        return found + 1

    def _take_line(self, line: bytes) -> None:
        if self._ends_chunk:
            if line:
                raise AgentError(_BEYOND)
            self._ends_chunk = False
        elif self._trailer_bytes >= 0:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MAX_TRAILER_BYTES:
                raise AgentError(_BEYOND)
            self.is_finished = not line
        else:
            try:
                self._left = chunk_size(line)
            except HeadError:
                raise AgentError(_BEYOND) from None
            if not self._left:
                self._trailer_bytes = 0
