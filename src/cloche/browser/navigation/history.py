"""Back, Forward and Reload."""

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.pages import BackRequest, ForwardRequest, NavigateResponse, ReloadRequest, WaitUntil
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.frame import told
from cloche.browser.navigation.follow import follow


class _Entry(msgspec.Struct):
    id: int
    url: str = ""


class _History(msgspec.Struct):
    """CDP Page.getNavigationHistory."""

    currentIndex: int = 0
    entries: list[_Entry] = []


async def back(call: Call, request: BackRequest) -> NavigateResponse:
    return await _go(call, -1, request.wait_until)


async def forward(call: Call, request: ForwardRequest) -> NavigateResponse:
    return await _go(call, 1, request.wait_until)


async def reload(call: Call, request: ReloadRequest) -> NavigateResponse:
    return await follow(call, "Page.reload", {"ignoreCache": request.ignore_cache}, wait_until=request.wait_until)


async def _go(call: Call, steps: int, wait_until: WaitUntil) -> NavigateResponse:
    """Raises: ActionError (`no_history_entry`)."""
    # Answered by the browser itself, also for a page that is busy, has crashed or shows a dialog.
    try:
        history = await call.tab.session.call(
            "Page.getNavigationHistory", {}, _History, deadline=call.deadline, held_up=False
        )
    except DevToolsError as error:
        raise told(error) from None
    index = history.currentIndex + steps
    if not 0 <= index < len(history.entries):
        raise ActionError(Failure.NO_HISTORY_ENTRY, f"there is nothing to go {'back' if steps < 0 else 'forward'} to")
    entry = history.entries[index]
    return await follow(call, "Page.navigateToHistoryEntry", {"entryId": entry.id}, wait_until=wait_until)
