"""Opens a session's browser for its service, and sets what it keeps set while it is open."""

import socket

from cloche.browser.call import Limits, WhyBlocked
from cloche.browser.memory import Memory
from cloche.browser.session_browser import Browser
from cloche.browser.state.permissions import reapply


async def open_browser(
    sock: socket.socket, path: str, *, memory: Memory, limits: Limits, why_blocked: WhyBlocked
) -> Browser:
    """As `Browser.open`, with the permissions that were set before.

    How downloads are treated is not set here: see `browser.downloads`, of which there is one for each session.

    Raises: ActionError.
    """
    browser = await Browser.open(sock, path, memory=memory, limits=limits, why_blocked=why_blocked)
    try:
        await reapply(browser)
    except BaseException:
        browser.close()
        raise
    return browser
