"""The toolbar does to the session's browser what it says: addresses, tabs, sizes, devices, dialogs, screenshots."""

import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from cloche.testing.web.server import LocalWeb

from .desk import BLUE, FIELD, GREEN, PATIENCE_S, Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
MIDDLE = (640, 500)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(kept_desk: Desk, local_web: LocalWeb) -> AsyncIterator[Desk]:
    """With the page as new."""
    await kept_desk.fresh()
    yield kept_desk
    # The session's browser keeps its connections to the site.
    local_web.hang_up()


async def press(desk: Desk, name: str) -> None:
    await desk.page.get_by_role("button", name=name, exact=True).click()


async def test_addresses_links_back_forward_and_reload(desk: Desk) -> None:
    began = (await desk.told())["n"]
    await desk.click(60, 300)
    await desk.told(lambda noted: noted["n"] == "linked")
    await expect(desk.page.get_by_label("Address")).to_have_value(desk.url("linked"))
    await press(desk, "Back")
    await desk.told(lambda noted: noted["n"] == began)
    await press(desk, "Forward")
    await desk.told(lambda noted: noted["n"] == "linked")
    await desk.click(*FIELD)
    await desk.told(lambda noted: bool(noted["log"]))
    await press(desk, "Reload")
    await desk.told(lambda noted: not noted["log"])


async def test_an_address_that_leads_nowhere_is_told(desk: Desk) -> None:
    address = desk.page.get_by_label("Address")
    for typed, said in (
        ("http://10.0.0.1/", "policy does not allow"),
        ("javascript:alert(1)", "Only http: and https:"),
        ("no words", "no address"),
        ("http://nobody.test/", "ERR_"),
    ):
        await address.click()
        await address.fill(typed)
        await address.press("Enter")
        await expect(desk.page.locator(".notice").last).to_contain_text(said, timeout=PATIENCE_S * 1000)
        await desk.page.locator(".notice").last.get_by_role("button").click()


async def test_tabs_are_opened_switched_and_closed(desk: Desk) -> None:
    tabs = desk.page.get_by_role("tab")
    await expect(tabs).to_have_count(1)
    await desk.shows(GREEN, *MIDDLE)
    await press(desk, "New tab")
    await expect(tabs).to_have_count(2)
    await expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    await desk.page.get_by_label("Address").fill(desk.url("blue"))
    await desk.page.get_by_label("Address").press("Enter")
    await desk.shows(BLUE, *MIDDLE)
    listed = (await desk.api("GET", "/tabs"))["tabs"]
    assert [tab["url"].rpartition("?")[2] == "blue" for tab in listed] == [False, True]
    await tabs.nth(0).click()
    await desk.shows(GREEN, *MIDDLE)
    await desk.click(*FIELD)
    await desk.page.get_by_role("button", name="Close live").last.click()
    await expect(tabs).to_have_count(1)
    assert len((await desk.api("GET", "/tabs"))["tabs"]) == 1
    await desk.in_field()


async def test_the_page_is_made_to_fit_and_undone(desk: Desk) -> None:
    box = await desk.page.locator(".stage").bounding_box()
    assert box is not None
    width, height = (int(side) // 2 * 2 for side in (box["width"], box["height"]))
    await press(desk, "Fit the page to this window")
    await desk.told(lambda noted: (noted["width"], noted["height"]) == (width, height))
    await desk.until(f"shown.size().join() === '{width},{height}'")
    await desk.click(width - 3, height - 3)
    await desk.logged("click", enough=lambda seen: seen == [["click", "se", 0, 1]])
    await press(desk, "Fit the page to this window")
    await desk.told(lambda noted: (noted["width"], noted["height"]) == (1280, 720))


async def test_a_device_is_emulated_and_put_away(desk: Desk) -> None:
    await press(desk, "More")
    await desk.page.locator("#device").select_option("Desktop 1440")
    await desk.told(lambda noted: noted["width"] == 1440)
    await desk.page.locator("#device").select_option("Pixel 8")
    # The page says nothing of <meta name=viewport>, so a phone lays it out as wide as phones do then.
    await desk.told(lambda noted: noted["touch"] == 5 and noted["width"] in (980, 981))
    await desk.until("(([width, height]) => width < height)(shown.size())")
    await desk.page.locator("#device").select_option("")
    await desk.told(lambda noted: noted["width"] == 1280)
    await desk.page.keyboard.press("Escape")


async def test_a_screenshot_is_downloaded(desk: Desk) -> None:
    await desk.shows(GREEN, *MIDDLE)
    async with desk.page.expect_event("download") as coming:
        await press(desk, "Save a screenshot")
    download = await coming.value
    assert download.suggested_filename.startswith(desk.session["id"])
    # The browser runs under another user, who cannot write where Playwright looks for downloads.
    script = """document.querySelector("cloche-live").screenshot().then((png) => png.slice(0, 24).arrayBuffer())
        .then((head) => [...new Uint8Array(head)])"""
    head = bytes(await desk.page.evaluate(script))
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (1280, 720)


async def test_dialogs_of_the_page_are_answered(desk: Desk) -> None:
    dialog = desk.page.get_by_role("alertdialog")
    for x, button, typed in (
        (140, "OK", ""),
        (240, "OK", ""),
        (240, "Cancel", ""),
        (340, "OK", "Eve"),
        (340, "Cancel", ""),
    ):
        await desk.click(x, 297)
        await expect(dialog).to_contain_text("Really?", timeout=PATIENCE_S * 1000)
        if typed:
            await desk.page.get_by_label("Answer").fill(typed)
        await dialog.get_by_role("button", name=button).click()
        await expect(dialog).to_be_hidden()
    noted = await desk.told(lambda noted: len(noted["answers"]) == 5)
    assert noted["answers"] == [None, True, False, "Eve", None]
