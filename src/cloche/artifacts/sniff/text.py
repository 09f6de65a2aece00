"""Whether bytes are text, and which characters they are. Pure."""

import codecs
import re
from typing import Final

from cloche.artifacts.sniff.sample import Sample

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
"""What no text has. Tab, line ends, form feed and escape are not among them, nor is 0x0b."""
_MANY_BYTES: Final = 2048


def text_of(sample: Sample) -> str | None:
    """Decode what was sampled: UTF-8, UTF-16 or -32 with their mark, or any 8-bit encoding. None: it is no text."""
    head = sample.head
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return _strict(head[len(bom) :], sample, encoding, len(bom))
    utf_8 = _strict(head, sample, "utf-8", 0)
    return utf_8 if utf_8 is not None else _eight_bit(sample)


def _strict(first: bytes, sample: Sample, encoding: str, skipped: int) -> str | None:
    try:
        # Not final: a sample may end within a character.
        text = codecs.getincrementaldecoder(encoding)().decode(first, sample.is_whole)
    except UnicodeDecodeError:
        return None
    # A tail may begin within one, so it is only asked whether it is text at all.
    width = {"utf-8": 1, "utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}[encoding]
    shift = -sample.ending_start % width if sample.tail else 0
    text += "\n" + sample.tail[shift:].decode(encoding, "ignore") if sample.tail else ""
    return None if _CONTROLS.search(text) else text


def _eight_bit(sample: Sample) -> str | None:
    text = "\n".join(piece.decode("latin-1") for piece in sample.pieces)
    if _CONTROLS.search(text):
        return None
    # A short run of bytes is without control characters by chance; letters of ASCII are in any language's files.
    plain = sum(character.isascii() for character in text[:_MANY_BYTES])
    return text if plain * 4 >= len(text[:_MANY_BYTES]) else None
