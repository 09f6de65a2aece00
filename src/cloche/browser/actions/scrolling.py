"""Scrolling. The page script moves what can be scrolled, which is exact and over at once; a wheel's turn is neither.

Where nothing can be moved that way a wheel is turned: maps and canvases know only that.
"""

import msgspec

from cloche.browser.actions.aiming import Wanted, aim
from cloche.browser.actions.devices import Step, send
from cloche.browser.call import Call
from cloche.browser.contract.actions import ScrollRequest, ScrollResponse
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json
from cloche.browser.effects import watching
from cloche.browser.locate import Answer, on_element


class _Scrolled(Answer):
    moved: bool = False
    scroll_x: float = 0.0
    scroll_y: float = 0.0


class _PageScrolled(_Scrolled):
    x: float = 0.0
    y: float = 0.0


async def scroll(call: Call, request: ScrollRequest) -> ScrollResponse:
    """Tell where that which was scrolled then stands, in CSS pixels."""
    if not request.selector and not request.delta_x and not request.delta_y:
        raise ActionError(Failure.INVALID_SELECTOR, "name an element to bring into view, or how far to scroll")
    args: Json = {"delta_x": request.delta_x, "delta_y": request.delta_y}
    tab = call.tab
    with watching(tab) as watch:
        scrolled: _Scrolled
        if request.selector:
            found = await on_element(
                tab, request.selector, "scrollElement", args, _Scrolled, strict=request.strict, deadline=call.deadline
            )
            scrolled = found.answer
            if not scrolled.moved:
                wanted = Wanted(selector=request.selector, strict=request.strict, enabled=False)
                at = await aim(tab, wanted, call.deadline)
                await send(tab, [_wheel(at.x, at.y, request)], call.deadline)
        else:
            page = msgspec.convert(await tab.main.run("scrollPage", args, call.deadline), _PageScrolled)
            scrolled = page
            if not page.moved:
                await send(tab, [_wheel(page.x, page.y, request)], call.deadline)
        return ScrollResponse(
            matches=scrolled.matches,
            effects=watch.effects(),
            scroll_x=scrolled.scroll_x,
            scroll_y=scrolled.scroll_y,
        )


def _wheel(x: float, y: float, request: ScrollRequest) -> Step:
    params: Json = {"type": "mouseWheel", "x": x, "y": y, "deltaX": request.delta_x, "deltaY": request.delta_y}
    return "Input.dispatchMouseEvent", params
