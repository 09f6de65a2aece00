"""What documents do when they are opened: PDF (ISO 32000), OLE compound files ([MS-CFB]), RTF. Pure."""

import re
import zlib
from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import Budget, Content, content
from cloche.artifacts.sniff.sample import Sample

_PDF_ACTIONS: Final = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|GoToE|ImportData)(?![A-Za-z0-9])|/JS[\s(<]", re.DOTALL
)
_HEX_IN_NAME: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECT_STREAM: Final = re.compile(rb"/ObjStm")
_MOST_STREAMS: Final = 64
_MOST_OF_A_STREAM: Final = 128 << 10

_RTF_OBJECTS: Final = re.compile(rb"\\(?:object|objdata|objupdate|objocx|objemb|objlink|objautlink|ddeauto)(?![a-z])")
_RTF_TEMPLATE: Final = re.compile(rb"\\template\s[^{}]{0,64}(?:https?|file|\\\\)", re.IGNORECASE)


def pdf_content(sample: Sample, budget: Budget) -> Content:
    acts = any(_PDF_ACTIONS.search(_names_spelled_out(piece)) for piece in sample.pieces)
    if acts or any(_hides_actions(piece, budget) for piece in sample.pieces):
        return content("pdf", Reason.ACTIVE_CONTENT)
    return content("pdf")


def _names_spelled_out(data: bytes) -> bytes:
    """Resolve `/J#61vaScript`: any character of a name may be written in hexadecimal (7.3.5)."""
    return _HEX_IN_NAME.sub(lambda match: bytes((int(match[1], 16),)), data)


def _hides_actions(data: bytes, budget: Budget) -> bool:
    """Whether an object stream (7.5.7) that was sampled holds an action."""
    for count, match in enumerate(_OBJECT_STREAM.finditer(data)):
        if count == _MOST_STREAMS or budget.bytes_left <= 0:
            return False
        at = data.find(b"stream", match.end(), match.end() + 1024)
        if at < 0:
            continue
        start = at + 6 + (2 if data[at + 6 : at + 8] == b"\r\n" else 1)
        try:
            opened = zlib.decompressobj().decompress(data[start:], min(_MOST_OF_A_STREAM, budget.bytes_left))
        except zlib.error:
            continue
        budget.take(len(opened))
        if _PDF_ACTIONS.search(_names_spelled_out(opened)):
            return True
    return False


def rtf_content(sample: Sample, budget: Budget) -> Content:
    data = b"\n".join(sample.pieces)
    if _RTF_OBJECTS.search(data) or _RTF_TEMPLATE.search(data):
        return content("rtf", Reason.ACTIVE_CONTENT)
    return content("rtf")


def _entry(name: str) -> bytes:
    """A directory entry's name, as it stands there: 64 bytes of UTF-16 and its length."""
    encoded = name.encode("utf-16-le")
    return encoded.ljust(64, b"\x00") + (len(encoded) + 2).to_bytes(2, "little")


_OLE_TYPES: Final = (
    (_entry("WordDocument"), "doc"),
    (_entry("Workbook"), "xls"),
    (_entry("Book"), "xls"),
    (_entry("PowerPoint Document"), "ppt"),
    (_entry("__properties_version1.0"), "msg"),
)
_MSI_CLASSES: Final = tuple(
    bytes((low, 0x10, 0x0C)) + b"\x00" * 5 + b"\xc0" + b"\x00" * 6 + b"F" for low in range(0x82, 0x87)
)
_OLE_MACROS: Final = tuple(map(_entry, ("VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros")))
_OLE_OBJECTS: Final = tuple(map(_entry, ("\x01Ole10Native", "Equation Native", "\x01CompObjNative")))
_OLE_ENCRYPTED: Final = _entry("EncryptedPackage")
_ROOT_ENTRY: Final = _entry("Root Entry")


def ole_content(sample: Sample, budget: Budget) -> Content:
    """Read the directory's entries wherever they were sampled: a name with its length is found without the chains."""
    data = b"".join(sample.pieces)
    reasons = set()
    if not sample.is_whole:
        # Any sector may be the directory's: unless all were seen, a macro may be in the rest.
        reasons.add(Reason.NOT_INSPECTED)
    if any(entry in data for entry in _OLE_MACROS):
        reasons.add(Reason.MACRO)
    if any(entry in data for entry in _OLE_OBJECTS):
        reasons.add(Reason.ACTIVE_CONTENT)
    if _OLE_ENCRYPTED in data:
        reasons.add(Reason.ARCHIVE_ENCRYPTED)
    return content(_ole_type(data), *reasons)


def _ole_type(data: bytes) -> str:
    root = data.find(_ROOT_ENTRY)
    if root >= 0 and data[root + 80 : root + 96] in _MSI_CLASSES:
        return "msi"
    return next((name for entry, name in _OLE_TYPES if entry in data), "ole")
