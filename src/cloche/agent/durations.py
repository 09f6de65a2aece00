"""Durations as Go writes them: `500ms`, `1m30s`, `2h`, `.5s`, `0` (Go's time.ParseDuration). Pure."""

import re
from typing import Final

_UNITS_S: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse_duration(text: str) -> float:
    """Return the seconds.

    Raises:
        ValueError: not a duration.
    """
    sign, body = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if body == "0":
        return 0.0
    if not body or len(body) > 64:
        raise ValueError(f"not a duration: {text[:64]!r}")
    total, end = 0.0, 0
    while end < len(body):
        part = _PART.match(body, end)
        if part is None:
            raise ValueError(f"not a duration: {text!r}")
        total, end = total + float(part[1]) * _UNITS_S[part[2]], part.end()
    return sign * total
