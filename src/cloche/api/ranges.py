"""Range requests (RFC 9110, section 14) for a file whose size is only known when it is opened. Pure."""

import re
from dataclasses import dataclass
from typing import Final

_SINGLE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` to `last`, both counted in; None: to the end."""

    first: int
    last: int | None

    def bytes_of(self, size: int) -> int:
        """How many bytes of a file of `size` it covers; none where it begins beyond the end."""
        end = size if self.last is None else min(self.last + 1, size)
        return max(0, end - self.first)


@dataclass(frozen=True, slots=True)
class Tail:
    """The last `length` bytes."""

    length: int

    def within(self, size: int) -> Span:
        """It as a span of a file of `size`; the tail of nothing begins at its end, and so covers nothing."""
        return Span(max(0, size - self.length), None) if self.length else Span(size, None)


def parse_range(text: str | None) -> Span | Tail | None:
    """Read a Range field. None: the whole file, as also for more than one range and for what is not understood."""
    match = _SINGLE.fullmatch(text or "")
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        return Tail(int(last)) if last else None
    if last and int(last) < int(first):
        return None
    return Span(int(first), int(last) if last else None)


def etag_of(size: int, modified_s: float) -> str:
    """A strong validator, as strong as a file system's clock is fine."""
    return f'"{size:x}-{round(modified_s * 1_000_000):x}"'


def is_still(if_range: str | None, etag: str) -> bool:
    """Whether an If-Range lets the range be sent (RFC 9110, section 13.1.5): the same, strong entity tag, or none.

    A date never matches, since no answer here tells one.
    """
    return if_range is None or if_range.strip() == etag
