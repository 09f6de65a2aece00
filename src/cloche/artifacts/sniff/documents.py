"""What documents do when they are opened: PDF (ISO 32000), OLE compound files ([MS-CFB]), RTF. Pure."""

import re
import zlib
from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import Budget, Content, content
from cloche.artifacts.sniff.sample import Sample

_PDF_ACTIONS: Final = re.compile(
    rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|GoToE|ImportData)(?![A-Za-z0-9])|/JS[\s(<]|/EF\s{0,16}(?:<<|\d)"
)
_SPELLED: Final = tuple(
    (spelled, bytes((letter,)))
    for letter in sorted(set(b"JavaScriptLaunchEmbeddedFilesRichMediaGoToEImportData"))
    for spelled in {b"#%02x" % letter, b"#%02X" % letter}
)
"""One after another by hand: to call for each of a hundred thousand takes seconds."""
_OBJECT_STREAM: Final = re.compile(
    rb"/" + b"".join(b"(?:%c|#%02x|#%02X)" % (letter, letter, letter) for letter in b"ObjStm")
)
_MOST_STREAMS: Final = 512
_MOST_OF_A_STREAM: Final = 512 << 10
_MOST_OF_STREAMS: Final = 4 << 20
OVERLAP_BYTES: Final = 128 << 10
"""What two pieces of a file must have in common, so that nothing lies between them."""

_RTF_OBJECTS: Final = re.compile(rb"\\(?:object|objdata|objupdate|objocx|objemb|objlink|objautlink|ddeauto)(?![a-z])")
_RTF_TEMPLATE: Final = re.compile(rb"\\template\s[^{}\\]{0,64}(?:https?|file|\\\\)", re.IGNORECASE)


def pdf_content(sample: Sample, budget: Budget) -> Content:
    reasons = {reason for piece in sample.pieces for reason in pdf_reasons(piece)}
    # The worst of it is all there is to say.
    return content("pdf", *(reasons if Reason.ACTIVE_CONTENT not in reasons else {Reason.ACTIVE_CONTENT}))


def pdf_reasons(data: bytes) -> set[Reason]:
    """Say what is the matter with a piece of a PDF file, from wherever in it."""
    if _PDF_ACTIONS.search(_names_spelled_out(data)):
        return {Reason.ACTIVE_CONTENT}
    return _of_object_streams(data)


def _names_spelled_out(data: bytes) -> bytes:
    """Resolve `/J#61vaScript`: any character of a name may be written in hexadecimal (7.3.5)."""
    for spelled, letter in _SPELLED if b"#" in data else ():
        data = data.replace(spelled, letter)
    return data


def _of_object_streams(data: bytes) -> set[Reason]:
    """Open the object streams (7.5.7) that begin here: they may hold actions."""
    left, found = _MOST_OF_STREAMS, set[Reason]()
    for count, match in enumerate(_OBJECT_STREAM.finditer(data)):
        if count == _MOST_STREAMS or left <= 0:
            return {Reason.NOT_INSPECTED}
        at = data.find(b"stream", match.end(), match.end() + 1024)
        if at < 0:
            continue
        start = at + 6 + (2 if data[at + 6 : at + 8] == b"\r\n" else 1)
        try:
            opening = zlib.decompressobj()
            opened = opening.decompress(
                memoryview(data)[start : start + _MOST_OF_A_STREAM], min(_MOST_OF_A_STREAM, left)
            )
        except zlib.error:  # packed by something else, or encrypted
            found.add(Reason.NOT_INSPECTED)
            continue
        left -= len(opened)
        if _PDF_ACTIONS.search(_names_spelled_out(opened)):
            return {Reason.ACTIVE_CONTENT}
        if opening.unconsumed_tail or (not opening.eof and len(data) - start > OVERLAP_BYTES):
            found.add(Reason.NOT_INSPECTED)
    return found


def rtf_content(sample: Sample, budget: Budget) -> Content:
    return content("rtf", *(reason for piece in sample.pieces for reason in rtf_reasons(piece)))


def rtf_reasons(data: bytes) -> set[Reason]:
    """Say what is the matter with a piece of an RTF file, from wherever in it."""
    return {Reason.ACTIVE_CONTENT} if _RTF_OBJECTS.search(data) or _RTF_TEMPLATE.search(data) else set()


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
