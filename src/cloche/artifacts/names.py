"""Names of files that strangers chose (RFC 6266, §4.3), made safe on every system and for every eye. Pure."""

import re
import unicodedata
from typing import Final, NamedTuple

MAX_NAME_BYTES: Final = 255
"""Of UTF-8: what file systems take."""
MAX_EXTENSION_BYTES: Final = 24
FALLBACK: Final = "download"
_MOST_READ: Final = 16_384
"""Of a suggestion, in characters, from its end: that is where the extension is."""

_SEPARATORS: Final = re.compile(r"[/\\]")
_RESERVED: Final = re.compile(r'[<>:"|?*]')
_DEVICES: Final = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\.|$)", re.IGNORECASE
)
_LONG_GAP: Final = re.compile(r"(?<!\s)\s{5,}\S")
_EXTENSION: Final = re.compile(r"\.((?:tar\.)?[^.\s]+)$")

_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters by their category, and nothing to the eye."""
_GOES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_HONEST: Final = frozenset("\u00ad\u061c\u200c\u200d\u200e\u200f")
"""Taken out too, but they belong to how Persian, Arabic, Hebrew and emoji are written: no deception."""


class SafeName(NamedTuple):
    text: str
    was_changed: bool
    was_deceptive: bool
    """It had characters whose only use in a file's name is to make it look like another."""


def safe_name(suggested: str) -> SafeName:
    """Make the last segment of whatever was suggested a name that means the same to every system and reader.

    Never empty, at most MAX_NAME_BYTES of UTF-8 with its extension kept, and what comes out comes out again as it is.
    """
    last = [segment for segment in _SEPARATORS.split(suggested[-_MOST_READ:]) if segment.strip(". ")][-1:]
    seen = "".join(last)
    name = "".join(character for character in seen if not _goes(character))
    name = unicodedata.normalize("NFC", name)
    name = " ".join(_RESERVED.sub("_", name).split())
    # Unix hides what begins with a dot and takes a dash for an option; Windows drops dots and spaces at the end.
    name = name.lstrip(".- ").rstrip(". ")
    name = _shortened(name) or FALLBACK
    if _DEVICES.match(name):
        name = _shortened("_" + name)
    _, is_deceptive = without_hidden(seen)
    return SafeName(name, name != suggested, is_deceptive or bool(_LONG_GAP.search(seen)))


def without_hidden(name: str) -> tuple[str, bool]:
    """Return the name without characters that nobody sees, and whether one of them is there to deceive."""
    hidden = {character for character in set(name) if _goes(character)}
    return "".join(character for character in name if character not in hidden), not hidden <= _HONEST


def extension_of(name: str) -> str:
    """Everything after the last dot, in lower case; empty if there is none. `a.tar.gz` has `gz`."""
    match = _EXTENSION.search(name.rstrip(". "))
    return match[1].casefold().rpartition(".")[2] if match and match.start() > 0 else ""


def extension_before(name: str) -> str:
    """The last extension but one: `pdf` of `invoice.pdf.exe`, also of `invoice.pdf .exe`."""
    extension = extension_of(name)
    stem = name.rstrip(". ")[: -len(extension) - 1] if extension else ""
    return extension_of(stem)


def _goes(character: str) -> bool:
    if character in _BLANKS:
        return True
    return unicodedata.category(character) in _GOES or ord(character) & 0xFFFE == 0xFFFE


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    match = _EXTENSION.search(name)
    ending = match[0] if match and len(match[0].encode()) <= MAX_EXTENSION_BYTES else ""
    stem = name[: -len(ending)] if ending else name
    room = MAX_NAME_BYTES - len(ending.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + ending
