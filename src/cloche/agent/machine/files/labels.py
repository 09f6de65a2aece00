"""Names and times as answers say them. Pure."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST_S: Final = -62_135_596_800
"""The year 1, and the end of 9999: what RFC 3339 can say. A file's time may be set to anything."""
_MOST_S: Final = 253_402_300_799
_NS: Final = 1_000_000_000


def labelled(key: str, value: bytes) -> dict[str, str]:
    """A name or path as fields of an answer: text, and its bytes beside it where they are not UTF-8."""
    text = value.decode("utf-8", "replace")
    fields = {key: text}
    if text.encode() != value:
        fields[f"{key}_b64"] = base64.b64encode(value).decode()
    return fields


def timestamp(nanoseconds: int) -> str:
    """RFC 3339, to the microsecond; what it cannot say becomes the nearest second that it can."""
    seconds, rest = divmod(nanoseconds, _NS)
    if not _LEAST_S <= seconds <= _MOST_S:
        seconds, rest = min(max(seconds, _LEAST_S), _MOST_S), 0
    at = _EPOCH + timedelta(seconds=seconds, microseconds=rest // 1000)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def decimal_seconds(nanoseconds: int) -> str:
    """Seconds with all their fractions: `1.500000000`."""
    seconds, rest = divmod(abs(nanoseconds), _NS)
    return f"{'-' if nanoseconds < 0 else ''}{seconds}.{rest:09d}"
