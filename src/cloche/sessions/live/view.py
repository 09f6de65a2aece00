"""The live view's own DevTools connection: all tabs by name, and one of them, which is shown, by a session.

Beside other clients it disturbs nothing: targets are discovered and not auto-attached to, no new page waits for it, and
a tab is brought to the front only when a viewer asks for it.
"""

import asyncio
import secrets
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from cloche.browser.devtools.codec import Json, read
from cloche.browser.devtools.connection import Connection
from cloche.browser.devtools.errors import AnswerMalformedError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.page_events import ONLY_PAGES, Detached, TargetChanged, TargetFacts
from cloche.browser.session_browser import HOST
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.sessions.live.cdp_words import ScreencastFrame, TargetId, Version
from cloche.sessions.live.front import tab_in_front
from cloche.sessions.live.page import Dialog, PageOwner, ShownPage
from cloche.sessions.live.tabs import Tabs

MAX_BYTES: Final = 32 << 20
"""Of a message. A picture of 1920 × 1200 pixels that are all noise has four in base64."""
MAX_EVENTS: Final = 3000
"""In a second. A busy page makes a few hundred; one that makes more has its connection cut, and is then asked less."""
OPEN_S: Final = 10.0
BLANK: Final = "about:blank"


class _Info(msgspec.Struct):
    targetInfo: TargetFacts


class ViewOwner(Protocol):
    """The service. Called on the loop, in order; must not block."""

    def preferred_tab(self) -> str:
        """Which tab programs act on; empty: not known."""
        ...

    def dialog_of(self, tab_id: str) -> Dialog | None:
        """One that opened before it was shown, where that is known."""
        ...

    def is_hidden(self, tab_id: str) -> bool:
        """Whether a tab is one of the daemon's own, there for a moment."""
        ...

    def is_silent(self, tab_id: str) -> bool:
        """Whether our script is kept from a tab, because of what came of it."""
        ...

    def flooded(self, tab_id: str) -> None:
        """The page that is shown had more told than anybody can read."""
        ...

    def tabs_changed(self) -> None: ...

    def page_leaving(self, page: ShownPage) -> None:
        """It is about to be shown no longer; it can still be told something."""
        ...

    def page_shown(self, page: ShownPage | None) -> None: ...

    def page_changed(self, page: ShownPage) -> None: ...

    def picture(self, page: ShownPage, frame: ScreencastFrame) -> None: ...

    def copied(self, text: str) -> None: ...


