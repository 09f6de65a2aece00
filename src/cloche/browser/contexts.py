"""Which tabs are the session's own, and which belong to browser contexts that clients have made."""

import msgspec

from cloche.browser.session_browser import Browser
from cloche.browser.tab import HIDDEN, Tab


class _Contexts(msgspec.Struct):
    """CDP Target.getBrowserContexts: those beside the default one."""

    browserContextIds: list[str] = []


def visible_tabs(browser: Browser) -> list[Tab]:
    return [tab for tab in browser.tabs.values() if HIDDEN not in tab.notes]


async def own_tabs(browser: Browser) -> list[Tab]:
    """The tabs of the default browser context, in the order in which they were opened. Raises: ActionError."""
    others = (await browser.call("Target.getBrowserContexts", {}, _Contexts)).browserContextIds
    return [tab for tab in visible_tabs(browser) if tab.context_id not in others]
