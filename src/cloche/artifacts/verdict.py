"""Whether a file may go out: facts in, verdict out. Pure.

Its name, what the server declared and what its bytes say must each be allowed, and must agree. What cannot be told is
not let out. An operator's own words widen or narrow what is allowed; they never make a lie of the name's true.
"""

from dataclasses import dataclass
from typing import Final

from cloche.artifacts.model import ArtifactState
from cloche.artifacts.names import extension_before, extension_of
from cloche.artifacts.reasons import Reason, in_order
from cloche.artifacts.sniff.content import Budget, Content
from cloche.artifacts.sniff.look import look
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.types import (
    BY_EXTENSION,
    BY_MEDIA_TYPE,
    BY_NAME,
    GENERIC_MEDIA_TYPES,
    OCTET_STREAM,
    Family,
    FileType,
    bases,
    media_type_of,
)

SAMPLE_BYTES: Final = 64 << 10
"""How much of a file's beginning and of its end is asked for; more sees deeper into archives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    file_name: str
    """As `names.safe_name` left it."""
    name_was_deceptive: bool = False
    declared_type: str = ""
    """Content-Type, as it came; empty if there was none."""
    size_bytes: int
    head: bytes
    """Its first SAMPLE_BYTES, or all there is."""
    tail: bytes = b""
    """Its last SAMPLE_BYTES; may overlap `head`, may be empty if `head` is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Words of `allow` and `deny`: families (`archive`), types (`html`) or extensions (`.dat`). Denial is stronger."""

    max_bytes: int | None = None
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    allow_unseen: bool = False
    """Let out archives and documents that were too large, too deep or too foreign to be looked through."""

    def allows(self, of: FileType, extension: str) -> bool:
        words = {of.family.value, of.name, f".{extension}"}
        return not words & self.deny and (of.is_allowed or bool(words & self.allow))

    def is_meant(self, of: FileType, extension: str) -> bool:
        """Whether it was allowed by name, and so is what it is by nature."""
        return bool({of.family.value, of.name, f".{extension}"} & self.allow)


@dataclass(frozen=True, slots=True)
class Verdict:
    state: ArtifactState
    """READY or QUARANTINED."""
    reasons: tuple[str, ...]
    media_type: str
    """What its bytes say: the type to serve it as."""


_MARKDOWN: Final = frozenset({"md", "markdown"})
"""Often begins with an element of HTML, and is shown as text."""
_UNSEEN: Final = frozenset({Reason.ARCHIVE_NOT_INSPECTED, Reason.NOT_INSPECTED})


def judge(facts: Facts, policy: Policy) -> Verdict:
    """Never raises, whatever the bytes and names."""
    extension = extension_of(facts.file_name)
    named = BY_EXTENSION.get(extension)
    content = look(Sample.of(facts.head, facts.tail, facts.size_bytes), Budget()) if facts.size_bytes > 0 else None
    if content and extension in _MARKDOWN and content.type is BY_NAME["html"] and not content.reasons:
        content = Content(BY_NAME["text"])
    found = _refined(content.type, named, facts.declared_type) if content else None
    reasons = _of_name(facts, policy, extension, named)
    if policy.max_bytes is not None and facts.size_bytes > policy.max_bytes:
        reasons.add(Reason.TOO_LARGE)
    if content:
        reasons |= _of_bytes(content, found, extension, policy)
        reasons |= _of_agreement(content.type, found, named, facts.declared_type)
    if named and content and policy.is_meant(named, extension):
        reasons -= {named.danger}
    state = ArtifactState.QUARANTINED if reasons else ArtifactState.READY
    media_type = media_type_of(found, extension) if found else OCTET_STREAM
    return Verdict(state, tuple(reason.value for reason in in_order(frozenset(reasons))), media_type)


def _of_name(facts: Facts, policy: Policy, extension: str, named: FileType | None) -> set[Reason]:
    reasons = set()
    if facts.name_was_deceptive:
        reasons.add(Reason.DECEPTIVE_NAME)
    if named is None:
        if extension and f".{extension}" not in policy.allow:
            reasons.add(Reason.EXTENSION_NOT_ALLOWED)
        return reasons
    if policy.allows(named, extension):
        return reasons
    reasons.add(Reason.EXTENSION_NOT_ALLOWED)
    if named.danger:
        reasons.add(named.danger)
        before = BY_EXTENSION.get(extension_before(facts.file_name))
        if before and not before.danger and before is not named:
            reasons.add(Reason.DOUBLE_EXTENSION)
    return reasons


def _of_bytes(content: Content, found: FileType | None, extension: str, policy: Policy) -> set[Reason]:
    reasons = set(content.reasons)
    if policy.allow_unseen:
        reasons -= _UNSEEN
    if found is None:
        return reasons if f".{extension}" in policy.allow else reasons | {Reason.UNKNOWN_TYPE}
    if not policy.allows(found, extension):
        reasons.add(Reason.TYPE_NOT_ALLOWED)
    if not policy.is_meant(found, extension):
        return reasons | ({found.danger} if found.danger else set())
    return reasons - {found.danger} - ({Reason.ACTIVE_CONTENT} if found.family is Family.MARKUP else set())


def _of_agreement(told: FileType | None, found: FileType | None, named: FileType | None, declared: str) -> set[Reason]:
    if told is None or found is None:
        return set()
    reasons = set()
    if named and not _agree(told, named):
        reasons.add(Reason.TYPE_MISMATCH)
    if not _fits_declared(told, found, declared):
        reasons.add(Reason.DECLARED_TYPE_MISMATCH)
    return reasons


def _refined(told: FileType | None, named: FileType | None, declared: str) -> FileType | None:
    """Take the name's word, or the server's if the name has none, that a text is a CSV file: bytes cannot tell."""
    if told is None:
        return None
    claims = (named,) if named else BY_MEDIA_TYPE.get(_essence(declared), ())
    for claimed in claims:
        if not claimed.is_told_by_bytes and told in bases(claimed):
            return claimed
    return told


def _agree(told: FileType, claimed: FileType) -> bool:
    if told is claimed or told.name == claimed.name:
        return True
    if not claimed.is_told_by_bytes and told in bases(claimed):
        return True
    # A picture in SVG is an XML file, and a document of Word a zip archive, for those who call it so.
    if told.is_allowed and claimed in bases(told):
        return True
    if told.family is claimed.family is Family.MARKUP:
        return True
    return told.danger is not None and told.danger == claimed.danger


def _fits_declared(told: FileType, found: FileType, declared: str) -> bool:
    essence = _essence(declared)
    if essence in GENERIC_MEDIA_TYPES or (essence.startswith("text/") and essence not in BY_MEDIA_TYPE):
        return True
    claims = BY_MEDIA_TYPE.get(essence)
    if claims is None:
        # A type nobody here knows can only be wrong about its kind.
        kind = essence.partition("/")[0]
        return kind not in {"image", "audio", "video", "font"} or kind == found.family.value
    if any(_agree(told, claimed) and (claimed.is_allowed or claimed is found) for claimed in claims):
        return True
    # Any text may be declared plain, or as the text that its name says it is.
    return any(_agree(found, claimed) and (claimed.is_allowed or claimed is found) for claimed in claims)


def _essence(declared: str) -> str:
    return declared[:256].partition(";")[0].strip().lower()
