"""A snapshot in pages of so many bytes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloche.browser.snapshot.lines import ancestors_of, ref_of

MIN_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Page:
    text: str
    next_start: int | None
    """Index of the next page's first line; None on the last page."""
    truncated: bool
    """There is more: another page, or the rest of a line that is larger than a page."""
    context_lines: int = 0
    """How many lines at the top repeat what the page continues in; these alone begin with `#`."""


def cut(lines: Sequence[str], start: int, max_bytes: int) -> Page:
    """Return whole lines from `start` on, in at most `max_bytes` of UTF-8, at least 64; always one line or more.

    A page in the middle begins with the lines that its first one is inside of, as comments, nearest first to go in and
    with at most a quarter of the room. A line that no page could hold is shortened.
    """
    room = max(max_bytes, MIN_BYTES)
    if not 0 <= start < len(lines):
        return Page("", None, truncated=False)
    page = _context(lines, start, room // 4)
    context_lines = len(page)
    room -= sum(_size(line) for line in page)
    shortened = _size(lines[start]) > room
    first = _shortened(lines[start], room) if shortened else lines[start]
    page.append(first)
    room -= _size(first)
    end = start + 1
    while end < len(lines) and _size(lines[end]) <= room:
        room -= _size(lines[end])
        page.append(lines[end])
        end += 1
    is_last = end == len(lines)
    return Page("\n".join(page), None if is_last else end, shortened or not is_last, context_lines)


def _size(line: str) -> int:
    """UTF-8 bytes with the line's end; a lone surrogate, of which a page's text may have some, counts as three."""
    return len(line.encode("utf-8", "surrogatepass")) + 1


def _context(lines: Sequence[str], start: int, room: int) -> list[str]:
    context: list[str] = []
    for index in ancestors_of(lines, start):
        line = lines[index]
        body = line.lstrip(" ")
        comment = f"{line[: len(line) - len(body)]}# {body}"
        room -= _size(comment)
        if room < 0:
            break
        context.append(comment)
    return context[::-1]


def _shortened(line: str, room: int) -> str:
    """Cut a line to `room` bytes with its end, keeping the ref where there is space: without it, it is of no use."""
    ref = ref_of(line)
    tail = f"… [ref={ref}]" if ref and room >= MIN_BYTES // 2 else "…"
    head = line.encode("utf-8", "surrogatepass")[: room - _size(tail)]
    return _whole_characters(head) + tail


def _whole_characters(data: bytes) -> str:
    """Decode, without the character that the cut went through."""
    end = len(data)
    while end and data[end - 1] & 0xC0 == 0x80:
        end -= 1
    # At `end - 1` the last character begins; its first byte tells how many bytes it has.
    first = data[end - 1] if end else 0
    wanted = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if end and len(data) - (end - 1) < wanted:
        data = data[: end - 1]
    return data.decode("utf-8", "surrogatepass")
