"""A session's browser as the daemon sees it over its one DevTools connection: all its pages, none of them disturbed."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

import msgspec

from cloche.browser.call import Limits, WhyBlocked
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json, read
from cloche.browser.devtools.connection import Connection
from cloche.browser.devtools.errors import AnswerMalformedError, DevToolsError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.frame import told
from cloche.browser.memory import Memory
from cloche.browser.page_events import (
    ONLY_PAGES,
    Attached,
    Detached,
    TargetChanged,
    TargetsAnswer,
)
from cloche.browser.popups import ASKED, Popups
from cloche.browser.tab import HIDDEN, Tab

HOST: Final = "127.0.0.1:9222"
OPEN_S: Final = 10.0
CALL_S: Final = 10.0
MAX_WATCHED: Final = 1000
"""Pages; a client's that are more are let go on their way and not seen."""

T = TypeVar("T")


class Browser:
    """Owned by the session's browser service, from `open` to `close`; ends by itself when Chromium does.

    Every page is attached to and watched, whoever opened it; nothing about a page is changed but by a use case.
    """

    def __init__(self, memory: Memory, limits: Limits, why_blocked: WhyBlocked) -> None:
        self.memory = memory
        self.limits = limits
        self.why_blocked = why_blocked
        self.tabs: Mapping[str, Tab] = {}
        self.popups = Popups()
        self.tabs_to_come = 0
        """Tabs that are being opened: they have taken their places."""
        self.when_active: Callable[[str], None] = lambda tab_id: None
        """Told which tab was switched to, or opened in front."""
        self._connection: Connection | None = None
        self._known: dict[str, tuple[TargetSession, Tab]] = {}
        self._active_id = ""
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls, sock: socket.socket, path: str, *, memory: Memory, limits: Limits, why_blocked: WhyBlocked
    ) -> "Browser":
        """Connect over a socket that leads to Chromium's DevTools port; it is the browser's from here on.

        Raises: ActionError (`browser_restarted`, `browser_failed`).
        """
        browser = cls(memory, limits, why_blocked)
        try:
            browser._connection = await Connection.connect(sock, path, HOST, browser._take)
            browser._connection.ended.add_done_callback(lambda _: browser.close())
            await browser._find_pages()
        except DevToolsError as error:
            browser.close()
            raise told(error) from None
        except BaseException:
            browser.close()
            raise
        return browser

    @property
    def connection(self) -> Connection:
        if self._connection is None or self._connection.is_closed:
            raise ActionError(Failure.BROWSER_RESTARTED, "the browser went away; try again")
        return self._connection

    @property
    def is_closed(self) -> bool:
        return self._connection is None or self._connection.is_closed

    def close(self) -> None:
        """End the connection; calls under way fail with `browser_restarted`."""
        if self._connection is not None:
            self._connection.close()
        for tab in tuple(self.tabs.values()):
            tab.gone()
        self._tell()

    async def call(
        self,
        method: str,
        params: Json | None = None,
        kind: type[T] = cast(Any, dict[str, Any]),  # noqa: B008 - a type, made once
        *,
        deadline: float | None = None,
    ) -> T:
        """Call a method of the browser itself. Raises: ActionError."""
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + CALL_S
        try:
            return await self.connection.call(method, params, kind, deadline=deadline, held_up=False)
        except DevToolsError as error:
            raise told(error) from None

    def why_gone(self) -> ActionError:
        """What a tab that is no more is for who asks for an action on it."""
        if self.is_closed:
            return ActionError(Failure.BROWSER_RESTARTED, "the browser went away; try again")
        return ActionError(Failure.TAB_NOT_FOUND, "the tab has been closed")

    # --- tabs -------------------------------------------------------------------------------------------------------

    def tab(self, tab_id: str) -> Tab:
        """Raises: ActionError (`tab_not_found`)."""
        tab = self.tabs.get(tab_id)
        if tab is None:
            raise ActionError(Failure.TAB_NOT_FOUND, "there is no such tab")
        return tab

    def active_tab(self) -> Tab:
        """The one that was last switched to, or else the newest of those left.

        Raises: ActionError (`tab_not_found`) when no tab is left, as after a client has closed them all.
        """
        if (tab := self.tabs.get(self._active_id)) is not None:
            return tab
        shown = [tab for tab in self.tabs.values() if HIDDEN not in tab.notes]
        if not shown:
            raise ActionError(Failure.TAB_NOT_FOUND, "no tab is open; open one")
        tab = shown[-1]
        self._active_id = tab.id
        return tab

    def set_active(self, tab: Tab) -> None:
        self._active_id = tab.id
        self.when_active(tab.id)

    async def tab_opened(self, tab_id: str, deadline: float) -> Tab:
        """Wait until a page that was just made is attached. Raises: ActionError."""
        try:
            async with asyncio.timeout_at(deadline):
                while tab_id not in self.tabs:
                    if self.is_closed:
                        raise ActionError(Failure.BROWSER_RESTARTED, "the browser went away; try again")
                    await asyncio.shield(self._news)
        except TimeoutError:
            raise ActionError(Failure.TIMEOUT, "the tab did not open in time") from None
        return self.tabs[tab_id]

    # --- kept up to date by DevTools --------------------------------------------------------------------------------

    def know(self, session: TargetSession, tab: Tab) -> None:
        """From here on events of this session go to `tab`."""
        self._known[session.id] = (session, tab)

    def forget(self, session: TargetSession) -> None:
        self._known.pop(session.id, None)

    async def _find_pages(self) -> None:
        deadline = asyncio.get_running_loop().time() + OPEN_S
        # New pages wait until they are watched (`Tab` lets them go). Attached to without waiting, a page that is opened
        # with `window.open` never draws again, nor does its opener, and the click that did it is never answered.
        params = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True, "filter": ONLY_PAGES}
        await self.connection.call("Target.setDiscoverTargets", {"discover": True}, deadline=deadline)
        await self.connection.call("Target.setAutoAttach", params, deadline=deadline)
        found = await self.connection.call("Target.getTargets", {}, TargetsAnswer, deadline=deadline)
        for facts in found.targetInfos:
            if facts.type == "page":
                await self.tab_opened(facts.targetId, deadline)

    def _take(self, session_id: str, method: str, params: msgspec.Raw) -> None:
        if session_id:
            if (known := self._known.get(session_id)) is not None:
                self._take_of_page(*known, method, params)
            return
        try:
            match method:
                case "Target.attachedToTarget":
                    self._page_attached(read(params, Attached))
                case "Target.detachedFromTarget":
                    self._page_detached(read(params, Detached).sessionId)
                case "Target.targetInfoChanged":
                    facts = read(params, TargetChanged).targetInfo
                    if (tab_ := self.tabs.get(facts.targetId)) is not None:
                        tab_.title = facts.title
                case _:
                    return  # DevTools tells of more than anybody here asks about
        except AnswerMalformedError:
            self.connection.not_understood(method)

    def _take_of_page(self, session: TargetSession, tab: Tab, method: str, params: msgspec.Raw) -> None:
        if method == ASKED:
            self.popups.asked(tab, params)
        tab.take(session, method, params)
        for observer in self.memory.observers:
            if method in observer.methods:
                observer.take(tab, session, method, params)

    def _page_attached(self, event: Attached) -> None:
        facts = event.targetInfo
        if facts.type != "page" or facts.targetId in self.tabs or self._connection is None:
            return
        facts.openerId = self.popups.came(facts)
        opener = self.tabs.get(facts.openerId)
        if facts.openerId and len(self.tabs) >= self.limits.tabs:
            closing = self._connection.begin("Target.closeTarget", {"targetId": facts.targetId}, held_up=False)
            closing.add_done_callback(lambda done: done.cancelled() or done.exception())
            if opener is not None:
                opener.tell()
            return
        session = TargetSession(self._connection, event.sessionId, facts.targetId)
        if len(self.tabs) >= MAX_WATCHED:
            session.notify("Runtime.runIfWaitingForDebugger")
            return
        tab = Tab(self, session, facts)
        tabs = dict(self.tabs)
        tabs[tab.id] = tab
        self.tabs = tabs
        if opener is not None:
            opener.tell()
        self._tell()

    def _page_detached(self, session_id: str) -> None:
        _, tab = self._known.pop(session_id, (None, None))
        if tab is None or tab.session.id != session_id:
            return
        tab.gone()
        for known in tab.session_ids:
            self._known.pop(known, None)
        self.tabs = {id_: other for id_, other in self.tabs.items() if other is not tab}
        self.popups.forget(self.tabs)
        if self._active_id == tab.id:
            self._active_id = tab.opener_id
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)
