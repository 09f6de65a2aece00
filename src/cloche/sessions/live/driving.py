"""What viewers do with the browser around the page: its address bar, its tabs, its size, its dialogs."""

from typing import Final, assert_never

from cloche.browser.contract.common import ActionError
from cloche.browser.navigation.destination import check_destination, host_and_port
from cloche.browser.session_browser import Browser
from cloche.live.input.address import Unreadable, read_address
from cloche.live.messages import (
    AnswerDialog,
    Back,
    BrowserMessage,
    CloseTab,
    Emulate,
    Forward,
    Navigate,
    OpenTab,
    Reload,
    Resize,
    StopLoading,
    SwitchTab,
)
from cloche.sessions.browsing.domains import AllowedDomains
from cloche.sessions.live.cdp_words import History, Navigated
from cloche.sessions.live.look import Look
from cloche.sessions.live.page import ShownPage
from cloche.sessions.live.seats import Seat
from cloche.sessions.live.view import BLANK, BrowserView

NAVIGATION_FAILED: Final = "navigation_failed"
TAB_LIMIT: Final = "tab_limit"
DOMAIN_NOT_ALLOWED: Final = "domain_not_allowed"
CLOSING_TABS: Final = 2
"""That may still be there beyond the budget: a page can keep its tab from being closed, for as long as it likes."""
_ABORTED: Final = "net::ERR_ABORTED"

_UNREADABLE: Final = {
    Unreadable.EMPTY: "Type an address.",
    Unreadable.TOO_LONG: "The address is too long.",
    Unreadable.SCHEME: "Only http: and https: can be opened.",
    Unreadable.CREDENTIALS: "User and password cannot be given in an address.",
    Unreadable.SEARCH: "That is no address, and there is no search engine.",
    Unreadable.HOST: "The address has no valid host.",
    Unreadable.CHARACTERS: "The address has characters in it that do not belong there.",
}


class Driving:
    """Owned by the live service. Nothing here waits for the browser."""

    def __init__(self, domains: tuple[str, ...], max_tabs: int, look: Look) -> None:
        self._domains = AllowedDomains(domains)
        self._max_tabs = max_tabs
        self._look = look
        self._checked = ("", True)

    def may_touch(self, url: str) -> bool:
        """Whether the session may act on a page: a person is held to the same domains as a program."""
        if self._checked[0] != url:
            try:
                self._domains.require_page(url)
                self._checked = (url, True)
            except ActionError:
                self._checked = (url, False)
        return self._checked[1]

    def do(self, seat: Seat, message: BrowserMessage, view: BrowserView, browser: Browser | None) -> None:
        """`browser`: the one of the session's browser service, if it is connected."""
        match message:
            case OpenTab():
                self._open_tab(seat, message, view)
            case SwitchTab():
                if message.tab_id in view.tabs:
                    view.choose(message.tab_id, activate=True)
            case CloseTab():
                self._close_tab(message, view)
            case _:
                if view.page is not None:
                    self._do_to_page(seat, message, view, view.page, browser)

    def _do_to_page(
        self,
        seat: Seat,
        message: Navigate | Back | Forward | Reload | StopLoading | Resize | Emulate | AnswerDialog,
        view: BrowserView,
        page: ShownPage,
        browser: Browser | None,
    ) -> None:
        match message:
            case Navigate():
                if (url := self._destination(seat, message.url)) is not None:
                    _navigate(seat, page, url, browser)
            case Back():
                _step(page, -1)
            case Forward():
                _step(page, 1)
            case Reload():
                if self._may_touch_shown(seat, view):
                    page.command("Page.reload", {"ignoreCache": message.ignore_cache})
            case StopLoading():
                page.command("Page.stopLoading")
            case AnswerDialog():
                # A dialog can be dismissed anywhere; to accept one is to act on its page.
                if page.dialog is not None and (not message.accept or self._may_touch_shown(seat, view)):
                    page.command("Page.handleJavaScriptDialog", {"accept": message.accept, "promptText": message.text})
            case Resize():
                if self._look.resize(message.width, message.height, message.scale):
                    self._show_look(view, page)
            case Emulate():
                if self._look.emulate(message.device):
                    self._show_look(view, page)
            case _:
                assert_never(message)

    def _show_look(self, view: BrowserView, page: ShownPage) -> None:
        if self._look.is_set:
            self._look.apply(page, view.product)
        else:
            self._look.undo(page)

    def _may_touch_shown(self, seat: Seat, view: BrowserView) -> bool:
        shown = view.tabs.shown
        if shown is not None and self.may_touch(shown.url):
            return True
        seat.notice(DOMAIN_NOT_ALLOWED)
        return False

    def _destination(self, seat: Seat, typed: str) -> str | None:
        address = read_address(typed)
        if isinstance(address, Unreadable):
            seat.notice(NAVIGATION_FAILED, detail=_UNREADABLE[address])
            return None
        try:
            url = check_destination(address.url)
            self._domains.require_destination(url)
        except ActionError as error:
            fields = {"rule": error.rule} if error.rule else {}
            seat.notice(NAVIGATION_FAILED, detail=error.detail, **fields)
            return None
        return url

    def _open_tab(self, seat: Seat, message: OpenTab, view: BrowserView) -> None:
        url = self._destination(seat, message.url) if message.url else BLANK
        if url is None:
            return
        if view.staying >= self._max_tabs or not self._has_room(view):
            seat.notice(TAB_LIMIT)
            return
        view.open_tab(url)

    def _close_tab(self, message: CloseTab, view: BrowserView) -> None:
        if message.tab_id not in view.tabs:
            return
        view.close_tab(message.tab_id)
        if view.staying == 0 and self._has_room(view):
            view.open_tab(BLANK)

    def _has_room(self, view: BrowserView) -> bool:
        return len(view.tabs) + view.tabs_to_come < self._max_tabs + CLOSING_TABS


def _navigate(seat: Seat, page: ShownPage, url: str, browser: Browser | None) -> None:
    def answered(answer: Navigated) -> None:
        if not answer.errorText or answer.errorText == _ABORTED:
            return
        peer = host_and_port(url)
        blocked = browser.why_blocked(*peer) if browser is not None and peer is not None else None
        fields = {"rule": blocked.rule or blocked.reason} if blocked is not None else {}
        code = answer.errorText if answer.errorText.startswith("net::ERR_") else ""
        seat.notice(NAVIGATION_FAILED, detail=f"The page could not be opened ({code})." if code else "", **fields)

    page.ask("Page.navigate", {"url": url, "transitionType": "typed"}, Navigated, answered)


def _step(page: ShownPage, steps: int) -> None:
    def answered(history: History) -> None:
        index = history.currentIndex + steps
        if 0 <= index < len(history.entries):
            page.command("Page.navigateToHistoryEntry", {"entryId": history.entries[index].id})

    page.ask("Page.getNavigationHistory", {}, History, answered)
