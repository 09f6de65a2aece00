"""Say what a file is and what is the matter with it. Pure."""

from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import Budget, Content, content
from cloche.artifacts.sniff.documents import ole_content, pdf_content, rtf_content
from cloche.artifacts.sniff.foreign import is_polyglot
from cloche.artifacts.sniff.markup import text_content
from cloche.artifacts.sniff.members import look_among
from cloche.artifacts.sniff.packages import zip_content
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.sniff.signatures import binary_type
from cloche.artifacts.sniff.streams import packed_content
from cloche.artifacts.sniff.tars import is_tar, list_members
from cloche.artifacts.sniff.text import text_of

_DOCUMENTS: Final = {"pdf": pdf_content, "ole": ole_content, "rtf": rtf_content}
_STREAMS: Final = frozenset({"gzip", "bzip2", "xz", "zstd"})
_CLOSED: Final = frozenset({"7z", "rar", "arj_lha_ace", "iso", "dmg", "disk"})
"""What nobody here can open."""
_RAR_4: Final = b"Rar!\x1a\x07\x00"
_PDF_WITHIN: Final = 1024


def look(sample: Sample, budget: Budget | None = None) -> Content:
    """Never raises and takes bounded time, whatever the bytes."""
    found = _content(sample, budget or Budget())
    if is_polyglot(sample, found.type):
        return Content(found.type, found.reasons | {Reason.POLYGLOT})
    return found


def _content(sample: Sample, budget: Budget) -> Content:
    name = binary_type(sample)
    if name in _DOCUMENTS:
        return _DOCUMENTS[name](sample, budget)
    if name == "zip":
        return zip_content(sample, budget, look)
    if name in _STREAMS:
        return packed_content(name, sample, budget, look)
    if name in _CLOSED:
        return content(name, Reason.ARCHIVE_NOT_INSPECTED, *_locks(name, sample.head))
    if name:
        return content(name)
    return _without_signature(sample, budget)


def _without_signature(sample: Sample, budget: Budget) -> Content:
    if is_tar(sample.head):
        listing = list_members(sample.head, sample.size)
        reasons = look_among(listing.members, budget, look)
        return content("tar", *reasons, *(() if listing.is_complete else (Reason.ARCHIVE_NOT_INSPECTED,)))
    text = text_of(sample)
    if text is not None:
        return text_content(text, is_whole=sample.is_whole)
    if b"%PDF-" in sample.head[:_PDF_WITHIN]:
        found = pdf_content(sample, budget)
        return Content(found.type, found.reasons | {Reason.POLYGLOT})
    return Content(None)


def _locks(name: str, head: bytes) -> tuple[Reason, ...]:
    """A RAR 4 archive says in its main header (flag 0x80) that its headers are encrypted; RAR 5 has a header for it."""
    if name != "rar":
        return ()
    if head.startswith(_RAR_4):
        is_locked = bool(head[10:11]) and bool(head[10] & 0x80)
    else:
        is_locked = head[13:14] == b"\x04" or head[12:13] == b"\x04"
    return (Reason.ARCHIVE_ENCRYPTED,) if is_locked else ()
