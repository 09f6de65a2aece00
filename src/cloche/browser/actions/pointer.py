"""Clicking, hovering and dragging."""

import asyncio
import math
from dataclasses import replace
from typing import Final

from cloche.browser.actions.aiming import PRESSES, Aim, Wanted, aim, landing, move_onto
from cloche.browser.actions.choosers import kept_from_opening
from cloche.browser.actions.devices import Step, clicks, mask_of, mouse, pause, send, turn
from cloche.browser.call import Call
from cloche.browser.contract.actions import (
    ClickRequest,
    ClickResponse,
    DragRequest,
    DragResponse,
    HoverRequest,
    HoverResponse,
)
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.effects import Watch, watching
from cloche.browser.tab import Tab

STEPS: Final = 8
"""Of a drag, when the request does not say."""
FIRST_MOVE_PX: Final = 6.0
"""Chromium takes less than 4 for a hand that is not quite still, not for the beginning of a drag."""
PAUSES_S: Final = (0.0, 0.02, 0.05, 0.1)
AGAIN: Final = frozenset({Failure.NOT_STABLE, Failure.COVERED, Failure.DETACHED, Failure.NOT_VISIBLE})


async def click(call: Call, request: ClickRequest) -> ClickResponse:
    """Click until it has reached the element; what would have reached another is kept from the page and tried again."""
    wanted = _wanted(request, enabled=True)
    attempts = _Attempts(call)
    while True:
        with watching(call.tab) as watch:
            aimed = await attempts.aim(wanted)
            try:
                async with turn(call.tab, call.deadline):
                    await _click_at(call, request, aimed, watch)
            except ActionError as error:
                await attempts.missed(error)
                continue
            effects = await watch.settle(call.deadline)
            return ClickResponse(matches=aimed.matches, effects=effects, x=aimed.x, y=aimed.y)


async def hover(call: Call, request: HoverRequest) -> HoverResponse:
    """Move the pointer onto the element and leave it there."""
    wanted = _wanted(request, enabled=False)
    attempts = _Attempts(call)
    while True:
        with watching(call.tab) as watch:
            aimed = await attempts.aim(wanted)
            try:
                async with turn(call.tab, call.deadline):
                    await move_onto(call.tab, aimed, (), call.deadline, mask=mask_of(request.modifiers))
            except ActionError as error:
                await attempts.missed(error)
                continue
            effects = await watch.settle(call.deadline)
            return HoverResponse(matches=aimed.matches, effects=effects, x=aimed.x, y=aimed.y)


async def drag(call: Call, request: DragRequest) -> DragResponse:
    """Press on one element, move to the other and let go there.

    These are moves of the mouse; where the page makes a drag and drop of them (HTML's `draggable`), Chromium does.
    """
    target = Wanted(
        selector=request.target_selector,
        strict=request.strict,
        position_x=request.target_x,
        position_y=request.target_y,
        force=request.force,
        enabled=False,
    )
    attempts = _Attempts(call)
    with watching(call.tab) as watch:
        # First, so that nothing is picked up for a place that is not there.
        towards = await aim(call.tab, target, call.deadline)
        while True:
            start = await attempts.aim(_wanted(request, enabled=True))
            async with turn(call.tab, call.deadline):
                try:
                    await _pick_up(call, start, watch)
                except ActionError as error:
                    await attempts.missed(error)
                    continue
                try:
                    await _carry(call.tab, start, target, towards, request.steps or STEPS, call.deadline)
                except BaseException:
                    _let_go(call.tab, start)
                    raise
            return DragResponse(matches=start.matches, effects=await watch.settle(call.deadline))


def _wanted(request: ClickRequest | HoverRequest | DragRequest, *, enabled: bool) -> Wanted:
    return Wanted(
        selector=request.selector,
        strict=request.strict,
        position_x=request.position_x,
        position_y=request.position_y,
        force=request.force,
        enabled=enabled,
    )


