"""How much of profiles there may be, and what they may be called."""

import re
from dataclasses import dataclass
from typing import Final

from cloche.errors import InvalidError

MAX_NAME_BYTES: Final = 96
MAX_PAGE: Final = 200
MAX_STATE_BYTES: Final = 16 * 1024 * 1024
"""Of a `storage_state` that is read whole."""
PASSPHRASE_CHARS: Final = range(12, 1025)

_THEME_COLOR: Final = re.compile(r"[A-Za-z0-9#_-]{0,24}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLimits:
    max_profiles_per_principal: int = 64
    max_profile_bytes: int = 512 << 20
    """Of one revision, unpacked."""
    profile_revisions: int = 3
    """How many of each profile are kept, two or more."""


def checked_name(name: str) -> str:
    """Raises: InvalidError."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # half a surrogate pair
        size = 0
    if not 1 <= size <= MAX_NAME_BYTES or not name.isprintable() or not name.strip():
        raise InvalidError(
            f"a profile's name is 1 to {MAX_NAME_BYTES} bytes of text without control characters", field="name"
        )
    return name


def checked_theme_color(theme_color: str) -> str:
    """Raises: InvalidError."""
    if not _THEME_COLOR.fullmatch(theme_color):
        raise InvalidError("a theme colour is at most 24 of A–Z, a–z, 0–9, '#', '_', '-'", field="theme_color")
    return theme_color


def checked_passphrase(passphrase: str) -> str:
    """Raises: InvalidError."""
    if len(passphrase) not in PASSPHRASE_CHARS:
        first, last = PASSPHRASE_CHARS[0], PASSPHRASE_CHARS[-1]
        raise InvalidError(f"a passphrase has {first} to {last} characters", field="passphrase")
    return passphrase
