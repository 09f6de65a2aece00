"""The console without a mouse and without eyes: keys alone, names for everything, one main part and one heading."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from cloche.testing.daemon import DaemonProcess

from .conftest import PATIENCE_MS, Json, OpenConsole, emptied, row

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = ("sessions", "profiles", "pools", "downloads", "usage", "audit", "policy", "keys")

NAMELESS = """() => [
        ...document.querySelectorAll("input, select, textarea, button, a[href], [role=button], [role=tab]")
    ]
    .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]") && each.type !== "hidden")
    .filter((each) => !(
        each.getAttribute("aria-label") || each.labels?.length || each.textContent.trim() || each.title
        || document.getElementById(each.getAttribute("aria-labelledby"))?.textContent.trim()
        || each.querySelector("img[alt]:not([alt=''])")
    )).map((each) => each.outerHTML.slice(0, 200))"""
"""What a screen reader would call by its role alone."""

RING = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
}"""
"""Whether one sees where the keyboard is."""


async def test_a_session_is_made_and_ended_by_keys_alone(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    page = await open_console("/", key="")
    keys = page.keyboard
    await tab_to(page, page.get_by_label("API key"))
    await keys.type(shared_daemon.key)
    await keys.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Sessions")).to_be_visible()

    # The first stop of the page leads past the menu.
    await page.evaluate("document.activeElement.blur()")
    await keys.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    await keys.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await keys.press("Tab")
    await expect(page.get_by_role("button", name="New session").first).to_be_focused()
    assert await page.evaluate(RING)

    await keys.press("n")
    dialog = page.get_by_role("dialog", name="New session")
    await expect(dialog.get_by_label("Start at")).to_be_focused()
    await keys.press("Enter")
    await expect(page.get_by_role("tab", name="Live")).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_role("main")).to_be_focused()

    await tab_to(page, page.get_by_role("tab", name="Live"))
    assert await page.evaluate(RING)
    await keys.press("ArrowRight")
    await keys.press("Enter")
    await expect(page.get_by_role("tab", name="Actions")).to_have_attribute("aria-selected", "true")
    await tab_to(page, page.get_by_role("button", name=re.compile("^Actions for session")), back=True)
    await keys.press("Enter")
    await keyboard_is_in(page, "menu")
    await keys.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Extend…")).to_be_focused()
    await keys.press("End")
    await expect(page.get_by_role("menuitem", name="End…", exact=True)).to_be_focused()
    await keys.press("Enter")
    asked = page.get_by_role("dialog", name=re.compile("^End session"))
    await keyboard_is_in(page, "dialog")
    await tab_to(page, asked.get_by_role("button", name="End", exact=True))
    await keys.press("Enter")
    await expect(page.get_by_text("This session has ended")).to_be_visible(timeout=PATIENCE_MS)

    # One letter after another goes to a page; none does while one types, and none is lost.
    await page.evaluate("document.activeElement.blur()")
    await keys.press("g")
    await keys.press("a")
    await expect(page.get_by_role("heading", level=1, name="Audit")).to_be_visible()
    await page.get_by_label("Kind").focus()
    await keys.type("gs?")
    await expect(page.get_by_label("Kind")).to_have_value("gs?")
    await expect(page.get_by_role("heading", level=1, name="Audit")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"kind=gs%3F$"))


async def test_everything_has_a_name_and_a_page_one_main_part_and_one_heading(
    open_console: OpenConsole, session: Json
) -> None:
    page = await open_console("/", key="")
    await is_plain(page, "Sign in")
    page = await open_console("/app/sessions")
    for place in PLACES:
        await page.get_by_role("navigation", name="Main").get_by_role("link", name=place.capitalize()).click()
        await expect(page.get_by_role("heading", level=1, name=place.capitalize())).to_be_visible()
        await is_plain(page, place)
    await page.get_by_role("link", name="Sessions", exact=True).click()
    await page.get_by_role("button", name="New session").first.click()
    dialog = page.get_by_role("dialog", name="New session")
    # As many as there are by then is what `all` takes: of a dialog that is not there yet none.
    sections = dialog.locator("[data-accordion-control]")
    await expect(sections).to_have_count(5)
    for section in await sections.all():
        await section.click()
        await expect(section).to_have_attribute("aria-expanded", "true")
    await expect(dialog.get_by_label("Language", exact=True)).to_be_visible()
    assert await page.evaluate(NAMELESS) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.goto(page.url.split("/app/")[0] + f"/app/sessions/{session['id']}")
    await expect(page.locator("cloche-live")).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
    tabs = page.get_by_role("tablist", name="Parts of the session").get_by_role("tab")
    await expect(tabs).to_have_count(11)
    for tab in await tabs.all():
        await tab.click()
        await expect(tab).to_have_attribute("aria-selected", "true")
        await is_plain(page, await tab.inner_text())