class _Attempts:
    """Of one action, until its deadline; what it failed with last is what it fails with."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._miss: ActionError | None = None
        self._misses = 0

    async def aim(self, wanted: Wanted) -> Aim:
        """Raises: ActionError; when the element has gone after a miss, the miss."""
        while True:
            try:
                return await aim(self._call.tab, wanted, self._call.deadline)
            except ActionError as error:
                if self._miss is not None and error.code in (Failure.SELECTOR_NOT_FOUND, Failure.STALE_REF):
                    raise self._miss from None
                if error.code is not Failure.DETACHED:
                    raise
                await self.missed(error)

    async def missed(self, error: ActionError) -> None:
        """Wait for the next try. Raises: `error`, when there is none."""
        self._miss = error
        pause_s = PAUSES_S[min(self._misses, len(PAUSES_S) - 1)]
        self._misses += 1
        if error.code not in AGAIN or asyncio.get_running_loop().time() + pause_s >= self._call.deadline:
            raise error
        await asyncio.sleep(pause_s)


async def _click_at(call: Call, request: ClickRequest, aimed: Aim, watch: Watch) -> None:
    """Raises: ActionError when it went elsewhere."""
    mask = mask_of(request.modifiers)
    if not await move_onto(call.tab, aimed, PRESSES, call.deadline, mask=mask):
        return
    gestures = clicks(aimed.x, aimed.y, request.button or "left", max(1, request.click_count), mask)
    with kept_from_opening(call.tab, [(aimed.frame or call.tab.main).session]):
        if request.delay_ms:
            went = await _click_slowly(call, gestures, request.delay_ms)
        else:
            went = await send(call.tab, [step for gesture in gestures for step in gesture], call.deadline)
        if went and await _landing(call, aimed, watch):
            await watch.chooser_may_come(call.deadline)


async def _click_slowly(call: Call, gestures: list[tuple[Step, Step]], delay_ms: int) -> bool:
    for press, release in gestures:
        try:
            if not await send(call.tab, [press], call.deadline):
                return False
            await pause(delay_ms, call.deadline)
            if not await send(call.tab, [release], call.deadline):
                return False
        except BaseException:
            call.tab.session.notify(*release)
            raise
    return True


async def _landing(call: Call, aimed: Aim, watch: Watch) -> bool:
    """Make sure that the events came to the element; whether the page has spent them. Raises: ActionError when not.

    A document that has gone on saw them, or it would still be there.
    """
    landed = await landing(aimed, call.deadline)
    if landed.verdict is not None:
        if not landed.verdict.ok:
            raise ActionError(Failure(landed.verdict.code), landed.verdict.detail)
        watch.file_chooser |= landed.chooser
        watch.download_due |= landed.download
        return landed.spent
    if aimed.frame is None or aimed.force or watch.is_navigating or call.tab.dialog is not None:
        return False
    if aimed.frame.tab.has(aimed.frame) and aimed.frame.document == aimed.document:
        # Not tried again: the page may have seen what this did not.
        raise ActionError(Failure.OUTSIDE_VIEWPORT, "the pointer's events did not reach the document of the element")
    return False


async def _pick_up(call: Call, start: Aim, watch: Watch) -> None:
    """Raises: ActionError; then nothing is held."""
    down, up = clicks(start.x, start.y, "left", 1, 0)[0]
    if not await move_onto(call.tab, start, PRESSES, call.deadline):
        raise _held_up()
    try:
        if not await send(call.tab, [down], call.deadline):
            raise _held_up()
        if start.frame is None or start.force:
            return  # whatever is there is meant, and nobody looked out for it
        seen = (await landing(start, call.deadline, keep=True)).verdict
    except BaseException:
        _let_go(call.tab, start)
        raise
    if seen is None or not seen.ok:
        # What was pressed by mistake is let go while the page is still kept from seeing it.
        await send(call.tab, [up], call.deadline)
        await _landing(call, start, watch)
        raise ActionError(Failure.DETACHED, "the page went on when the element was pressed")


def _held_up() -> ActionError:
    return ActionError(Failure.DIALOG_OPEN, "a dialog has opened on the page; answer it first")


async def _carry(tab: Tab, start: Aim, target: Wanted, towards: Aim, steps: int, deadline: float) -> None:
    """Move to the target with the button down, and let go. `towards`: where the target was before."""
    x, y = await _begin_drag(tab, start, towards, deadline)
    # What is carried may be over the target by now, and what is far away has to be scrolled to with it in hand.
    there = await aim(tab, replace(target, force=True), deadline)
    # One after the other: moves that are under way together become one.
    for number in range(1, steps + 1):
        share = number / steps
        await _drag_to(tab, x + (there.x - x) * share, y + (there.y - y) * share, deadline)
    # The first move over the target is one into it; only the next asks it whether it takes what is dragged.
    await _drag_to(tab, there.x, there.y, deadline)
    await send(tab, [mouse("mouseReleased", there.x, there.y, button="left", count=1)], deadline)


async def _begin_drag(tab: Tab, start: Aim, towards: Aim, deadline: float) -> tuple[float, float]:
    """Move a little, which is when Chromium looks at what was pressed; it must still be under the pointer."""
    across, down = towards.x - start.x, towards.y - start.y
    length = math.hypot(across, down)
    share = min(1.0, FIRST_MOVE_PX / length) if length else 0.0
    x, y = start.x + across * share, start.y + down * share
    await _drag_to(tab, x, y, deadline)
    return x, y


async def _drag_to(tab: Tab, x: float, y: float, deadline: float) -> None:
    if not await send(tab, [mouse("mouseMoved", x, y, button="left", held=True)], deadline):
        raise _held_up()


def _let_go(tab: Tab, start: Aim) -> None:
    tab.session.notify("Input.cancelDragging")
    tab.session.notify(*mouse("mouseReleased", start.x, start.y, button="left", count=1))
