"""What hands may open, where pages do not let their tabs be closed."""

from typing import Any, cast

from cloche.live.messages import CloseTab, OpenTab
from cloche.sessions.live.driving import BLANK, CLOSING_TABS, Driving
from cloche.sessions.live.look import Look
from cloche.sessions.live.seats import Seat
from cloche.sessions.live.tabs import Tabs
from cloche.sessions.live.view import BrowserView


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
