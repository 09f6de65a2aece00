"""How many values a message holds, told from its bytes before it is parsed. Pure.

Two bytes on the wire can be an empty message in a list, and a hundred in memory: 65 MiB of them are gigabytes.
"""

from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from cloche.errors import TooLargeError

_VARINT: Final = 0
_FIXED: Final = {1: 8, 5: 4}
_LENGTH: Final = 2


def require_few_values(data: bytes, kind: type[Message], most: int) -> None:
    """Raises: TooLargeError when `data`, a message of `kind`, holds more than `most` fields, nested ones included.

    What is no such message is left to the parser. (Encoding: protobuf.dev/programming-guides/encoding)
    """
    values, waiting = 0, [(0, len(data), kind.DESCRIPTOR)]
    known: dict[str, dict[int, Descriptor]] = {}
    while waiting:
        at, end, described = waiting.pop()
        if (nested := known.get(described.full_name)) is None:
            nested = known[described.full_name] = _messages_in(described)
        while at < end:
            values += 1
            if values > most:
                raise TooLargeError(f"a request may hold {most} values")
            tag = data[at]
            tag, at = (tag, at + 1) if tag < 0x80 else _varint(data, at, end)
            wire_type = tag & 7
            if wire_type == _VARINT:
                _, at = _varint(data, at, end)
            elif wire_type == _LENGTH:
                size, at = _varint(data, at, end)
                if (inner := nested.get(tag >> 3)) is not None:
                    waiting.append((at, min(at + size, end), inner))
                at += size
            else:  # a group's start or end is a tag alone
                at += _FIXED.get(wire_type, 0)


def _messages_in(described: Any) -> dict[int, Descriptor]:
    return {field.number: field.message_type for field in described.fields if field.message_type is not None}


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at`, and what is after it; of one that is broken off, as much as there is."""
    value, shift = 0, 0
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80 or shift == 63:
            break
        shift += 7
    return value, at
