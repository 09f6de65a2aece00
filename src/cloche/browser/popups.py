"""Which page has opened which: what Chromium names the opener of, and what it does not."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import AnswerMalformedError
from cloche.browser.page_events import NavigationRequested, TargetFacts
from cloche.browser.tab import Tab

ASKED: Final = "Page.frameRequestedNavigation"
"""The event by which a page asks for a tab or a window, among others."""
ASKED_S: Final = 1.0
"""How long after a page has asked for a tab one that comes without an opener is taken for that one."""


class Popups:
    """Owned by a `Browser`, which tells it of what pages ask for and of what comes."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        """How many pages each tab has opened, also those that were closed at once."""
        self._awaited: Counter[Tab] = Counter()
        self._asked_at = 0.0

    def asked(self, tab: Tab, params: msgspec.Raw) -> None:
        """Take an event `ASKED` of a tab."""
        try:
            request = read(params, NavigationRequested)
        except AnswerMalformedError:
            return  # the tab, which gets it too, says so
        if request.is_elsewhere:
            self._awaited[tab] += 1
            self._asked_at = asyncio.get_running_loop().time()

    def came(self, facts: TargetFacts) -> str:
        """Count a page that was opened; return the id of the tab whose page did it, if one did.

        Chromium names none for a link that was clicked with Control, Shift or the middle button; but it has told
        before that its page asks for a tab.
        """
        if asyncio.get_running_loop().time() > self._asked_at + ASKED_S:
            self._awaited.clear()
        opener_id = facts.openerId
        for tab in self._awaited:
            if opener_id in ("", tab.id) and tab.context_id == facts.browserContextId:
                opener_id = tab.id
                self._awaited[tab] -= 1
                break
        self._awaited = +self._awaited  # without those that have all come
        if opener_id:
            self.opened[opener_id] += 1
        return opener_id

    def forget(self, tabs: Mapping[str, Tab]) -> None:
        """Keep nothing but of these, which are those that are left."""
        for tab_id in self.opened.keys() - tabs.keys():
            del self.opened[tab_id]
        for tab in [tab for tab in self._awaited if tab.id not in tabs]:
            del self._awaited[tab]