class BrowserView(PageOwner):
    """Made by `open`; `close` ends it, and it ends by itself when the browser does (`ended`)."""

    def __init__(self, owner: ViewOwner) -> None:
        self.tabs = Tabs()
        self.page: ShownPage | None = None
        self.product = ""
        self.is_watched = False
        """Whether people look: then our script tells of the pointer and the focus."""
        self.tabs_to_come = 0
        """That are being opened, for a viewer."""
        self._owner = owner
        self._binding = f"cloche_{secrets.token_hex(8)}"
        self._connection: Connection | None = None
        self._attaching = ""
        self._wanted = ""
        """A tab that is to be shown once it is told of."""
        self._fresh: set[str] = set()
        """Tabs that a client has opened and in which nothing was opened yet."""
        self._is_chosen = False
        """Whether a viewer or a program has chosen the tab that is shown."""
        self._closing: set[str] = set()
        """Tabs that were asked to close; their pages may have something against it."""
        self._is_open = False
        self._parked: dict[str, ShownPage] = {}
        """Pages that were left with a dialog open, by the id of their session."""
        self._looking: asyncio.Task[None] | None = None
        self._events = 0
        self._events_since = 0.0

    @classmethod
    async def open(cls, sock: socket.socket, path: str, owner: ViewOwner) -> "BrowserView":
        """Connect over a socket that leads to Chromium's DevTools port; it is the view's from here on.

        Raises: DevToolsError.
        """
        view = cls(owner)
        deadline = asyncio.get_running_loop().time() + OPEN_S
        try:
            connection = view._connection = await Connection.connect(sock, path, HOST, view._take, max_bytes=MAX_BYTES)
            view.product = (await connection.call("Browser.getVersion", {}, Version, deadline=deadline)).product
            discover = {"discover": True, "filter": ONLY_PAGES}
            await connection.call("Target.setDiscoverTargets", discover, deadline=deadline)
        except BaseException:
            await view.close()
            raise
        view._is_open = True
        view._show_some()
        return view

    @property
    def connection(self) -> Connection:
        assert self._connection is not None
        return self._connection

    @property
    def staying(self) -> int:
        """How many tabs there are, those to come counted and those not that are to close."""
        return len(self.tabs) + self.tabs_to_come - len(self._closing)

    @property
    def holds_dialog(self) -> bool:
        """Whether a dialog would be closed with this connection, which is nobody's wish."""
        pages = [*self._parked.values()] + ([self.page] if self.page is not None else [])
        return any(page.dialog is not None for page in pages)

    async def close(self) -> None:
        await cancel_and_wait(self._looking)
        if self.page is not None:
            self._owner.page_leaving(self.page)
        if self._connection is not None:
            self._connection.close()
        self._forget_page()

    def watch(self) -> None:
        self.is_watched = True
        if self.page is not None and not self._owner.is_silent(self.page.id):
            self.page.watch()

    # --- which tab --------------------------------------------------------------------------------------------------

    def choose(self, tab_id: str, *, activate: bool = False) -> None:
        """Show a tab because somebody wants to see it; one that is not there yet, as soon as it is."""
        if tab_id not in self.tabs:
            self._wanted = tab_id
            return
        self._wanted = ""
        if activate:
            self._notify("Target.activateTarget", {"targetId": tab_id})
        self._closing.discard(tab_id)
        self.show(tab_id)
        self._is_chosen = True

    def show(self, tab_id: str) -> None:
        """Show a tab that is there."""
        self._is_chosen = False
        if tab_id == self.tabs.shown_id and (self.page is not None or self._attaching == tab_id):
            return
        self._leave_page()
        self.tabs.shown_id = self._attaching = tab_id
        self._owner.tabs_changed()

        def attached(made: Detached | None) -> None:
            if made is None:
                self._not_shown(tab_id)
            else:
                self._attached(tab_id, made.sessionId)

        # By the answer, and not by the event, which also tells of sessions that others of us have begun.
        self._ask("Target.attachToTarget", {"targetId": tab_id, "flatten": True}, Detached, attached)

    def open_tab(self, url: str) -> None:
        """Open one and show it."""
        self.tabs_to_come += 1

        def opened(made: TargetId | None) -> None:
            self.tabs_to_come -= 1
            if made is not None:
                self.choose(made.targetId, activate=True)

        self._ask("Target.createTarget", {"url": url}, TargetId, opened)

    def close_tab(self, tab_id: str) -> None:
        self._closing.add(tab_id)
        self._notify("Target.closeTarget", {"targetId": tab_id})

    def refresh(self) -> None:
        """Ask for the title and address of the page that is shown: of some changes DevTools does not tell."""
        if not self.tabs.shown_id:
            return

        def told(info: _Info | None) -> None:
            if info is not None:
                self._described(info.targetInfo)

        self._ask("Target.getTargetInfo", {"targetId": self.tabs.shown_id}, _Info, told)

    # --- kept up to date by DevTools --------------------------------------------------------------------------------

    def _take(self, session_id: str, method: str, params: msgspec.Raw) -> None:
        if self._is_flood():
            return
        try:
            if session_id:
                self._take_of_page(session_id, method, params)
                return
            match method:
                case "Target.targetCreated":
                    self._opened(read(params, TargetChanged).targetInfo)
                case "Target.targetInfoChanged":
                    self._described(read(params, TargetChanged).targetInfo)
                case "Target.targetDestroyed":
                    self._closed(read(params, TargetId).targetId)
                case "Target.detachedFromTarget":
                    self._detached(read(params, Detached).sessionId)
                case _:
                    return  # DevTools tells of more than anybody here asks about
        except AnswerMalformedError:
            self.connection.not_understood(method)

    def _is_flood(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._events_since >= 1:
            self._events_since, self._events = now, 0
        self._events += 1
        if self._events <= MAX_EVENTS or self._connection is None:
            return False
        if not self._connection.is_closed:
            self._owner.flooded(self.tabs.shown_id)
            self._connection.close()
        return True

    def _take_of_page(self, session_id: str, method: str, params: msgspec.Raw) -> None:
        page = self.page
        if page is not None and session_id in page.session_ids:
            page.take(session_id, method, params)
        elif (parked := self._parked.get(session_id)) is not None:
            parked.take(session_id, method, params)
            if parked.session.is_gone:
                del self._parked[session_id]

    def _opened(self, facts: TargetFacts) -> None:
        if facts.type != "page":
            return
        is_next = self.tabs.opened(facts.targetId, title=facts.title, url=facts.url, opener_id=facts.openerId)
        if not self._is_open or facts.targetId not in self.tabs:  # there are more than anybody counts
            return
        self._owner.tabs_changed()
        if is_next or not self.tabs.shown_id:
            self.show(facts.targetId)
        elif facts.targetId == self._wanted:
            self.choose(facts.targetId)
        elif not facts.openerId:
            self._fresh.add(facts.targetId)

    def _described(self, facts: TargetFacts) -> None:
        if not self.tabs.changed(facts.targetId, title=facts.title, url=facts.url):
            return
        self._owner.tabs_changed()
        if facts.targetId in self._fresh and not self.tabs.is_empty(facts.targetId):
            self._fresh.discard(facts.targetId)
            if (
                not self._is_chosen
                and self.tabs.is_empty(self.tabs.shown_id)
                and not self._owner.is_hidden(facts.targetId)
            ):
                self.show(facts.targetId)

    def _closed(self, tab_id: str) -> None:
        if tab_id not in self.tabs:
            return
        self._fresh.discard(tab_id)
        self._closing.discard(tab_id)
        was_shown = tab_id == self.tabs.shown_id
        following = self.tabs.closed(tab_id)
        if was_shown:
            self._forget_page()
        if following:
            self.show(following)
        self._owner.tabs_changed()

    def _attached(self, tab_id: str, session_id: str) -> None:
        if tab_id != self._attaching:
            # Somebody has gone on to another tab meanwhile.
            self._notify("Target.detachFromTarget", {"sessionId": session_id})
            return
        self._attaching = ""
        session = TargetSession(self.connection, session_id, tab_id)
        self.page = ShownPage(session, self, self._binding, self._owner.dialog_of(tab_id))
        self.page.begin()
        if self.is_watched:
            self.watch()
        self._owner.page_shown(self.page)

    def _detached(self, session_id: str) -> None:
        """Of a target that is gone; Chromium tells that too, and what is to be shown then."""
        self._parked.pop(session_id, None)
        if self.page is not None and self.page.session.id == session_id:
            self._forget_page()

    def _not_shown(self, tab_id: str) -> None:
        """It could not be attached to, so it is no more."""
        if self._attaching == tab_id:
            self._closed(tab_id)

    def _show_some(self) -> None:
        preferred = self._owner.preferred_tab()
        if preferred in self.tabs or (preferred := self.tabs.likeliest):
            self.show(preferred)
        else:
            self._owner.page_shown(None)

    def _leave_page(self) -> None:
        page = self.page
        if page is None:
            return
        self._owner.page_leaving(page)
        self.page = None
        # One session is enough to hold a dialog: who goes to and fro would leave another there each time.
        page.leave(is_held=any(parked.id == page.id for parked in self._parked.values()))
        if not page.session.is_gone:
            self._parked[page.session.id] = page

    def _forget_page(self) -> None:
        self._attaching = ""
        for parked in self._parked.values():
            parked.gone()
        self._parked.clear()
        if self.page is not None:
            page, self.page = self.page, None
            page.gone()
            self._owner.page_shown(None)

    # --- for the page (PageOwner) -----------------------------------------------------------------------------------

    def page_told(self, page: ShownPage) -> None:
        if page is self.page:
            self._owner.page_changed(page)

    def page_went_to(self, page: ShownPage, url: str) -> None:
        if self.tabs.changed(page.id, url=url):
            self._owner.tabs_changed()
        self.page_told(page)

    def picture(self, page: ShownPage, frame: ScreencastFrame) -> None:
        if page is self.page:
            self._owner.picture(page, frame)

    def copied(self, page: ShownPage, text: str) -> None:
        if page is self.page:
            self._owner.copied(text)

    def page_hidden(self, page: ShownPage) -> None:
        if page is self.page and (self._looking is None or self._looking.done()):
            self._looking = spawn(self._look_for_front(), name="live-look")

    def settled(self, page: ShownPage) -> None:
        if page is self.page:
            self.refresh()

    async def _look_for_front(self) -> None:
        hidden = self.tabs.shown_id
        others = [tab_id for tab_id in self.tabs.newest_first() if tab_id != hidden]
        found = await tab_in_front(self.connection, others)
        # Looking takes its time: meanwhile somebody may have chosen a tab, or this one have been closed.
        if found in self.tabs and self.tabs.shown_id == hidden:
            self.show(found)

    def _notify(self, method: str, params: Json) -> None:
        self._ask(method, params, dict, lambda _: None)

    def _ask(self, method: str, params: Json, kind: type[Any], then: Callable[[Any], None]) -> None:
        """`then` gets the answer, or None where there is none."""

        def answered(answer: "asyncio.Future[msgspec.Raw]") -> None:
            found = None
            if not answer.cancelled() and answer.exception() is None:
                try:
                    found = read(answer.result(), kind)
                except AnswerMalformedError:
                    self.connection.not_understood(method)
            then(found)

        self.connection.begin(method, params, held_up=False).add_done_callback(answered)