async def test_a_pool_is_made_acquired_from_and_deleted_by_keys_alone(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    page = await open_console("/app/sessions")
    await expect(page.get_by_text("● Live")).to_be_visible()  # what listens to keys does so by now
    keys = page.keyboard
    await page.evaluate("document.activeElement.blur()")
    await keys.press("g")
    await keys.press("l")
    await expect(page.get_by_role("heading", level=1, name="Pools")).to_be_visible()
    await expect(page.get_by_role("main")).to_be_focused()
    await tab_to(page, page.get_by_role("button", name="New pool").first)
    assert await page.evaluate(RING)
    await keys.press("Enter")
    dialog = page.get_by_role("dialog", name="New pool")
    await expect(dialog.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    await keys.type("blue")
    await keys.press("Tab")
    await expect(dialog.get_by_role("textbox", name="Size", exact=True)).to_be_focused()
    await keys.press("ArrowDown")
    await expect(dialog.get_by_role("textbox", name="Size", exact=True)).to_have_value("0")
    assert await page.evaluate(NAMELESS) == []
    await keys.press("Enter")
    mine = row(page, "blue")
    await expect(mine).to_contain_text("0 of 0")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("button", name="New pool")).to_be_focused()

    await tab_to(page, mine.get_by_role("button", name="Acquire from blue"))
    assert await page.evaluate(RING)
    await keys.press("Enter")
    await expect(page.get_by_role("tab", name="Live")).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_role("main")).to_be_focused()

    await page.evaluate("document.activeElement.blur()")
    await keys.press("g")
    await keys.press("l")
    await expect(mine).to_contain_text("0 of 1")
    await tab_to(page, mine.get_by_role("button", name="Actions for blue"))
    await keys.press("Enter")
    await keyboard_is_in(page, "menu")
    await keys.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Change the size…")).to_be_focused()
    await keys.press("End")
    await expect(page.get_by_role("menuitem", name="Delete…")).to_be_focused()
    await keys.press("Enter")
    asked = page.get_by_role("dialog", name="Delete blue?")
    await keyboard_is_in(page, "dialog")
    await tab_to(page, asked.get_by_role("button", name="Delete", exact=True))
    await keys.press("Enter")
    await expect(mine).to_have_count(0)

    # In a hand there are cards in place of the table.
    await page.set_viewport_size({"width": 360, "height": 740})
    await expect(page.get_by_role("list", name="Pools").get_by_role("listitem")).to_have_count(1)
    await is_plain(page, "pools on a phone")
    await emptied(shared_daemon)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_colours_are_those_of_the_system_until_one_chooses(open_console: OpenConsole, scheme: str) -> None:
    other = "dark" if scheme == "light" else "light"
    page = await open_console("/app/policy", color_scheme=scheme)
    html = page.locator("html")
    await expect(html).to_have_attribute("data-mantine-color-scheme", scheme)
    await page.get_by_role("button", name="Colours").click()
    await page.get_by_role("menuitem", name=other.capitalize()).click()
    await expect(html).to_have_attribute("data-mantine-color-scheme", other)
    await page.reload()
    await expect(html).to_have_attribute("data-mantine-color-scheme", other)


async def tab_to(page: Page, target: Locator, *, back: bool = False) -> None:
    """Press Tab until the keyboard is there: what can be reached only otherwise fails."""
    for _ in range(40):
        if await target.evaluate("(element) => element === document.activeElement"):
            return
        await page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"{target} is not reached by Tab")


async def keyboard_is_in(page: Page, role: str) -> None:
    """Wait until what has opened has taken the focus: a key that comes before goes elsewhere."""
    await expect(page.locator(f"[role={role}]:focus-within")).to_have_count(1)


async def is_plain(page: Page, where: str) -> None:
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    await expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
    assert await page.evaluate(NAMELESS) == [], where
    assert await page.title() not in ("", "Cloche"), where
