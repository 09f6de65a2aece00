"""HTTP/1.1 request heads (RFC 9112) and chunked bodies as the agent reads them: bytes in, facts out.

The agent's peer is the host, and what the host passes on was written by a stranger: so everything has a limit.
"""

from typing import Final, NamedTuple

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 32
MAX_QUERY_FIELDS: Final = 32
MAX_CHUNK_LINE_BYTES: Final = 64
MAX_TRAILERS: Final = 32

END: Final = b"\r\n\r\n"
_HEX: Final = b"0123456789abcdefABCDEF"
_CONTROLS: Final = bytes(code for code in range(32) if code != 9) + b"\x7f"
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
"""What a field's name may hold, in lower case (RFC 9110, section 5.6.2)."""


class HeadError(ValueError):
    """A head, a body's framing or a query that is none, one that is too large (`status` 431), or of a version that is
    not spoken (505)."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class RequestHead(NamedTuple):
    """`query` holds percent-decoded bytes, since a path need not be UTF-8; a name that stands twice keeps its last."""

    method: str
    path: str
    query: dict[str, bytes]
    fields: dict[str, str]
    """Names in lower case. One that stands twice is an error."""

    @property
    def content_length(self) -> int | None:
        """Raises: HeadError."""
        text = self.fields.get("content-length")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise HeadError("Content-Length is no number")
        return int(text)

    @property
    def is_chunked(self) -> bool:
        """Raises: HeadError for any other coding, and for a length beside it (RFC 9112, section 6.3)."""
        coding = self.fields.get("transfer-encoding")
        if coding is None:
            return False
        if coding.strip().lower() != "chunked" or "content-length" in self.fields:
            raise HeadError("this transfer coding is not understood")
        return True


def parse_head(data: bytes) -> RequestHead | None:
    """Read a request's head, or None while it is incomplete.

    Raises:
        HeadError: malformed (400), larger than 16 KiB (431), or not HTTP/1.1 (505): chunks mean nothing to a reader
            of 1.0.
    """
    head, end, _ = data.partition(END)
    if len(head) > MAX_HEAD_BYTES:
        raise HeadError("the head is too large", 431)
    if not end:
        return None
    first, *lines = head.split(b"\r\n")
    if any(line.translate(None, _CONTROLS) != line for line in (first, *lines)):
        raise HeadError("control characters")
    method, _, rest = first.partition(b" ")
    target, _, version = rest.partition(b" ")
    if not method.isalpha() or not target.startswith(b"/") or not version.startswith(b"HTTP/"):
        raise HeadError("this is no request line")
    if version != b"HTTP/1.1":
        raise HeadError("only HTTP/1.1 is spoken here", 505)
    path, _, query = target.partition(b"?")
    return RequestHead(method.decode("ascii"), unquote(path).decode("utf-8", "replace"), _query(query), _fields(lines))


def unquote(data: bytes) -> bytes:
    """Percent-decode (RFC 3986, section 2.1); what is no escape stays as it is."""
    first, *rest = data.split(b"%")
    decoded = bytearray(first)
    for piece in rest:
        if len(piece) >= 2 and piece[0] in _HEX and piece[1] in _HEX:
            decoded.append(int(piece[:2], 16))
            decoded += piece[2:]
        else:
            decoded += b"%" + piece
    return bytes(decoded)


def chunk_size(line: bytes) -> int:
    """Read the line before a chunk, without its line end (RFC 9112, section 7.1). Raises: HeadError."""
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > 8 or any(digit not in _HEX for digit in digits):
        raise HeadError("this is no chunk")
    return int(digits, 16)


def _query(data: bytes) -> dict[str, bytes]:
    fields = data.split(b"&") if data else []
    if len(fields) > MAX_QUERY_FIELDS:
        raise HeadError("too many query fields")
    pairs = (field.partition(b"=") for field in fields)
    return {unquote(name).decode("utf-8", "replace"): unquote(value) for name, _, value in pairs}


def _fields(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > MAX_FIELDS:
        raise HeadError("too many header fields", 431)
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        text = name.decode("latin-1").lower()
        if not colon or not text or not _TOKEN.issuperset(text) or text in fields:
            raise HeadError("a header field is malformed or stands twice")
        fields[text] = value.strip().decode("latin-1")
    return fields
