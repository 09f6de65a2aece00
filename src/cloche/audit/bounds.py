"""What of a record goes into the journal: bounded texts without control characters, and no number two programs write
differently. Pure."""

import math
from typing import Final

from cloche.audit.model import AuditData

MAX_FIELDS: Final = 16
MAX_VALUE_CHARS: Final = 512
MAX_EXACT_INT: Final = 2**53 - 1
"""Beyond this a program that reads JSON numbers as doubles would read another one (RFC 8259, section 6)."""

Value = str | int | bool | None


def bounded_data(data: AuditData) -> dict[str, Value]:
    """The first `MAX_FIELDS` of the data, each value bounded. A fraction becomes text: `0.25` is never `0.250`."""
    kept = list(data.items())[:MAX_FIELDS]
    return {bounded_text(str(name), 64): _bounded(value) for name, value in kept}


def bounded_text(text: str, most: int) -> str:
    """At most `most` characters, those that do not print (controls, bidi marks, lone surrogates) as `\\u{…}`."""
    if not text.isprintable():
        # Cut first: what is escaped grows, and nobody should pay for megabytes that are thrown away.
        text = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def _bounded(value: str | int | float | bool | None) -> Value:
    if isinstance(value, str):
        return bounded_text(value, MAX_VALUE_CHARS)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    return int(value) if abs(value) <= MAX_EXACT_INT else str(value)[:MAX_VALUE_CHARS]
