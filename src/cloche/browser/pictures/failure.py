"""The picture beside an action that failed."""

import asyncio
from typing import Final

from cloche.browser.call import Call, Limits
from cloche.browser.contract.common import ActionError
from cloche.browser.contract.looking import ScreenshotRequest
from cloche.browser.pictures.screenshot import screenshot
from cloche.browser.tab import Tab

WITHIN_S: Final = 2.0


async def failure_screenshot(tab: Tab, limits: Limits, max_bytes: int) -> tuple[bytes, str]:
    """The viewport as PNG, or as JPEG where that is too large; nothing where the page cannot be seen.

    Returns the bytes and their media type, both empty for nothing: the failure itself is what matters.
    """
    call = Call(browser=tab.browser, limits=limits, deadline=asyncio.get_running_loop().time() + WITHIN_S, selected=tab)
    for request in (ScreenshotRequest(max_bytes=max_bytes), ScreenshotRequest(max_bytes=max_bytes, format="jpeg")):
        try:
            taken = await screenshot(call, request)
        except ActionError:
            continue
        return taken.image_bytes, taken.mime_type
    return b"", ""
