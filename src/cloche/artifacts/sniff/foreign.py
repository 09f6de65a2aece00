"""What is hidden in or after files that seem to be something else: polyglots. Pure."""

import re
from typing import Final

from cloche.artifacts.sniff.programs import has_program
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.sniff.zips import read_directory
from cloche.artifacts.types import Family, FileType

_BINARY: Final = frozenset({Family.IMAGE, Family.AUDIO, Family.VIDEO, Family.FONT})
_SCRIPTS: Final = re.compile(
    rb"<\?php\b|<script[\s>]|<%@\s*(?:page|language|import)|<\?=\s*(?:`|\$_|system|eval|exec)", re.IGNORECASE
)
_ARCHIVES: Final = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c")
_CODE_IN_GIF: Final = re.compile(rb"GIF8[79]a(?:/\*|=|\s*=)")
"""As JavaScript, `GIF89a` is a variable; what would be the width begins a comment or an assignment."""
_PNG_END: Final = b"IEND\xaeB`\x82"
_PADDING: Final = b"\x00 \t\r\n"
_PDF: Final = b"%PDF-"
_PDF_WITHIN: Final = 1024
"""Readers find a PDF file's header that far in."""
_ZIPPED: Final = frozenset({"zip", "gzip", "bzip2", "xz", "zstd", "tar", "7z", "rar", "crx"})


def is_polyglot(sample: Sample, type_: FileType | None) -> bool:
    if type_ is None:
        return read_directory(sample) is not None
    if type_.name in _ZIPPED or type_.base == "zip" or type_.danger:
        return False
    if read_directory(sample) is not None:
        return True
    if type_.name == "pdf":
        return any(has_program(piece) for piece in sample.pieces)
    return type_.family in _BINARY and type_.name != "svg" and _hides(sample, type_)


def _hides(sample: Sample, type_: FileType) -> bool:
    if any(has_program(piece) or _SCRIPTS.search(piece) for piece in sample.pieces):
        return True
    if any(signature in piece for piece in sample.pieces for signature in _ARCHIVES):
        return True
    if _PDF in sample.head[:_PDF_WITHIN] and b"%%EOF" in sample.ending[-_PDF_WITHIN:]:
        return True
    if type_.name == "gif":
        return bool(_CODE_IN_GIF.match(sample.head)) or not _ends_with(sample, b"\x3b")
    return type_.name == "png" and not _ends_with(sample, _PNG_END)


def _ends_with(sample: Sample, end: bytes) -> bool:
    """Whether nothing but padding stands after the mark that ends the picture; a file cut short has no such mark."""
    ending = sample.ending
    if not ending:
        return True
    if sample.is_whole and end not in ending:
        return True
    return ending.rstrip(_PADDING).endswith(end)
