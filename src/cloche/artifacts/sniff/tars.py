"""The members of a tar archive (POSIX ustar, pax and GNU), as far as it was sampled. Pure."""

import posixpath
from dataclasses import dataclass
from typing import Final

from cloche.artifacts.sniff.content import Member

BLOCK: Final = 512
_LINKS: Final = b"12"
_NAMES: Final = {b"L": "", b"x": "path="}
_MOST_NAME: Final = 8192


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
    at, long_name = 0, ""
    while is_tar(data[at : at + BLOCK]):
        header = data[at : at + BLOCK]
        start, length, kind = at + BLOCK, _number(header[124:136]), header[156:157]
        at = start + -(-length // BLOCK) * BLOCK
        if kind in _NAMES:
            long_name = _long_name(kind, data[start : start + min(length, _MOST_NAME)]) or long_name
            continue
        if kind in b"Kg":
            continue
        found.append(_member(header, long_name, data[start : min(start + length, len(data))], length))
        long_name = ""
    rest = data[at : at + BLOCK]
    ended = len(rest) == BLOCK and not any(rest)
    return Listing(tuple(found), is_complete=ended or (size is not None and at == size))


def _member(header: bytes, long_name: str, data: bytes, length: int) -> Member:
    prefix = _text(header[345:500]) if header[257:262] == b"ustar" and header[263:265] == b"00" else ""
    name = long_name or (f"{prefix}/{_text(header[:100])}" if prefix else _text(header[:100]))
    kind = header[156:157]
    target = _text(header[157:257])
    if kind == b"1":
        # A hard link counts from the archive's root, a symbolic one from where it stands.
        target = target if target.startswith("/") else "../" * posixpath.normpath(name).count("/") + target
    return Member(name, length, lambda most: data[:most], target if kind and kind in _LINKS else None)


def _long_name(kind: bytes, data: bytes) -> str:
    if kind == b"L":
        return _text(data)
    at = data.find(b" path=")
    return data[at + 6 :].partition(b"\n")[0].decode("utf-8", "replace") if at >= 0 else ""


def _text(field: bytes) -> str:
    return field.partition(b"\x00")[0].decode("utf-8", "replace")


def _number(field: bytes) -> int:
    """Octal digits, or base 256 if the first bit is set (GNU)."""
    if field[:1] and field[0] & 0x80:
        return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big") & ((1 << 63) - 1)
    digits = field.strip(b" \x00")
    return int(digits, 8) if digits and all(48 <= digit < 56 for digit in digits) else 0
