"""What is suspicious among an archive's members, whatever kind of archive it is. Pure."""

import posixpath
import re
from collections.abc import Iterable
from typing import Final

from cloche.artifacts.names import extension_of, without_hidden
from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import MAX_DEPTH, Budget, Look, Member
from cloche.artifacts.sniff.programs import program_type
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.sniff.signatures import binary_type
from cloche.artifacts.types import BY_EXTENSION, BY_NAME, Family

_PEEK_BYTES: Final = 1024
_NAME_CHARS: Final = 128
"""Of a member's name, from its end: that is where the extension is."""
_HIDDEN: Final = frozenset({Reason.EXECUTABLE, Reason.SCRIPT, Reason.SHORTCUT})
_PACKED: Final = frozenset({Family.ARCHIVE, Family.DISK})
_OUTSIDE: Final = re.compile(r"[/\\]|[A-Za-z]:|(.*[/\\])?\.\.([/\\]|$)|.*\x00", re.DOTALL)
_PROGRAMS: Final = frozenset({Family.PROGRAM, Family.INSTALLER, Family.SHORTCUT})
_UNSEEN: Final = frozenset({Reason.ARCHIVE_NOT_INSPECTED})


def look_among(members: Iterable[Member], budget: Budget, look: Look) -> set[Reason]:
    found: set[Reason] = set()
    for member in members:
        if _OUTSIDE.match(member.name) or (member.link_target is not None and _points_outside(member)):
            found.add(Reason.ARCHIVE_UNSAFE_PATH)
        if not member.name.endswith("/"):
            found |= _by_name(member) | _by_bytes(member, budget, look)
    return found


def _points_outside(member: Member) -> bool:
    """Links within an archive are common in sources; what is unpacked through others lands anywhere."""
    target = (member.link_target or "/").replace("\\", "/")
    lands = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), target))
    return lands.startswith(("/", "../")) or lands == ".." or target[1:2] == ":"


def _by_name(member: Member) -> set[Reason]:
    name = member.name[-_NAME_CHARS:].replace("\\", "/").rpartition("/")[2]
    found: set[Reason] = set()
    if not name.isascii() or not name.isprintable():
        name, is_deceptive = without_hidden(name)
        found |= {Reason.DECEPTIVE_NAME} if is_deceptive else set()
    for part in name.split(":"):  # Windows writes `a.txt:b.exe` into a stream of a.txt, others leave a part out
        named = BY_EXTENSION.get(extension_of(part))
        found |= inside(named.danger) if named else set()
    return found


def inside(danger: Reason | None) -> set[Reason]:
    """Tell of an archive what is the matter with one of its members."""
    if danger in _HIDDEN:
        return {Reason.ARCHIVE_WITH_EXECUTABLE}
    return {danger} if danger else set()


def _by_bytes(member: Member, budget: Budget, look: Look) -> set[Reason]:
    if budget.peeks_left <= 0 or budget.bytes_left <= 0:
        return set(_UNSEEN) if _may_be_packed(member, b"") else set()
    budget.peeks_left -= 1
    beginning = member.read(min(_PEEK_BYTES, budget.bytes_left))
    budget.take(len(beginning))
    if len(beginning) > member.size:
        return {Reason.ARCHIVE_BOMB}
    found = _program(beginning, member.size)
    return found | _nested(member, budget, look) if _may_be_packed(member, beginning) else found


def _program(beginning: bytes, size: int) -> set[Reason]:
    name = binary_type(Sample.of(beginning, b"", max(size, len(beginning))))
    if name and (BY_NAME[name].family in _PROGRAMS or program_type(beginning)):
        return {Reason.ARCHIVE_WITH_EXECUTABLE}
    return set()


def _may_be_packed(member: Member, beginning: bytes) -> bool:
    kinds = {BY_EXTENSION.get(extension_of(member.name.rpartition("/")[2]))}
    name = binary_type(Sample.of(beginning, b"", max(member.size, len(beginning)))) if beginning else None
    kinds |= {BY_NAME[name]} if name else set()
    return any(kind and (kind.family in _PACKED or kind.base in ("zip", "ole") or kind.name == "ole") for kind in kinds)


def _nested(member: Member, budget: Budget, look: Look) -> set[Reason]:
    if not member.size:
        return set()
    if budget.depth >= MAX_DEPTH or member.size > budget.bytes_left:
        return set(_UNSEEN)
    data = member.read(member.size + 1)
    budget.take(len(data))
    if len(data) != member.size:
        return {Reason.ARCHIVE_BOMB} if len(data) > member.size else set(_UNSEEN)
    budget.depth += 1
    content = look(Sample.of(data), budget)
    budget.depth -= 1
    found = set(content.reasons) | inside(content.type.danger if content.type else None)
    if Reason.NOT_INSPECTED in found:
        found = found - {Reason.NOT_INSPECTED} | _UNSEEN
    return found - _HIDDEN | ({Reason.ARCHIVE_WITH_EXECUTABLE} if found & _HIDDEN else set())
