"""Signing in and out, and the pages about the whole server: keys, audit, policy, usage, profiles."""

import re

import pytest
from playwright.async_api import expect

from cloche.testing.daemon import DaemonProcess

from .conftest import OpenConsole, row, short, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"max_sessions_per_principal": 7, "egress_own_addresses": "true"}


async def test_a_key_lets_in_a_wrong_one_does_not_and_signing_out_forgets_it(
    open_console: OpenConsole, shared_daemon: DaemonProcess
) -> None:
    page = await open_console("/app/policy", key="")
    await sign_in(page, "ck_" + 48 * "0")
    await expect(page.get_by_text("This key is not valid here.")).to_be_visible()
    await expect(page.get_by_label("API key")).to_have_attribute("aria-invalid", "true")
    await sign_in(page, shared_daemon.key)
    # It goes on to where one was going.
    await expect(page.get_by_role("heading", level=1, name="Policy")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", level=1, name="Policy")).to_be_visible()
    assert shared_daemon.key not in page.url
    assert await page.evaluate("localStorage.getItem('cloche-console-key')") is None
    await page.get_by_role("button", name="Signed in as admin").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_empty()
    assert shared_daemon.key not in await page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")


async def test_a_key_is_made_shown_once_and_revoked(open_console: OpenConsole, shared_daemon: DaemonProcess) -> None:
    page = await open_console("/app/keys")
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    await dialog.get_by_label("Principal").fill("Not A Name")
    await dialog.get_by_role("button", name="Make the key").click()
    await expect(dialog.get_by_text("Small letters, digits")).to_be_visible()
    await dialog.get_by_label("Principal").fill("alice")
    await dialog.get_by_label("Name", exact=True).fill("laptop")
    await dialog.get_by_label("Run programs and move files in sessions").check()
    await dialog.get_by_role("button", name="Make the key").click()
    shown = page.get_by_role("dialog", name="The new key")
    secret = await shown.get_by_text(re.compile("^ck_")).inner_text()
    assert (await shared_daemon.request("GET", "/v1/sessions", key=secret)).status == 200
    await shown.get_by_role("button", name="I have kept it").click()
    await expect(shown).to_have_count(0)
    assert secret not in await page.content()
    mine = row(page, "alice")
    await expect(mine).to_contain_text("machine")
    alices = await open_console("/app/sessions", key=secret)
    await expect(alices.get_by_role("link", name="Keys")).to_have_count(0)
    await mine.get_by_role("button", name="Revoke laptop").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(mine).to_contain_text("revoked")
    assert (await shared_daemon.request("GET", "/v1/sessions", key=secret)).status == 401
    # Whoever sits in front of it is asked to sign in.
    await alices.reload()
    await expect(alices.get_by_label("API key")).to_be_visible()


async def test_the_journal_tells_what_was_done(open_console: OpenConsole, shared_daemon: DaemonProcess) -> None:
    page = await open_console("/app/audit")
    session = await shared_daemon.create_session()
    mine = row(page, short(session["id"]))
    await expect(mine.filter(has_text="session.created")).to_contain_text("admin")
    await page.get_by_label("Kind").fill("key.")
    await expect(mine).to_have_count(0)
    await page.get_by_label("Kind").fill("")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.get_by_text("The journal holds")).to_be_visible()
    async with page.expect_download() as told:
        await page.get_by_role("button", name="Export").click()
    assert (await told.value).suggested_filename == "cloche-audit.ndjson"


async def test_policy_and_usage_show_numbers(open_console: OpenConsole, shared_daemon: DaemonProcess) -> None:
    for _ in range(2):
        session = await shared_daemon.create_session()
        await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    page = await open_console("/app/policy")
    await expect(page.get_by_role("definition").filter(has_text=re.compile("^7$"))).to_be_visible()
    await expect(page.get_by_role("table", name="Budget")).to_contain_text("1 GiB")
    await page.get_by_role("link", name="Usage").click()
    listed = (await shared_daemon.request("GET", "/v1/usage")).json["lines"]
    made = sum(line["sessions"] for line in listed)
    assert made >= 2
    cells = row(page, "admin").get_by_role("cell")
    await expect(cells.nth(1)).to_have_text(str(made))
    await expect(page.get_by_role("region", name="Sessions by day")).to_be_visible()
