"""The tabs of a session as viewers see them, and which of them is shown. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cloche.browser.launch import WELCOME_URL
from cloche.sessions.live.interface import LiveTab

MAX_TOLD: Final = 200
MAX_KNOWN: Final = 1000
"""Pages can open more, and close them, without end."""
MAX_TITLE_CHARS: Final = 256
MAX_URL_BYTES: Final = 2 << 10
EMPTY: Final = frozenset({"", "about:blank", WELCOME_URL, "chrome://newtab/", "chrome://new-tab-page/"})
"""Addresses of tabs in which nothing has been opened."""


@dataclass(slots=True)
class TabFacts:
    """Clipped: a page may have an address of two megabytes."""

    id: str
    title: str = ""
    url: str = ""
    opener_id: str = ""

    @property
    def is_empty(self) -> bool:
        return self.url in EMPTY


class Tabs:
    """Of one connection, in the order in which they were opened. What is shown is one of them, or nothing."""

    def __init__(self) -> None:
        self._known: dict[str, TabFacts] = {}
        self.shown_id = ""

    def __contains__(self, tab_id: str) -> bool:
        return tab_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    @property
    def shown(self) -> TabFacts | None:
        return self._known.get(self.shown_id)

    @property
    def newest(self) -> str:
        return next(reversed(self._known), "")

    @property
    def likeliest(self) -> str:
        """Which to show where nobody has said: the newest in which something was opened."""
        return next((tab.id for tab in reversed(self._known.values()) if not tab.is_empty), self.newest)

    def newest_first(self) -> list[str]:
        return [*reversed(self._known)]

    def is_empty(self, tab_id: str) -> bool:
        tab = self._known.get(tab_id)
        return tab is None or tab.is_empty

    def opened(self, tab_id: str, *, title: str, url: str, opener_id: str) -> bool:
        """Note a tab. True: it was opened by the one that is shown, and takes its place."""
        if tab_id in self._known:
            self.changed(tab_id, title=title, url=url)
            return False
        if len(self._known) >= MAX_KNOWN:
            return False
        self._known[tab_id] = TabFacts(tab_id, clipped_title(title), clipped_url(url), opener_id)
        return bool(opener_id) and opener_id == self.shown_id

    def changed(self, tab_id: str, *, title: str | None = None, url: str | None = None) -> bool:
        """Whether anything of it has."""
        tab = self._known.get(tab_id)
        if tab is None:
            return False
        before = (tab.title, tab.url)
        if title is not None:
            tab.title = clipped_title(title)
        if url is not None:
            tab.url = clipped_url(url)
        return (tab.title, tab.url) != before

    def closed(self, tab_id: str) -> str:
        """Forget it. Returns which is to be shown in its place: its opener or else the newest; empty: nothing changes,
        or nothing is left."""
        tab = self._known.pop(tab_id, None)
        if tab is None or tab_id != self.shown_id:
            return ""
        self.shown_id = ""
        return tab.opener_id if tab.opener_id in self._known else self.newest

    def told(self, is_hidden: Callable[[str], bool]) -> tuple[LiveTab, ...]:
        """At most `MAX_TOLD`, the one that is shown among them."""
        tabs = [tab for tab in self._known.values() if not is_hidden(tab.id) or tab.id == self.shown_id]
        if len(tabs) > MAX_TOLD:
            shown = [tab for tab in tabs[:-MAX_TOLD] if tab.id == self.shown_id]
            tabs = shown + tabs[len(tabs) - MAX_TOLD + len(shown) :]
        return tuple(LiveTab(id=tab.id, title=tab.title, url=tab.url, active=tab.id == self.shown_id) for tab in tabs)


def clipped_title(title: str) -> str:
    return title[:MAX_TITLE_CHARS].encode("utf-8", "replace").decode()


def clipped_url(url: str) -> str:
    return url[:MAX_URL_BYTES].encode("utf-8", "replace")[:MAX_URL_BYTES].decode("utf-8", "ignore")
