"""Machine code, and where it is hidden: ELF, PE (Microsoft, PE Format), Mach-O, Java classes. Pure."""

import re
from typing import Final

_FAT_MAGIC: Final = b"\xca\xfe\xba\xbe"
_MOST_ARCHITECTURES: Final = 43
"""Of a fat Mach-O file. A Java class has its version in the same place, and the oldest is 45: what file(1) does."""
_MOST_TRIED: Final = 4096

_ELF: Final = re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01")


def program_type(head: bytes) -> str | None:
    """Name the type of program that begins here, of those that need more than a signature."""
    if head[:2] == b"MZ" and (is_pe(head, 0) or is_dos(head)):
        return "exe"
    if head[:4] == _FAT_MAGIC and len(head) >= 8:
        return "macho" if int.from_bytes(head[4:8], "big") <= _MOST_ARCHITECTURES else "java_class"
    # CPython's bytecode: a number, then CR LF, since 3.0 always 0x0d in its second byte.
    if len(head) >= 16 and head[1:4] == b"\x0d\x0d\x0a":
        return "bytecode"
    return None


def is_pe(data: bytes, at: int) -> bool:
    header = at + int.from_bytes(data[at + 60 : at + 64], "little")
    return data[at : at + 2] == b"MZ" and len(data) >= at + 64 and data[header : header + 4] == b"PE\x00\x00"


def is_dos(head: bytes) -> bool:
    """Whether it is `MZ` and no text that happens to begin with these letters."""
    return len(head) >= 28 and b"\x00" in head[:64]


def has_program(data: bytes, start: int = 0) -> bool:
    """Whether a program begins anywhere in `data`."""
    if _ELF.search(data, start):
        return True
    at = data.find(b"MZ", start)
    for _ in range(_MOST_TRIED):
        if at < 0:
            return False
        if is_pe(data, at):
            return True
        at = data.find(b"MZ", at + 2)
    return True  # nobody writes MZ that often without a purpose
