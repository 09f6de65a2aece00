"""The toolbar says what is, and asks for what a person wants."""

from typing import Any

import pytest
from playwright.async_api import expect

from cloche.testing.live_server import FakeLiveServer

from .conftest import PHONE, OpenViewer, control, settled, viewer

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
TABS = [
    {"id": "t1", "title": "First", "url": "https://first.test/", "active": True},
    {"id": "t2", "title": "", "url": "https://second.test/", "active": False},
]


def page_at(url: str, **fields: Any) -> Json:
    return {"url": url, "title": "", "loading": False, "can_go_back": True, "can_go_forward": True} | fields


async def test_back_forward_and_reload(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    for name in ("Back", "Forward"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    await live.change(page=page_at("https://first.test/"))
    for name, message in (("Back", "back"), ("Forward", "forward"), ("Reload", "reload")):
        await page.get_by_role("button", name=name, exact=True).click()
        await live.heard(message)
    await live.change(page=page_at("https://first.test/", loading=True))
    await page.get_by_role("button", name="Stop").click()
    await live.heard("stop")


async def test_an_address_is_entered_and_one_under_way_is_not_written_over(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer()
    address = page.get_by_label("Address")
    await expect(address).to_have_value("https://first.test/")
    await address.click()
    await address.press_sequentially("example.test/a")
    await live.change(page=page_at("https://elsewhere.test/"))
    await expect(address).to_have_value("example.test/a")
    await address.press("Enter")
    assert await live.heard("navigate") == {"type": "navigate", "url": "example.test/a"}
    await expect(address).not_to_be_focused()
    await live.change(page=page_at("https://example.test/a"))
    await expect(address).to_have_value("https://example.test/a")


async def test_tabs_are_shown_switched_opened_and_closed(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.state["tabs"] = TABS
    page = await open_viewer()
    await expect(page.get_by_role("tab")).to_have_count(2)
    await expect(page.get_by_role("tab", name="First")).to_have_attribute("aria-selected", "true")
    await page.get_by_role("tab", name="https://second.test/").click()
    assert await live.heard("switch_tab") == {"type": "switch_tab", "tab_id": "t2"}
    await page.get_by_role("button", name="Close First").click()
    assert await live.heard("close_tab") == {"type": "close_tab", "tab_id": "t1"}
    await page.get_by_role("button", name="New tab").click()
    await live.heard("open_tab")
    await live.change(tabs=[TABS[1] | {"active": True, "title": "<b>Second</b>"}])
    await expect(page.get_by_role("tab")).to_have_count(1)
    await expect(page.get_by_role("tab", name="<b>Second</b>")).to_be_visible()


async def test_arrow_keys_go_along_the_tabs(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.state["tabs"] = TABS
    page = await open_viewer()
    await page.get_by_role("tab", name="First").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="https://second.test/")).to_be_focused()
    await page.keyboard.press("Delete")
    assert await live.heard("close_tab") == {"type": "close_tab", "tab_id": "t2"}


async def test_the_window_has_the_title_of_the_page(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await live.change(page=page_at("https://first.test/", title="Orders"))
    await page.wait_for_function("() => document.title === 'Orders · live'")


async def test_the_page_is_made_to_fit_and_kept_so(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await page.get_by_role("button", name="Fit the page to this window").click()
    first = await live.heard("resize")
    assert first["width"] in (1278, 1280) and 600 < first["height"] < 800 and first["height"] % 2 == 0
    await page.set_viewport_size({"width": 1000, "height": 700})
    second = await live.heard(lambda message: message["type"] == "resize" and message["width"] in (998, 1000))
    assert second["height"] < first["height"]
    await page.get_by_role("button", name="Fit the page to this window").click()
    await live.heard(lambda message: message["type"] == "resize" and message["width"] == 0)


async def test_a_device_is_chosen_from_the_servers_list(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await page.get_by_role("button", name="More").click()
    await page.locator("#device").select_option("Pixel 8")
    assert await live.heard("emulate") == {"type": "emulate", "device": "Pixel 8"}
    await live.change(viewport={"width": 412, "height": 915, "scale": 2.6, "device": "iPad"})
    await expect(page.locator("#device")).to_have_value("iPad")


async def test_a_screenshot_is_saved(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await page.evaluate(
        """() => HTMLAnchorElement.prototype.click = function () { window.saved = [this.download, this.href]; }"""
    )
    await page.get_by_role("button", name="Save a screenshot").click()
    await page.wait_for_function("() => window.saved")
    name, address = await page.evaluate("window.saved")
    assert name.startswith("ses_") and name.endswith(".png") and address.startswith("blob:")


async def test_who_watches_and_how_well_is_listed(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    me = live.peers[-1].id
    ada = viewer("v8", name="<i>Ada</i>", transport="jpeg", fallback_reason="webrtc_timeout", right="view", dropped=30)
    await live.change(viewers=[viewer(me, has_control=True), ada])
    await page.get_by_role("button", name="Viewers: 2").click()
    rows = page.locator(".viewers li")
    await expect(rows.nth(0)).to_contain_text("you")
    await expect(rows.nth(0)).to_contain_text(
        "WebRTC · H.264 · 48 fps · 44 ms old · 12 ms away · 2.1 Mbit/s · 3 dropped"
    )
    for text in ("<i>Ada</i>", "watches only", "JPEG · 48 fps", "30 dropped", "WebRTC did not connect in time"):
        await expect(rows.nth(1)).to_contain_text(text)
    await page.get_by_label("Your name, shown to the others").fill("Grace")
    await page.get_by_role("button", name="Rename").click()
    assert await live.heard("name") == {"type": "name", "name": "Grace"}
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Viewers: 2")).to_be_focused()


@pytest.mark.parametrize(("type_", "accept"), [("alert", True), ("confirm", True), ("confirm", False)])
async def test_a_dialog_of_the_page_is_answered(
    live: FakeLiveServer, open_viewer: OpenViewer, type_: str, accept: bool
) -> None:
    page = await open_viewer()
    await live.change(dialog={"type": type_, "message": "Really?", "default_text": ""})
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("Really?")
    await dialog.get_by_role("button", name="OK" if accept else "Cancel").click()
    assert await live.heard("dialog") == {"type": "dialog", "accept": accept, "text": ""}
    await expect(dialog).to_be_hidden()


async def test_a_prompt_brings_its_text_and_keys_do_not_reach_the_page_below(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer()
    await live.change(dialog={"type": "prompt", "message": "Name?", "default_text": "Ada"})
    field = page.get_by_label("Answer")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("Ada")
    await field.press_sequentially("!")
    await field.press("Enter")
    answer = await live.heard("dialog")
    assert answer["accept"] and answer["text"] in ("Ada!", "!Ada")
    assert not live.of_type("keydown")


async def test_an_answer_under_way_outlives_a_change_of_control(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    me = live.peers[-1].id
    await live.change(
        control=control("viewer", mine=True, holder=me),
        dialog={"type": "prompt", "message": "Name?", "default_text": ""},
    )
    await page.get_by_label("Answer").fill("Ada Love")
    await live.change(control=control("free"))
    await expect(page.locator(".who")).to_have_text("Nobody is driving")
    await expect(page.get_by_label("Answer")).to_have_value("Ada Love")
    await live.change(control=control("agent"))
    await expect(page.get_by_role("alertdialog")).to_contain_text("Whoever has control can answer.")


async def test_who_may_not_act_sees_a_dialog_and_cannot_answer_it(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    live.state["dialog"] = {"type": "confirm", "message": "Really?", "default_text": ""}
    page = await open_viewer(right="view")
    dialog = page.get_by_role("alertdialog")
    await expect(dialog).to_contain_text("Whoever has control can answer.")
    await expect(dialog.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
async def test_every_control_has_a_name_and_is_within_the_window(
    live: FakeLiveServer, open_viewer: OpenViewer, options: Json
) -> None:
    live.state["tabs"] = TABS
    live.state["control"] = control("taken", mine=True)
    page = await open_viewer(**options)
    width = (await page.evaluate("innerWidth")) + 1
    for each in await page.locator("cloche-live").locator("button:visible, input:visible, select:visible").all():
        name = await each.evaluate(
            "(it) => it.getAttribute('aria-label') || it.textContent.trim() || it.closest('label')?.textContent"
        )
        box = await each.bounding_box()
        assert name and box, await each.evaluate("(it) => it.outerHTML")
        in_strip = await each.evaluate("(it) => Boolean(it.closest('.tab-list'))")
        assert in_strip or (box["x"] >= -1 and box["x"] + box["width"] <= width), name
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_without_controls_there_is_only_the_picture(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer("&transport=jpeg&controls=0")
    await expect(page.get_by_role("toolbar")).to_have_count(0)
    assert await page.locator(".stage").evaluate("(stage) => stage.getBoundingClientRect().height === innerHeight")
    await page.evaluate("document.querySelector('cloche-live').focus()")
    await page.keyboard.press("Control+l")
    await page.keyboard.press("Shift+Escape")
    await settled(live, page)
    assert [each["key"] for each in live.of_type("keydown")] == ["Control", "l", "Shift"]
    assert await page.evaluate("document.querySelector('cloche-live').shadowRoot.activeElement") is None
