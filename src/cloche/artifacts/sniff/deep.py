"""What is in the midst of files that are longer than their sample, where it may be anywhere. Pure.

Of archives the directory tells, and pictures, sound and film are what they are by how they begin; but a PDF file acts
on what any part of it says, and so do RTF files and tables.
"""

from collections.abc import Callable, Iterable
from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.documents import OVERLAP_BYTES, pdf_reasons, rtf_reasons
from cloche.artifacts.sniff.markup import starts_programs

MOST_BYTES: Final = 64 << 20
"""Of one file. It takes a second to read so much, and nobody says of more that it is harmless."""
_WINDOW_BYTES: Final = 512 << 10


def _of_table(data: bytes) -> set[Reason]:
    return {Reason.ACTIVE_CONTENT} if starts_programs(data.decode("latin-1")) else set()


_KINDS: Final[dict[str, Callable[[bytes], set[Reason]]]] = {
    "application/pdf": pdf_reasons,
    "application/rtf": rtf_reasons,
    "text/csv": _of_table,
    "text/tab-separated-values": _of_table,
}


def must_be_read(media_type: str) -> bool:
    """Whether a file of that type is only known when all of it is."""
    return media_type in _KINDS


def deep_reasons(media_type: str, pieces: Iterable[bytes]) -> set[Reason]:
    """Go through a file, of which `pieces` come in order, until something is found."""
    look, window, size = _KINDS[media_type], bytearray(), 0
    for piece in pieces:
        window += piece
        size += len(piece)
        if size > MOST_BYTES:
            return {Reason.NOT_INSPECTED}
        if len(window) >= _WINDOW_BYTES:
            if found := look(bytes(window)):
                return found
            del window[:-OVERLAP_BYTES]
    return look(bytes(window))
