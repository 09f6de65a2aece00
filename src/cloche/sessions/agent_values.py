"""Single values as a sandbox writes them, made fit for logs, events and answers. Pure."""

import math
from typing import Final

MAX_WHOLE: Final = 2**31
MAX_AMOUNT: Final = 2.0**53
"""Up to here every whole number has a double of its own."""


def text(value: object, limit: int) -> str:
    """Cut to `limit` characters, with a space for each that does not print; nothing for what is no text."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in value[:limit])


def slug(value: object, limit: int = 48) -> str:
    """Keep the letters, digits and underscores of ASCII."""
    return "".join(c for c in text(value, limit) if c.isascii() and (c.isalnum() or c == "_"))


def whole(value: object) -> int | None:
    """A whole number, brought within 32 bits; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return max(-MAX_WHOLE, min(value, MAX_WHOLE))


def count(value: object) -> int:
    """A whole number from 0; 0 for what is none."""
    return max(0, whole(value) or 0)


def amount(value: object, most: float = MAX_AMOUNT) -> float:
    """A number from 0 to `most`; 0 for what is none, NaN and infinities included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    if isinstance(value, int):
        return float(max(0, min(value, int(most))))  # first bounded: a huge one has no double
    return max(0.0, min(value, most)) if math.isfinite(value) else 0.0
