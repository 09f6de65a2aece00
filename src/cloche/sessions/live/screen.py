"""What viewers have before them: the page that is shown, its pictures, and their hands on it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from cloche.browser.contract.common import ActionError
from cloche.browser.session_browser import Browser
from cloche.browser.tab import HIDDEN
from cloche.clock import Clock
from cloche.live.input.rate import is_release
from cloche.live.messages import BrowserMessage, InputMessage, MouseMove
from cloche.live.model import ClipboardPolicy
from cloche.sessions.live.acting import ActingHands
from cloche.sessions.live.cdp_words import ScreencastFrame
from cloche.sessions.live.cursors import DEFAULT
from cloche.sessions.live.driving import DOMAIN_NOT_ALLOWED, Driving
from cloche.sessions.live.interface import LiveTab
from cloche.sessions.live.link import UP, Dials, LinkOwner, LiveLink
from cloche.sessions.live.look import Look
from cloche.sessions.live.options import MakePictures
from cloche.sessions.live.page import Dialog, ShownPage
from cloche.sessions.live.screencast import ShownScreencast
from cloche.sessions.live.seats import Seat
from cloche.sessions.live.thumbnail import Thumbnails
from cloche.sessions.model import Session

COPY_S: Final = 2.0
"""How long after a viewer has copied the page may say what."""
TRUSTED_FOR: Final = timedelta(seconds=10)
"""A browser tells when a picture was drawn; one that is further off than this is not believed."""
MAX_SILENT: Final = 256
PAGE_FIELDS: Final = ("page", "cursor", "editing", "dialog", "browser")
CRASHED: Final = "crashed"

_log = structlog.get_logger(__name__)


class ScreenOwner(Protocol):
    """The service."""

    def changed(self, *names: str) -> None:
        """Fields of `state`."""
        ...

    def copied(self, viewer_id: str, text: str) -> None:
        """A viewer has copied this, and may have it."""
        ...

    def is_watched(self) -> bool:
        """Whether anybody is there."""
        ...


class Screen(LinkOwner):
    """Owned by the live service."""

    def __init__(
        self,
        session: Session,
        dials: Dials,
        owner: ScreenOwner,
        *,
        browser: Callable[[], Browser | None],
        clipboard: ClipboardPolicy,
        make_pictures: MakePictures,
        clock: Clock,
    ) -> None:
        """`browser`: the one of the session's browser service, if it is connected."""
        self._log = _log.bind(session=session.id)
        self._owner = owner
        self._browser = browser
        self._clipboard = clipboard
        self._clock = clock
        self.link = LiveLink(dials, self)
        self._screencast = ShownScreencast(self._screencast_changed)
        self.pictures = make_pictures(self._screencast)
        self.thumbnails = Thumbnails(self.link)
        self._look = Look(browser)
        domains, most = session.options.action_allowed_domains, session.options.budget.tabs
        self._driving = Driving(domains, most, self._look)
        self._made = session.options.viewport
        self._size = (float(self._made.width), float(self._made.height))
        self._hands: tuple[str, ActingHands] | None = None
        self._copying: tuple[str, float] | None = None
        self._shown_before = ""
        self._silent: set[str] = set()

    @property
    def fields(self) -> dict[str, Callable[[], Any]]:
        """Those of `state` that are about the browser."""
        return {
            "tabs": self.tabs,
            "page": self._page_now,
            "viewport": self._viewport_now,
            "cursor": lambda: self._of_page(lambda page: page.cursor, DEFAULT),
            "editing": lambda: self._of_page(lambda page: page.is_editing, False),
            "dialog": lambda: self._of_page(lambda page: page.dialog, None),
            "browser": lambda: CRASHED if self._of_page(lambda page: page.crashed, False) else self.link.state,
        }

    def tabs(self) -> tuple[LiveTab, ...]:
        view = self.link.view
        return view.tabs.told(self.is_hidden) if view is not None else ()

    def watch(self) -> None:
        """People have come."""
        if self.link.view is not None:
            self.link.view.watch()

    def unwatch(self) -> None:
        """The last has left: what they have set is undone."""
        if self._look.is_set:
            self._look.forget()
            if (page := self._page) is not None:
                self._look.undo(page)

    def refresh(self) -> None:
        if self.link.view is not None:
            self.link.view.refresh()

    def follow(self, tab_id: str) -> None:
        """A program has chosen this tab."""
        if self.link.view is not None:
            self.link.view.choose(tab_id)

    async def close(self) -> None:
        await self.thumbnails.close()
        await self.link.close()
        await self.pictures.close()

    # --- what viewers do --------------------------------------------------------------------------------------------

    def act(self, seat: Seat, message: InputMessage | BrowserMessage) -> None:
        """Do it: the seat has control."""
        view = self.link.view
        if view is None:
            return
        if isinstance(message, BrowserMessage):
            self._driving.do(seat, message, view, self._browser())
            return
        page, shown = view.page, view.tabs.shown
        if page is None or shown is None:
            return
        if not is_release(message) and not self._driving.may_touch(shown.url):
            if not isinstance(message, MouseMove):
                seat.notice(DOMAIN_NOT_ALLOWED)
            return
        self._hands_of(seat, page).take(message, self._clock.monotonic(), *self._size)

    def let_go(self, *, unless: str = "") -> None:
        """Release what is held, unless it is by this viewer."""
        if self._hands is not None and self._hands[0] != unless:
            self._hands[1].release()
            self._hands = None

    def _hands_of(self, seat: Seat, page: ShownPage) -> ActingHands:
        if self._hands is not None and self._hands[0] == seat.id and self._hands[1].page is page:
            return self._hands[1]
        self.let_go()

        def copies() -> None:
            self._copying = (seat.id, self._clock.monotonic() + COPY_S)

        def may_act() -> bool:
            shown = self.link.view.tabs.shown if self.link.view is not None else None
            return shown is not None and shown.id == page.id and self._driving.may_touch(shown.url)

        def refused() -> None:
            seat.notice("clipboard_off")

        hands = ActingHands(page, self._clipboard, on_copy=copies, on_refused=refused, may_act=may_act)
        self._hands = (seat.id, hands)
        return hands

    # --- for the link and its view (LinkOwner) ----------------------------------------------------------------------

    def browser_is(self, state: str) -> None:
        if state != UP:
            self.pictures.browser_gone()
        self._owner.changed("browser", "tabs")

    def preferred_tab(self) -> str:
        browser = self._browser()
        if browser is None:
            return self._shown_before
        try:
            return browser.active_tab().id
        except ActionError:
            return self._shown_before

    def dialog_of(self, tab_id: str) -> Dialog | None:
        browser = self._browser()
        tab = browser.tabs.get(tab_id) if browser is not None else None
        return Dialog.of(tab.dialog) if tab is not None and tab.dialog is not None else None

    def is_hidden(self, tab_id: str) -> bool:
        browser = self._browser()
        tab = browser.tabs.get(tab_id) if browser is not None else None
        return tab is not None and HIDDEN in tab.notes

    def is_silent(self, tab_id: str) -> bool:
        return tab_id in self._silent

    def flooded(self, tab_id: str) -> None:
        self._log.warning("live_flooded")
        if len(self._silent) >= MAX_SILENT:
            self._silent.clear()
        self._silent.add(tab_id)

    def tabs_changed(self) -> None:
        self._owner.changed("tabs", "page")

    def page_leaving(self, page: ShownPage) -> None:
        self.let_go()
        if self._look.is_set:
            self._look.undo(page)

    def page_shown(self, page: ShownPage | None) -> None:
        if self._hands is not None and self._hands[1].page is not page:
            self._hands = None
        self._screencast.show(page)
        self.thumbnails.page_shown(page)
        if page is not None:
            self._shown_before = page.id
            if self.link.view is not None:
                self._look.apply(page, self.link.view.product)
                if self._owner.is_watched():
                    self.link.view.watch()
            self.pictures.browser_back()
        self._owner.changed("tabs", *PAGE_FIELDS)

    def page_changed(self, page: ShownPage) -> None:
        self._owner.changed(*PAGE_FIELDS)

    def picture(self, page: ShownPage, frame: ScreencastFrame) -> None:
        token = self._screencast.token(page, frame.sessionId)
        if token is None:
            return
        width, height = frame.metadata.deviceWidth, frame.metadata.deviceHeight
        if width >= 1 and height >= 1 and (width, height) != self._size:
            self._size = (width, height)
            self._owner.changed("viewport")
        self.pictures.took(frame.data, self._taken_at_ms(frame.metadata.timestamp), int(width), int(height), token)
        if self._screencast.is_on:
            self.thumbnails.picture(frame.data)

    def copied(self, text: str) -> None:
        if self._copying is None:
            return
        viewer_id, until = self._copying
        self._copying = None
        if self._clock.monotonic() <= until and text and self._clipboard.lets_out:
            self._owner.copied(viewer_id, text)

    # --- what there is to be told -----------------------------------------------------------------------------------

    @property
    def _page(self) -> ShownPage | None:
        return self.link.view.page if self.link.view is not None else None

    def _of_page(self, what: Callable[[ShownPage], Any], otherwise: Any) -> Any:
        page = self._page
        return otherwise if page is None else what(page)

    def _page_now(self) -> dict[str, Any]:
        page, view = self._page, self.link.view
        tab = view.tabs.shown if view is not None else None
        return {
            "url": tab.url if tab is not None else "",
            "title": tab.title if tab is not None else "",
            "loading": page is not None and page.is_loading,
            "can_go_back": page is not None and page.can_go_back,
            "can_go_forward": page is not None and page.can_go_forward,
        }

    def _viewport_now(self) -> dict[str, Any]:
        width, height = self._size
        scale = self._look.scale or self._made.device_scale_factor
        return {"width": round(width), "height": round(height), "scale": scale, "device": self._look.device}

    def _taken_at_ms(self, timestamp: float) -> int:
        now = self._clock.now()
        try:
            taken_at = datetime.fromtimestamp(timestamp, UTC)
        except (OverflowError, OSError, ValueError):
            taken_at = now
        if not -TRUSTED_FOR <= taken_at - now <= timedelta(seconds=1):
            taken_at = now
        return int(taken_at.timestamp() * 1000)

    def _screencast_changed(self) -> None:
        if not self._screencast.is_on:
            self.thumbnails.picture(None)
