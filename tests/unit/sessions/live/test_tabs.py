from typing import Any, cast

from cloche.browser.launch import WELCOME_URL
from cloche.live.messages import CloseTab, OpenTab
from cloche.sessions.live.driving import CLOSING_TABS, Driving
from cloche.sessions.live.look import Look
from cloche.sessions.live.seats import Seat
from cloche.sessions.live.tabs import MAX_KNOWN, MAX_TOLD, Tabs
from cloche.sessions.live.view import BLANK, BrowserView


def some_tabs(*ids: str, shown: str) -> Tabs:
    tabs = Tabs()
    for tab_id in ids:
        tabs.opened(tab_id, title=tab_id, url=f"https://{tab_id}.test/", opener_id="")
    tabs.shown_id = shown
    return tabs


def told(tabs: Tabs) -> list[str]:
    return [tab.id for tab in tabs.told(lambda _: False)]


def test_what_the_shown_tab_opens_takes_its_place() -> None:
    tabs = some_tabs("a", "b", shown="a")
    assert not tabs.opened("c", title="", url="", opener_id="b")
    assert tabs.opened("d", title="", url="", opener_id="a")
    assert not tabs.opened("d", title="", url="", opener_id="a"), "it is known"


def test_after_the_shown_tab_comes_its_opener_or_else_the_newest() -> None:
    tabs = some_tabs("a", "b", shown="a")
    tabs.opened("c", title="", url="", opener_id="a")
    tabs.shown_id = "c"
    assert tabs.closed("b") == ""
    assert tabs.closed("c") == "a"
    tabs = some_tabs("a", "b", "c", shown="a")
    assert tabs.closed("a") == "c"
    assert tabs.closed("a") == ""
    tabs = some_tabs("a", shown="a")
    assert tabs.closed("a") == "" and tabs.shown is None


def test_at_first_the_newest_in_which_something_is_open_is_shown() -> None:
    tabs = some_tabs("a", "b", shown="")
    tabs.opened("c", title="", url=WELCOME_URL, opener_id="")
    tabs.opened("d", title="", url="about:blank", opener_id="")
    assert tabs.likeliest == "b"
    assert tabs.newest_first() == ["d", "c", "b", "a"]
    tabs.changed("a", url="about:blank")
    tabs.changed("b", url="about:blank")
    assert tabs.likeliest == "d" and tabs.is_empty("a") and tabs.is_empty("nobody")


def test_titles_and_addresses_are_clipped() -> None:
    tabs = some_tabs("a", shown="a")
    assert tabs.changed("a", title="ä" * 10_000_000, url="data:," + "\ud800ä" * 1_000_000)
    (tab,) = tabs.told(lambda _: False)
    assert len(tab.title) == 256 and len(tab.url.encode()) <= 2048
    assert not tabs.changed("a", title="ä" * 300)
    assert not tabs.changed("nobody", title="x")


def test_a_page_that_opens_tabs_without_end_is_told_of_in_bounds() -> None:
    tabs = some_tabs(*(str(number) for number in range(5000)), shown="3")
    assert len(tabs) == MAX_KNOWN
    assert len(told(tabs)) == MAX_TOLD
    assert told(tabs)[0] == "3" and told(tabs)[-1] == str(MAX_KNOWN - 1)


def test_the_daemons_own_tabs_are_not_told_of() -> None:
    tabs = some_tabs("a", "b", "c", shown="c")
    assert [(tab.id, tab.active) for tab in tabs.told(lambda tab_id: tab_id in "bc")] == [("a", False), ("c", True)]


class StubbornView:
    """Tabs come when they are opened, and never go."""

    page = None

    def __init__(self) -> None:
        self.tabs, self.tabs_to_come, self.closing = Tabs(), 0, set[str]()
        self.open_tab(BLANK)

    @property
    def staying(self) -> int:
        return len(self.tabs) - len(self.closing)

    def open_tab(self, url: str) -> None:
        self.tabs.opened(f"T{len(self.tabs)}", title="", url=url, opener_id="")

    def close_tab(self, tab_id: str) -> None:
        self.closing.add(tab_id)


class NotedSeat:
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, code: str, **fields: Any) -> None:
        self.notices.append(code)


def test_tabs_that_do_not_close_count_in_the_end() -> None:
    view, seat = StubbornView(), NotedSeat()
    driving = Driving((), 3, Look(lambda: None))

    def do(message: OpenTab | CloseTab) -> None:
        driving.do(cast(Seat, seat), message, cast(BrowserView, view), None)

    for _ in range(20):
        do(OpenTab())
        do(CloseTab(tab_id=view.tabs.newest))
    assert len(view.tabs) == 3 + CLOSING_TABS
    assert "tab_limit" in seat.notices


def test_the_last_tab_leaves_an_empty_one_and_not_any_number() -> None:
    view = StubbornView()
    driving = Driving((), 1, Look(lambda: None))
    for _ in range(20):
        close = CloseTab(tab_id=view.tabs.newest)
        driving.do(cast(Seat, NotedSeat()), close, cast(BrowserView, view), None)
    assert len(view.tabs) == 1 + CLOSING_TABS
