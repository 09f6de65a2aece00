"""The members of a tar archive (POSIX ustar, pax and GNU), as far as it was sampled. Pure."""

import posixpath
import re
from dataclasses import dataclass
from typing import Final

from cloche.artifacts.sniff.content import Member

BLOCK: Final = 512
_LINKS: Final = b"12"
_NAMES: Final = b"Lx"
_MOST_NAME: Final = 8192
_RECORD: Final = re.compile(rb"(\d{1,5}) ([^=\n]{1,64})=")
_MOST_RECORDS: Final = 64
_IDLE: Final = frozenset((b"comment", b"charset", b"hdrcharset", b"atime", b"ctime", b"mtime", b"uname", b"gname"))
"""Global records that change nothing of where members are and what they are called: git(1) writes a comment."""


@dataclass(frozen=True, slots=True)
class Listing:
    members: tuple[Member, ...]
    is_complete: bool


def is_tar(head: bytes) -> bool:
    """Whether it begins with a header whose checksum is right, whatever else it says."""
    if len(head) < BLOCK or not head[0]:
        return False
    return _number(head[148:156]) == sum(head[:148]) + 8 * 32 + sum(head[156:BLOCK])


def list_members(data: bytes, size: int | None) -> Listing:
    """Walk from header to header. `size` of the whole archive, None if nobody knows: then only its end mark ends it."""
    found: list[Member] = []
    at, long_name, is_understood = 0, "", True
    while is_tar(data[at : at + BLOCK]):
        header = data[at : at + BLOCK]
        start, length, kind = at + BLOCK, _number(header[124:136]), header[156:157]
        at = start + -(-length // BLOCK) * BLOCK
        if kind in _NAMES:
            told = _long_name(kind, data[start : min(start + length, len(data))])
            is_understood = is_understood and told is not None
            long_name = told or long_name
            continue
        if kind == b"g":
            is_understood = is_understood and _records(data[start : min(start + length, len(data))]).keys() <= _IDLE
            continue
        if kind == b"K":
            continue
        found.append(_member(header, long_name, data[start : min(start + length, len(data))], length))
        long_name = ""
    rest = data[at : at + BLOCK]
    ended = len(rest) == BLOCK and not any(rest)
    return Listing(tuple(found), is_complete=is_understood and (ended or (size is not None and at == size)))


def _member(header: bytes, long_name: str, data: bytes, length: int) -> Member:
    prefix = _text(header[345:500]) if header[257:262] == b"ustar" and header[263:265] == b"00" else ""
    name = long_name or (f"{prefix}/{_text(header[:100])}" if prefix else _text(header[:100]))
    kind = header[156:157]
    target = _text(header[157:257])
    if kind == b"1":
        # A hard link counts from the archive's root, a symbolic one from where it stands.
        target = target if target.startswith("/") else "../" * posixpath.normpath(name).count("/") + target
    return Member(name, length, lambda most: data[:most], target if kind and kind in _LINKS else None)


def _long_name(kind: bytes, data: bytes) -> str | None:
    """The next member's name; empty where none is told. None: what is told here makes it another member than we see."""
    if len(data) > _MOST_NAME:
        return None
    if kind == b"L":
        return _text(data)
    records = _records(data)
    # A size of its own: where the next member begins is not where the header has it.
    return None if b"size" in records else records.get(b"path", b"").decode("utf-8", "replace")


def _records(data: bytes) -> dict[bytes, bytes]:
    """Read `length name=value\\n` (pax(1), Extended Header), the later of one name for the earlier.

    What is no such thing, or too much, is told as a size: then nobody here knows where anything is.
    """
    found: dict[bytes, bytes] = {}
    at = 0
    for _ in range(_MOST_RECORDS):
        match = _RECORD.match(data, at)
        if match is None:
            break
        end = at + int(match[1])
        found[match[2]] = data[match.end() : end - 1]
        at = max(end, match.end())
    return found if not data[at:].strip(b"\x00") else {b"size": b""}


def _text(field: bytes) -> str:
    return field.partition(b"\x00")[0].decode("utf-8", "replace")


def _number(field: bytes) -> int:
    """Octal digits, or base 256 if the first bit is set (GNU)."""
    if field[:1] and field[0] & 0x80:
        return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big") & ((1 << 63) - 1)
    digits = field.strip(b" \x00")
    return int(digits, 8) if digits and all(48 <= digit < 56 for digit in digits) else 0
