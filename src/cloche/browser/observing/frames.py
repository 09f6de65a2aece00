"""What the page script reads in each frame of a page, put together."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json
from cloche.browser.frame import Frame
from cloche.browser.locate import owner_of
from cloche.browser.observing.accessibility import is_kept
from cloche.browser.tab import Tab
from cloche.concurrency.tasks import together

MAX_FRAMES: Final = 50
AT_ONCE: Final = 8
TRIES: Final = 5
"""How many documents in a row may go away while they are read."""
FRAME_S: Final = 1.5
"""How long a frame may take that is not the page itself: one that hangs must not take the page with it."""

_BOX: Final = re.compile(r" \[box=(-?\d+),(-?\d+),")
_UNREACHED: Final = {Failure.PAGE_UNRESPONSIVE: "unresponsive", Failure.PAGE_CRASHED: "crashed"}


class _Place(msgspec.Struct, array_like=True):
    """Where an iframe's line is, and where in the frame's viewport its inside begins."""

    line: int
    depth: int
    ref: str
    x: int = 0
    y: int = 0


class _Told(msgspec.Struct):
    """What `cloche.snapshot`, `visibleText` and `outline` answer."""

    text: str = ""
    truncated: str = ""
    frames: list[_Place] = []


@dataclass(frozen=True, slots=True)
class Reading:
    lines: list[str]
    truncated: str = ""
    """`time` or `size`: the page goes on, but could not be read to its end."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one frame has told, or why it has not."""

    told: _Told
    state: str = ""


_Read = Callable[[Frame, Json, float], Coroutine[Any, Any, object]]


async def read_snapshot(tab: Tab, root: tuple[Frame, str] | None, options: Json, deadline: float) -> Reading:
    """The accessibility tree as lines. `root`: only what is in that element. Raises: ActionError."""

    async def read(frame: Frame, args: Json, until: float) -> object:
        for _ in range(TRIES):
            ax = await is_kept(frame, until)
            # Only this document: another has no accessibility tree, and would be read for minutes.
            pinned = {**options, **args, "ax": ax, "document": frame.document}
            try:
                return await frame.run("snapshot", pinned, until)
            except ActionError as error:
                if error.code is Failure.PAGE_UNRESPONSIVE and not ax:
                    raise ActionError(Failure.PAGE_TOO_LARGE, "the page is too large to be read in time") from None
                if error.code is not Failure.STALE_REF or "root" in args:
                    raise
        raise ActionError(Failure.NAVIGATED_AWAY, "the page went away again and again while it was read")

    return await _read_page(tab, root, read, deadline, is_tree=True)


async def read_visible_text(tab: Tab, root: tuple[Frame, str] | None, max_chars: int, deadline: float) -> Reading:
    """What a person sees, line by line. Raises: ActionError."""

    async def read(frame: Frame, args: Json, until: float) -> object:
        return await frame.run("visibleText", {**args, "max_chars": max_chars}, until)

    return await _read_page(tab, root, read, deadline, is_tree=False)


async def read_outline(tab: Tab, root: tuple[Frame, str] | None, max_chars: int, deadline: float) -> Reading:
    """The elements and their attributes. Raises: ActionError."""

    async def read(frame: Frame, args: Json, until: float) -> object:
        return await frame.run("outline", {**args, "max_chars": max_chars}, until)

    return await _read_page(tab, root, read, deadline, is_tree=True)


async def _read_page(
    tab: Tab, root: tuple[Frame, str] | None, read: _Read, deadline: float, *, is_tree: bool
) -> Reading:
    top, ref = root or (tab.main, "")
    args: Json = {"root": ref, "document": top.document} if ref else {}
    frames = _below(tab, top)
    turn = asyncio.Semaphore(AT_ONCE)
    until = min(deadline, asyncio.get_running_loop().time() + FRAME_S)

    async def read_below(frame: Frame) -> tuple[str, _Part]:
        async with turn:
            return await _read_frame(frame, read, until)

    reading, *below = await together(read(top, args, deadline), *map(read_below, frames[:MAX_FRAMES]))
    parts = dict(cast(list[tuple[str, _Part]], below))
    told = msgspec.convert(reading, _Told)
    lines = _Stitching(parts, is_tree=is_tree).lines_of(told)
    truncated = (part.told.truncated for part in parts.values())
    return Reading(lines, told.truncated or next(filter(None, truncated), ""))


def _below(tab: Tab, top: Frame) -> list[Frame]:
    inside = {top.id}
    found = []
    for frame in tab.frames_in_order():
        if frame.parent_id in inside:
            inside.add(frame.id)
            found.append(frame)
    return found


async def _read_frame(frame: Frame, read: _Read, until: float) -> tuple[str, _Part]:
    """With the ref of the iframe that shows it; that is asked of the parent, which may not answer either."""
    try:
        _, ref = await owner_of(frame, until)
    except ActionError:
        return "", _Part(_Told(), "gone")
    try:
        return ref, _Part(msgspec.convert(await read(frame, {}, until), _Told))
    except ActionError as error:
        return ref, _Part(_Told(), _UNREACHED.get(error.code, "not shown"))


class _Stitching:
    """Puts the lines of frames where their iframes are. Frames may be 50 deep, not more."""

    def __init__(self, parts: dict[str, _Part], *, is_tree: bool) -> None:
        self._parts = parts
        self._is_tree = is_tree

    def lines_of(self, told: _Told, x: int = 0, y: int = 0, nesting: int = 0) -> list[str]:
        lines = told.text.split("\n") if told.text else []
        if x or y:
            lines = [_BOX.sub(lambda found: f" [box={int(found[1]) + x},{int(found[2]) + y},", line) for line in lines]
        whole: list[str] = []
        at = 0
        for place in told.frames:
            whole += lines[at : place.line]
            at = place.line + 1
            if place.line < len(lines):
                whole += self._frame(lines[place.line], place, x, y, nesting)
        return whole + lines[at:]

    def _frame(self, line: str, place: _Place, x: int, y: int, nesting: int) -> list[str]:
        part = self._parts.get(place.ref, _Part(_Told(), "not shown"))
        inside = self.lines_of(part.told, x + place.x, y + place.y, nesting + 1) if nesting < MAX_FRAMES else []
        if not self._is_tree:
            return inside
        indentation = "  " * (place.depth + 1)
        head = line + (f" [{part.state}]" if part.state else "") + (":" if inside and line.endswith("]") else "")
        return [head, *(indentation + inner for inner in inside)]
