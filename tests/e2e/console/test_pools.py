"""Pools in the console: seen as they fill, made, resized, flushed and deleted by admins, acquired from by anybody."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Locator, Page, expect

from cloche.testing.daemon import DaemonProcess

from .conftest import PATIENCE_MS, Json, OpenConsole, emptied, row, soon, toast

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAITING, SIZE, IN_USE, HIT_RATE, MADE_OF = range(1, 6)
"""Columns of the table."""
OPTIONS = {"viewport": {"width": 800, "height": 600}, "labels": {"team": "blue"}}


@pytest.fixture(autouse=True)
async def _nothing_waits(shared_daemon: DaemonProcess) -> AsyncIterator[None]:
    """What waits in a pool that a test leaves would pass for left behind."""
    yield
    await emptied(shared_daemon)


async def made(daemon: DaemonProcess, name: str = "blue", size: int = 0) -> None:
    answer = await daemon.request("POST", "/v1/pools", {"name": name, "size": size, "options": OPTIONS})
    assert answer.status == 201, answer.body


async def pool(daemon: DaemonProcess, name: str = "blue") -> Json:
    shown: Json = (await daemon.request("GET", f"/v1/pools/{name}")).json
    return shown


def cell(page: Page, name: str, column: int) -> Locator:
    return page.get_by_role("row", name=re.compile(f"^{name}\\b")).get_by_role("cell").nth(column)


async def choose(page: Page, name: str, what: str) -> None:
    await page.get_by_role("button", name=f"Actions for {name}").click()
    await page.get_by_role("menuitem", name=re.compile(f"^{what}")).click()


async def test_a_pool_is_made_resized_flushed_and_deleted(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    page = await open_console("/app/pools")
    await expect(page.get_by_text("No pools with a name yet")).to_be_visible()
    await page.get_by_role("button", name="New pool").first.click()
    dialog = page.get_by_role("dialog", name="New pool")
    await expect(dialog.get_by_label("Profile")).to_have_count(0)
    await dialog.get_by_role("textbox", name="Name", exact=True).fill("blue")
    await dialog.get_by_label("Width").fill("800")
    await dialog.get_by_label("Height").fill("600")
    await dialog.get_by_label("Labels").fill("team:blue")
    await dialog.get_by_label("Labels").press("Enter")
    await dialog.get_by_role("button", name=re.compile("^Network")).click()
    await dialog.get_by_label("Only these hosts").fill("shop.test")
    await dialog.get_by_label("Only these hosts").press("Enter")
    await dialog.get_by_role("button", name="Make the pool").click()
    await expect(toast(page, "blue was made")).to_be_visible()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_text("No pools with a name yet")).to_have_count(0)

    # It fills while one looks.
    await expect(cell(page, "blue", WAITING)).to_have_text("1 of 1")
    await expect(cell(page, "blue", HIT_RATE)).to_have_text("none yet")
    await expect(cell(page, "blue", MADE_OF)).to_contain_text("shell, 800 × 600, only shop.test")
    await expect(cell(page, "blue", MADE_OF)).to_contain_text("team: blue")

    (waiting,) = (path.name for path in shared_daemon.run_dir.glob("ses_*"))
    await choose(page, "blue", "Flush")
    await expect(toast(page, "1 of blue is being replaced.")).to_be_visible()
    await soon(lambda: asyncio.to_thread(lambda: not (shared_daemon.run_dir / waiting).exists()))
    await expect(cell(page, "blue", WAITING)).to_have_text("1 of 1")

    await choose(page, "blue", "Change the size")
    resizing = page.get_by_role("dialog", name="The size of blue")
    await resizing.get_by_role("textbox", name="Size").fill("99")
    await resizing.get_by_role("button", name="Save").click()
    await expect(resizing.get_by_role("textbox", name="Size")).to_have_attribute("aria-invalid", "true")
    await expect(resizing.get_by_role("alert")).to_contain_text("CLOCHE_POOL_MAX")
    await resizing.get_by_role("textbox", name="Size").fill("0")
    await resizing.get_by_role("button", name="Save").click()
    await expect(cell(page, "blue", SIZE)).to_have_text("0")
    await expect(cell(page, "blue", WAITING)).to_have_text("0 of 0")

    await choose(page, "blue", "Delete")
    asked = page.get_by_role("dialog", name="Delete blue?")
    await asked.get_by_role("button", name="Cancel").click()
    assert (await pool(shared_daemon))["size"] == 0
    await choose(page, "blue", "Delete")
    await asked.get_by_role("button", name="Delete").click()
    await expect(toast(page, "blue was deleted.")).to_be_visible()
    await expect(row(page, "800 × 600")).to_have_count(0)
    assert (await shared_daemon.request("GET", "/v1/pools/blue")).status == 404


async def test_who_is_no_admin_takes_a_session_and_changes_nothing(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    await made(shared_daemon)
    key = (await shared_daemon.request("POST", "/v1/keys", {"principal": "ann", "role": "user"})).json["secret"]
    page = await open_console("/app/pools", key=key)
    await expect(cell(page, "blue", IN_USE)).to_have_text("0")
    await expect(page.get_by_role("button", name="New pool")).to_have_count(0)
    await expect(page.get_by_role("button", name=re.compile("^Actions for"))).to_have_count(0)

    await page.get_by_role("button", name="Acquire from blue").click()
    await expect(page.get_by_role("tab", name="Live")).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_text("pool blue")).to_be_visible()
    session = (await shared_daemon.request("GET", f"/v1/sessions/{page.url.split('/')[5]}")).json
    assert (session["owner"], session["pool"], session["labels"]) == ("ann", "blue", {"team": "blue"})
    await page.get_by_role("link", name="Pools").click()
    await expect(cell(page, "blue", IN_USE)).to_have_text("1")
    await expect(cell(page, "blue", HIT_RATE)).to_have_text("0 %0 of 1")
    await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await expect(cell(page, "blue", IN_USE)).to_have_text("0")


async def test_the_default_pool_stands_first_and_its_size_is_a_setting(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    await made(shared_daemon, "amber")
    page = await open_console("/app/pools")
    rows = page.get_by_role("table", name="Pools").get_by_role("row")
    await expect(rows).to_have_count(3)
    await expect(rows.nth(1)).to_contain_text("default")
    await expect(cell(page, "default", SIZE)).to_contain_text("CLOCHE_POOL_SIZE")
    await expect(page.get_by_role("button", name="Acquire from default")).to_have_count(0)
    await page.get_by_role("button", name="Actions for default").click()
    await expect(page.get_by_role("menuitem")).to_have_count(1)
    await page.get_by_role("menuitem", name=re.compile("^Flush")).click()
    await expect(toast(page, "Nothing waited in default.")).to_be_visible()
    await page.get_by_role("link", name="New session of no pool").click()
    await expect(page.get_by_role("dialog", name="New session")).to_be_visible()


async def test_what_the_server_refuses_is_named_at_its_field(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    await made(shared_daemon)
    page = await open_console("/app/pools")
    await page.get_by_role("button", name="New pool").click()
    dialog = page.get_by_role("dialog", name="New pool")
    name, make = (
        dialog.get_by_role("textbox", name="Name", exact=True),
        dialog.get_by_role("button", name="Make the pool"),
    )
    await name.fill("Not A Name")
    await make.click()
    await expect(dialog.get_by_text("Small letters, digits and hyphens")).to_be_visible()
    for taken in ("blue", "default"):
        await name.fill(taken)
        await make.click()
        await expect(dialog.get_by_role("alert")).to_contain_text("The pool was not made")
        await expect(name).to_have_attribute("aria-invalid", "true")
    await name.fill("red")
    await dialog.get_by_role("textbox", name="Size", exact=True).fill("99")
    await make.click()
    await expect(dialog.get_by_role("textbox", name="Size", exact=True)).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_role("textbox", name="Size", exact=True).fill("0")
    await dialog.get_by_role("button", name=re.compile("^Language and place")).click()
    await dialog.get_by_label("Language", exact=True).fill("no such language")
    await dialog.get_by_role("button", name=re.compile("^Language and place")).click()
    await make.click()
    await expect(dialog.get_by_label("Language", exact=True)).to_have_attribute("aria-invalid", "true")
    assert (await shared_daemon.request("GET", "/v1/pools/red")).status == 404


async def test_what_goes_wrong_is_said(open_console: OpenConsole, shared_daemon: DaemonProcess) -> None:
    await made(shared_daemon)
    page = await open_console("/app/policy")
    await page.route("**/v1/pools", lambda route: route.fulfill(status=503, json={"code": "busy", "detail": "not now"}))
    await page.get_by_role("link", name="Pools").click()
    problem = page.get_by_role("alert").filter(has_text="The pools could not be read")
    await expect(problem).to_contain_text("Not now.")
    await page.unroute("**/v1/pools")
    await problem.get_by_role("button", name="Try again").click()
    await expect(row(page, "800 × 600")).to_be_visible()
    await expect(problem).to_have_count(0)

    # Somebody else has deleted it meanwhile.
    await page.route("**/v1/pools", lambda route: route.abort())
    await shared_daemon.request("DELETE", "/v1/pools/blue")
    await page.get_by_role("button", name="Acquire from blue").click()
    await expect(toast(page, "Nothing was acquired from blue")).to_contain_text("there is no such pool")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Pools")
