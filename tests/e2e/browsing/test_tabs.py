"""Tabs are Chromium's own, whoever opens them."""

import pytest

from .conftest import Json, MakeHands
from .hands import SOON_MS, Hands


async def test_a_tab_is_opened_switched_to_and_closed(hands: Hands) -> None:
    (first,) = await hands.tabs()
    opened = await hands.do("OpenTab", url=hands.url("empty.html", host="other.test"))
    assert (opened["navigated"], opened["status_code"], opened["tab"]["active"]) == (True, 200, True)
    assert opened["tab"]["title"] == "empty of other.test"
    assert await hands.js("document.visibilityState") == "visible"
    switched = await hands.do("SwitchTab", tab_id=first["tab_id"])
    assert switched["active_tab"]["tab_id"] == first["tab_id"]
    assert [tab["active"] for tab in await hands.tabs()] == [True, False]
    closed = await hands.do("CloseTab", tab_id=opened["tab"]["tab_id"])
    assert (closed["closed_tab_id"], closed["tabs_remaining"]) == (opened["tab"]["tab_id"], 1)
    assert closed["active_tab"]["tab_id"] == first["tab_id"]


async def test_a_tab_behind_is_used_by_its_name_without_being_switched_to(hands: Hands) -> None:
    await hands.goto("buttons.html")
    behind = (await hands.do("OpenTab", url=hands.url("buttons.html"), activate=False))["tab"]["tab_id"]
    await hands.do("Click", selector="#plain", tab_id=behind)
    assert await hands.log("click") == []
    assert len(await hands.js("log.filter((one) => one.type === 'click')", tab_id=behind)) == 1
    assert [tab["active"] for tab in await hands.tabs()] == [True, False]


POPUPS = {
    "#open": ("http://site.test/pages/empty.html", "empty of site.test"),
    "#other": ("http://other.test/pages/empty.html", "empty of other.test"),
    "#blank": ("http://site.test/pages/empty.html", "empty of site.test"),
    "#alone": ("http://site.test/pages/empty.html", "empty of site.test"),
    "#form": ("http://site.test/echo?", ""),
    "#script": ("about:blank", "written"),
}
"""What opens them, and what they show."""


@pytest.mark.parametrize(("selector", "shown"), POPUPS.items())
async def test_a_popup_becomes_a_tab_that_the_click_names(hands: Hands, selector: str, shown: tuple[str, str]) -> None:
    await hands.goto("popups.html")
    (first,) = await hands.tabs()
    (popup,) = (await hands.do("Click", selector=selector))["effects"]["new_tab_ids"]
    tabs = {tab["tab_id"]: tab for tab in await hands.tabs()}
    assert set(tabs) == {first["tab_id"], popup}
    assert tabs[popup]["opener_tab_id"] == first["tab_id"]
    await hands.do("WaitFor", tab_id=popup, load_state="load", timeout_ms=3000)
    answer = await hands.do("GetTitle", tab_id=popup)
    assert (answer["page_url"], answer["title"]) == shown


@pytest.mark.parametrize("how", [{"modifiers": ["Control"]}, {"modifiers": ["Shift"]}, {"button": "middle"}], ids=str)
async def test_a_link_that_is_clicked_aside_opens_a_tab_that_the_click_names(hands: Hands, how: Json) -> None:
    await hands.goto("history.html")
    (first,) = await hands.tabs()
    effects = (await hands.do("Click", selector="#next", **how))["effects"]
    assert not effects["navigated"]
    (opened,) = effects["new_tab_ids"]
    tabs = {tab["tab_id"]: tab for tab in await hands.tabs()}
    assert tabs[opened]["opener_tab_id"] == first["tab_id"]
    await hands.do("WaitFor", tab_id=opened, load_state="load", timeout_ms=3000)
    assert tabs[first["tab_id"]]["url"] == hands.url("history.html")


async def test_a_popup_that_closes_at_once_is_no_trouble(hands: Hands) -> None:
    await hands.goto("popups.html")
    await hands.do("Click", selector="#brief")
    await hands.do("Click", selector="h1")
    assert len(await hands.tabs()) == 1


async def test_the_last_tab_stays(hands: Hands) -> None:
    assert await hands.failure("CloseTab") == "last_tab"
    assert len(await hands.tabs()) == 1


@pytest.mark.parametrize("rpc", ["SwitchTab", "CloseTab", "Click", "Navigate", "Observe", "Screenshot"])
async def test_a_tab_that_is_not_there_is_not_found(hands: Hands, rpc: str) -> None:
    fields = {"Click": {"selector": "h1"}, "Navigate": {"url": hands.url("empty.html")}}.get(rpc, {})
    assert await hands.failure(rpc, tab_id="never", timeout_ms=SOON_MS, **fields) == "tab_not_found"


async def test_closing_the_active_tab_makes_its_neighbour_active(hands: Hands) -> None:
    (first,) = await hands.tabs()
    await hands.do("OpenTab")
    assert (await hands.do("CloseTab"))["active_tab"]["tab_id"] == first["tab_id"]
    await hands.goto("empty.html")


async def test_a_tab_that_cannot_open_its_page_is_there_beside_the_failure(hands: Hands) -> None:
    answer = await hands.fail("OpenTab", url="http://private.test/")
    assert (answer["error"], answer["navigated"]) == ("policy_blocked", False)
    assert answer["tab"]["tab_id"] in [tab["tab_id"] for tab in await hands.tabs()]


async def test_the_number_of_tabs_is_limited(make_hands: MakeHands) -> None:
    hands = await make_hands(budget={"tabs": 3})
    await hands.do("OpenTab")
    answer = await hands.do("OpenTab")
    assert (answer["usage"]["tabs"], answer["usage"]["tabs_left"]) == (3, 0)
    assert await hands.failure("OpenTab") == "tab_limit_reached"
    await hands.do("CloseTab")
    await hands.do("OpenTab")
