"""Where on the page an element can be pointed at, through all frames around it, and whether the pointer reached it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from cloche.browser.actions.devices import mouse, send
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json
from cloche.browser.frame import Frame
from cloche.browser.locate import Answer, Found, on_element, owner_of
from cloche.browser.tab import Tab
from cloche.concurrency.tasks import spawn

PRESSES: Final = ["pointerdown", "mousedown", "pointerup", "mouseup", "click", "auxclick", "dblclick", "contextmenu"]


class Place(Answer):
    """In the viewport of the frame. `aim`: what the page script knows this by."""

    x: float = 0.0
    y: float = 0.0
    aim: int = 0


@dataclass(frozen=True, slots=True)
class Aim:
    """`x` and `y` are CSS pixels of the page's viewport."""

    x: float
    y: float
    matches: int = 0
    frame: Frame | None = None
    """Of the element; None when coordinates were asked for."""
    document: str = ""
    number: int = 0
    force: bool = False


class Verdict(msgspec.Struct):
    ok: bool = False
    code: str = ""
    detail: str = ""


class Landing(msgspec.Struct):
    """`verdict` is None when no event came by; `spent`: whether the page has used up that a user acted.

    `chooser`: whether a file input of the document was clicked; `download`: whether a link to a download was.
    """

    verdict: Verdict | None = None
    spent: bool = False
    chooser: bool = False
    download: bool = False


class _View(msgspec.Struct):
    in_view: bool
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request says of where to point."""

    selector: str = ""
    strict: bool = False
    position_x: float | None = None
    position_y: float | None = None
    force: bool = False
    enabled: bool = True


async def aim(tab: Tab, wanted: Wanted, deadline: float) -> Aim:
    """Wait until the element can be pointed at; bring it into view. Raises: ActionError."""
    if not wanted.selector:
        return await _aim_at_place(tab, wanted, deadline)
    args: Json = {
        "position_x": wanted.position_x,
        "position_y": wanted.position_y,
        "force": wanted.force,
        "enabled": wanted.enabled,
    }
    found = await on_element(tab, wanted.selector, "point", args, Place, strict=wanted.strict, deadline=deadline)
    try:
        x, y = await _to_page(found, wanted, deadline)
    except ActionError as error:
        if error.code in (Failure.STALE_REF, Failure.NAVIGATED_AWAY):
            raise ActionError(Failure.DETACHED, "the frame of the element went on meanwhile") from None
        raise
    answer = found.answer
    return Aim(x, y, answer.matches, found.frame, answer.document, answer.aim, wanted.force)


async def move_onto(tab: Tab, aimed: Aim, watch: Sequence[str], deadline: float, *, mask: int = 0) -> bool:
    """Move the pointer there, and meanwhile look whether the element stays in place; False when a dialog has opened.

    A move is taken by the page with the next frame it draws, and one that is drawn is what it takes to see that nothing
    moves: so both are waited for at once. `watch`: the events that `landing` is to be asked about.

    Raises: ActionError (`not_stable`, `covered`, `detached` …).
    """
    moved = spawn(send(tab, [mouse("mouseMoved", aimed.x, aimed.y, mask=mask)], deadline), name="mouse-move")
    try:
        if aimed.frame is not None and not aimed.force:
            args: Json = {"aim": aimed.number, "watch": list(watch), "document": aimed.document}
            await aimed.frame.run("confirm", args, deadline)
    except ActionError as error:
        if error.code is Failure.DIALOG_OPEN:
            return False
        if error.code in (Failure.STALE_REF, Failure.NAVIGATED_AWAY):
            raise ActionError(Failure.DETACHED, "the page went on while the pointer was moved there") from None
        raise
    finally:
        await asyncio.wait([moved])
    return moved.result()


async def landing(aimed: Aim, deadline: float, *, keep: bool = False) -> Landing:
    """What became of the events that were sent. A document that they made go away says nothing.

    `keep`: go on looking out for more.
    """
    if aimed.frame is None or not aimed.frame.tab.has(aimed.frame) or aimed.frame.document != aimed.document:
        return Landing()
    try:
        args: Json = {"aim": aimed.number, "keep": keep, "document": aimed.document}
        return msgspec.convert(await aimed.frame.run("landed", args, deadline), Landing)
    except ActionError as error:
        if error.code in (Failure.STALE_REF, Failure.NAVIGATED_AWAY, Failure.DIALOG_OPEN, Failure.TAB_NOT_FOUND):
            return Landing()
        raise


async def _aim_at_place(tab: Tab, wanted: Wanted, deadline: float) -> Aim:
    if wanted.position_x is None or wanted.position_y is None:
        raise ActionError(Failure.INVALID_SELECTOR, "name an element, or a place by both its coordinates")
    x, y = wanted.position_x, wanted.position_y
    view = msgspec.convert(await tab.main.run("inView", {"x": x, "y": y}, deadline), _View)
    if not view.in_view:
        size = f"{view.width:g} by {view.height:g}"
        raise ActionError(Failure.OUTSIDE_VIEWPORT, f"({x:g}, {y:g}) is outside of the viewport of {size} pixels")
    return Aim(x, y)


async def _to_page(found: Found[Place], wanted: Wanted, deadline: float) -> tuple[float, float]:
    """From the frame's viewport to the page's, frame by frame; each must show that point of the one in it."""
    frame, x, y = found.frame, found.answer.x, found.answer.y
    while frame is not frame.tab.main:
        parent, ref = await owner_of(frame, deadline)
        args: Json = {"parts": [{"engine": "ref", "ref": ref}], "document": ref[:4]}
        args |= {"x": x, "y": y, "force": wanted.force}
        place = msgspec.convert(await parent.run("throughFrame", args, deadline), Place)
        frame, x, y = parent, place.x, place.y
    return x, y
