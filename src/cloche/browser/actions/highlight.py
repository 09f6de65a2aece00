"""Marking an element so that who watches, or takes a picture, sees which it is.

CDP's own overlay is not in screenshots of a browser without windows; so it is an element of the daemon's, in a closed
shadow root, that selectors and snapshots pass over.
"""

from typing import Final

from cloche.browser.call import Call
from cloche.browser.contract.actions import HighlightRequest, HighlightResponse
from cloche.browser.locate import Answer, on_element

DURATION_MS: Final = 2000


async def highlight(call: Call, request: HighlightRequest) -> HighlightResponse:
    """Frame the element; the mark goes by itself, and the call does not wait for that."""
    args = {"duration_ms": request.duration_ms or DURATION_MS}
    await on_element(
        call.tab, request.selector, "highlight", args, Answer, strict=request.strict, deadline=call.deadline
    )
    return HighlightResponse(selector=request.selector)
