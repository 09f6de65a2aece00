"""Which type a file's bytes begin like: the table's signatures, and what needs a little more. Pure."""

from typing import Final

from cloche.artifacts.sniff.programs import program_type
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.types import TYPES

_SIGNATURES: Final = sorted(
    ((offset, magic, one.name) for one in TYPES for offset, magic in one.signatures),
    key=lambda signature: (-len(signature[1]), signature),
)
"""The longest first: an AppImage is an ELF file too."""
_WEAK: Final = frozenset({b"\xff\x0a", b"FWS", b"CWS", b"ZWS", b"ITSF", b"true\x00", b"ID3", b"\x60\xea"})
"""Could begin a text, or anything: see `_is_believed`."""

_RIFF: Final = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
_HEIF: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_SFNT: Final = b"\x00\x01\x00\x00"
_MOST_TABLES: Final = 64
_BMP_HEADERS: Final = (12, 16, 40, 52, 56, 64, 108, 124)
_UNTOLD_PE: Final = b"\x7fELF"


def binary_type(sample: Sample) -> str | None:
    """Name the type. None: it may be text, an archive without a signature, or anything."""
    head = sample.head
    if head[:4] == _UNTOLD_PE:
        return "appimage" if head[8:11] in (b"AI\x01", b"AI\x02") else "elf"
    found = program_type(head) or _container(head) or _by_structure(head)
    if found:
        return found
    for offset, magic, name in _SIGNATURES:
        if sample.read(offset, len(magic)) == magic and _is_believed(name, magic, head):
            return name
    if sample.ending[-512:-508] == b"koly":
        return "dmg"
    if sample.ending[-512:-504] == b"conectix":
        return "disk"
    return None


def _is_believed(name: str, magic: bytes, head: bytes) -> bool:
    if name == "appimage":
        return False  # without ELF before it
    return magic not in _WEAK or any(byte < 9 for byte in head[len(magic) : 64])


def _container(head: bytes) -> str | None:
    """RIFF, IFF and ISO/IEC 14496-12 say what they hold after their length."""
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] == b"ftyp" and len(head) >= 16:
        length = min(int.from_bytes(head[:4], "big"), 256)
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
        if any(brand in (b"avif", b"avis") for brand in brands):
            return "avif"
        return "heif" if any(brand in _HEIF for brand in brands) else "mp4"
    return None


def _by_structure(head: bytes) -> str | None:
    """Signatures so short that the fields after them must make sense too."""
    if head[:4] == _SFNT and 0 < int.from_bytes(head[4:6], "big") <= _MOST_TABLES:
        return "sfnt"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:4] in (b"\x00\x00\x01\x00", b"\x00\x00\x02\x00") and 0 < int.from_bytes(head[4:6], "little") <= 256:
        return "ico" if head[9:10] == b"\x00" else None
    if head[:3] == b"BZh" and head[3:4].isdigit() and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return "bzip2"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpeg_ts"
    return _frames(head)


def _frames(head: bytes) -> str | None:
    """MPEG audio (ISO/IEC 11172-3, 2.4.2.3) and ADTS, which begin with eleven or twelve set bits and little else.

    Layers II and III only: nobody writes layer I any more, and it begins like UTF-16.
    """
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0 and (head[2] >> 2) & 15 < 13:
        return "aac"
    layer, version = (head[1] >> 1) & 3, (head[1] >> 3) & 3
    if head[1] & 0xE0 != 0xE0 or layer not in (1, 2) or version == 1:
        return None
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 3
    return "mp3" if 0 < bitrate < 15 and rate < 3 else None
