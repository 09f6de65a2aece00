"""multipart/form-data (RFC 7578) as a stranger may send it: bytes in, parts out, bounded in every direction."""

import logging
from typing import Final, NamedTuple

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from cloche.errors import InvalidError

MAX_PARTS: Final = 2048
"""A thousand files, and a name for each."""
MAX_FIELDS: Final = 8
MAX_FIELD_BYTES: Final = 2048
"""Of one header field of a part."""
MAX_NAME_CHARS: Final = 128
MAX_BOUNDARY_BYTES: Final = 70
"""RFC 2046, section 5.1.1."""

_PLAIN_ENCODINGS: Final = frozenset({b"", b"7bit", b"8bit", b"binary"})
_SILENT: Final = logging.Logger("multipart", logging.CRITICAL + 1)
"""The parser would log what it was sent."""


class Begin(NamedTuple):
    """A part begins."""

    name: str


class Data(NamedTuple):
    """Bytes of the part that has begun last."""

    data: bytes


class End(NamedTuple):
    """It is complete."""


Event = Begin | Data | End


class MultipartReader:
    """Bytes in, events out. Everything raises InvalidError."""

    def __init__(self, content_type: str) -> None:
        """`content_type` is the request's, with its boundary."""
        self._events: list[Event] = []
        self._parts = 0
        self._fields: dict[bytes, bytes] = {}
        self._field, self._value = bytearray(), bytearray()
        self._is_finished = False
        self._parser = MultipartParser(
            _boundary(content_type),
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
            max_header_count=MAX_FIELDS,
            max_header_size=MAX_FIELD_BYTES,
        )
        self._parser.logger = _SILENT

    def feed(self, data: bytes) -> list[Event]:
        try:
            self._parser.write(data)
        except (MultipartParseError, FormParserError):
            raise _bad("the form is malformed") from None
        events, self._events = self._events, []
        return events

    def finish(self) -> None:
        """Say that this was all."""
        if not self._is_finished:
            raise _bad("the form is cut short")

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _bad(f"a form may have {MAX_PARTS} parts")
        self._fields = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        name = bytes(self._field).lower()
        if name in self._fields:
            raise _bad("a header field of a part stands twice")
        self._fields[name] = bytes(self._value).strip()
        self._field.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        if self._fields.get(b"content-type", b"").lower().startswith(b"multipart/"):
            raise _bad("a part may not be a form of its own")
        if self._fields.get(b"content-transfer-encoding", b"").lower() not in _PLAIN_ENCODINGS:
            raise _bad("a part's content must not be encoded")
        kind, options = parse_options_header(self._fields.get(b"content-disposition", b""))
        name = options.get(b"name", b"")
        if kind != b"form-data" or not name:
            raise _bad("a part has no name")
        if len(name) > MAX_NAME_CHARS or not name.isascii():
            raise _bad("a part's name is too long or not ASCII")
        self._events.append(Begin(name.decode()))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(Data(data[start:end]))

    def _on_part_end(self) -> None:
        self._events.append(End())

    def _on_end(self) -> None:
        self._is_finished = True


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data":
        raise InvalidError("the body must be sent as multipart/form-data", field="content-type")
    if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES or not boundary.isascii():
        raise InvalidError("the form has no sensible boundary", field="content-type")
    return boundary


def _bad(detail: str) -> InvalidError:
    return InvalidError(detail, reason="bad_form")
