"""Opens a session's browser for its service, and sets what it keeps set while it is open."""

import contextlib
import socket
from typing import Final

from cloche.browser.call import Limits, WhyBlocked
from cloche.browser.contract.common import ActionError
from cloche.browser.memory import Memory
from cloche.browser.session_browser import Browser
from cloche.browser.state.permissions import reapply

TELL_DOWNLOADS: Final = {"behavior": "deny", "eventsEnabled": True}
"""What headless Chromium does with downloads by itself; but so it tells of them."""


async def open_browser(
    sock: socket.socket, path: str, *, memory: Memory, limits: Limits, why_blocked: WhyBlocked, alone: bool
) -> Browser:
    """As `Browser.open`, with the permissions that were set before.

    `alone`: no other client is connected. How downloads are treated holds for all of a browser's clients, whoever set
    it last: one that is there may have set it to its liking, and then they are not told of in effects.

    Raises: ActionError.
    """
    browser = await Browser.open(sock, path, memory=memory, limits=limits, why_blocked=why_blocked)
    try:
        if alone:
            with contextlib.suppress(ActionError):  # told of or not, all else works
                await browser.call("Browser.setDownloadBehavior", TELL_DOWNLOADS)
        await reapply(browser)
    except BaseException:
        browser.close()
        raise
    return browser
