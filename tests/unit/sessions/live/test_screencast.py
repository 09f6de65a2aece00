from typing import Any, cast

from cloche.live.screencast import CaptureParams
from cloche.sessions.live.page import ShownPage
from cloche.sessions.live.screencast import ShownScreencast


class Page:
    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def command(self, method: str, params: Any = None) -> None:
        self.told.append((method.removeprefix("Page."), params))

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.told]


def a_cast() -> tuple[ShownScreencast, list[bool]]:
    seen: list[bool] = []
    cast_ = ShownScreencast(lambda: seen.append(cast_.is_on))
    return cast_, seen


def shown(cast_: ShownScreencast, page: Page | None) -> None:
    cast_.show(cast(ShownPage, page))


def test_without_a_page_nothing_is_done() -> None:
    cast_, seen = a_cast()
    cast_.start(CaptureParams())
    cast_.acknowledge(1)
    cast_.stop()
    assert seen == [False, False]


def test_it_is_of_the_page_that_is_shown_and_ended_on_the_one_before() -> None:
    cast_, seen = a_cast()
    first, second = Page(), Page()
    shown(cast_, first)
    cast_.start(CaptureParams(quality=70, max_width=800))
    assert first.told[0][0] == "startScreencast" and seen == [True]
    assert (first.told[0][1]["quality"], first.told[0][1]["maxWidth"]) == (70, 800)
    shown(cast_, second)
    assert first.methods == ["startScreencast", "stopScreencast"] and second.methods == []
    cast_.stop()
    assert second.methods == ["stopScreencast"] and not cast_.is_on


def test_what_comes_of_an_earlier_page_is_not_acknowledged_to_the_next() -> None:
    cast_, _ = a_cast()
    first, second = Page(), Page()
    shown(cast_, first)
    token = cast_.token(cast(ShownPage, first), 1)
    assert token is not None
    cast_.acknowledge(token)
    shown(cast_, second)
    cast_.acknowledge(token)
    assert first.told == [("screencastFrameAck", {"sessionId": 1})] and second.told == []
    assert cast_.token(cast(ShownPage, first), 2) is None
    assert cast_.token(cast(ShownPage, second), 1 << 30) is None
    assert cast_.token(cast(ShownPage, second), -1) is None
