"""Cookies, storage, permissions and the viewport are set in Chromium itself, and the page notices."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserType

from cloche.testing.web.server import LocalWeb

from .conftest import MakeHands
from .hands import Hands

in_playwrights_loop = pytest.mark.asyncio(loop_scope="module")
"""Of tests that use it: its objects belong to the loop that it was started in."""

Json = dict[str, Any]

PLAYWRIGHTS_COOKIE: Final = {"name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright(chromium: BrowserType, place: Json) -> AsyncIterator[Browser]:
    """Playwright on the same session, for what it makes of our storage state."""
    browser = await chromium.connect_over_cdp(place["connect_url"])
    yield browser
    await browser.close()


@pytest.fixture
async def at_home(make_hands: MakeHands, home: LocalWeb) -> AsyncIterator[Hands]:
    """Hands on a session that may reach the site at `localhost`."""
    made = await make_hands(egress={"private_hosts": [f"localhost:{home.http_port}"]})
    yield made
    await made.do("Navigate", url="about:blank")
    home.hang_up()


async def test_cookies_come_with_all_their_attributes(hands: Hands) -> None:
    await hands.do("ClearCookies")
    await hands.do("Navigate", url=hands.url("/cookies/all"))
    found = {cookie["name"]: cookie for cookie in (await hands.do("GetCookies"))["cookies"]}
    assert {"plain", "Upper", "kept", "http", "strict", "lax", "path"} <= set(found)
    assert found["plain"]["expires"] == -1
    assert found["kept"]["expires"] > 1_700_000_000
    assert found["http"]["httpOnly"]
    assert (found["strict"]["sameSite"], found["path"]["path"]) == ("Strict", "/cookies")
    assert found["session_token"]["value"] == "s3cret-cookie", "a cookie that is asked for is told"


async def test_cookies_of_an_address_are_those_that_it_would_get(hands: Hands) -> None:
    await hands.do("ClearCookies")
    for host in ("site.test", "other.test"):
        await hands.do("Navigate", url=hands.url("/cookies/set?of=" + host, host=host))
    found = await hands.do("GetCookies", urls=[hands.url("/", host="other.test")])
    assert [cookie["value"] for cookie in found["cookies"]] == ["other.test"]


async def test_cookies_are_set_and_sent_and_cleared(hands: Hands) -> None:
    await hands.do("ClearCookies")
    cookies = [
        {"name": "ours", "value": "1", "domain": "site.test", "path": "/", "httpOnly": True, "sameSite": "Lax"},
        {"name": "else", "value": "2", "domain": "other.test", "path": "/"},
    ]
    assert (await hands.do("SetCookies", cookies=cookies))["cookies_set"] == 2
    await hands.do("Navigate", url=hands.url("/cookies"))
    assert json.loads(await hands.js("document.body.innerText")) == {"ours": "1"}
    assert (await hands.do("ClearCookies", domain="site.test"))["cookies_cleared"] == 1
    assert [cookie["name"] for cookie in (await hands.do("GetCookies"))["cookies"]] == ["else"]


async def test_storage_state_goes_into_another_session(hands: Hands, make_hands: MakeHands) -> None:
    await hands.do("ResetState")
    await hands.goto("state.html")
    await hands.js("keep('carried')")
    state = (await hands.do("GetStorageState"))["storage_state"]
    other = await make_hands()
    answer = await other.do("SetStorageState", storage_state=state)
    assert (answer["cookies_set"], answer["origins_set"]) == (1, 1)
    await other.goto("state.html")
    kept = await other.js("kept()")
    assert (kept["cookie"], kept["local"], kept["indexed"]) == ("kept=carried", "carried", None)


@in_playwrights_loop
async def test_playwright_reads_our_storage_state_and_we_read_its(
    hands: Hands, playwright: Browser, tmp_path: Path
) -> None:
    await hands.do("ResetState")
    await hands.goto("state.html")
    await hands.js("keep('for playwright')".replace("for playwright", "both-ways"))
    state = (await hands.do("GetStorageState"))["storage_state"]
    assert [set(cookie) - {"partitionKey"} for cookie in state["cookies"]] == [PLAYWRIGHTS_COOKIE]
    for cookie in state["cookies"]:
        if not cookie.get("partitionKey"):
            cookie.pop("partitionKey", None)
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state))
    context = await playwright.new_context(storage_state=file)
    page = await context.new_page()
    await page.goto(hands.url("state.html"))
    assert (await page.evaluate("kept()"))["local"] == "both-ways"
    theirs = await context.storage_state()
    await context.close()
    await hands.do("SetStorageState", storage_state=theirs, clear_first=True)
    await hands.goto("state.html")
    kept = await hands.js("kept()")
    assert (kept["cookie"], kept["local"]) == ("kept=both-ways", "both-ways")


async def test_reset_state_clears_what_the_browser_keeps(hands: Hands) -> None:
    for host in ("site.test", "other.test"):
        await hands.goto("state.html", host=host)
        await hands.js("keep('soon gone')".replace("soon gone", "soon-gone"))
    answer = await hands.do("ResetState", clear_cookies=True, clear_storage=True)
    assert answer["cookies_cleared"] >= 2
    assert answer["storage_entries_cleared"] >= 2
    for host in ("site.test", "other.test"):
        await hands.goto("state.html", host=host)
        kept = await hands.js("kept()")
        assert (kept["cookie"], kept["local"], kept["indexed"]) == ("", None, None)


async def test_reset_state_closes_all_tabs_but_a_fresh_one(hands: Hands) -> None:
    await hands.goto("empty.html")
    await hands.do("OpenTab")
    await hands.do("OpenTab")
    answer = await hands.do("ResetState", reset_tabs=True)
    assert answer["tabs_closed"] >= 2
    (tab,) = await hands.tabs()
    assert tab["url"] == "about:blank"
    assert await hands.failure("Back") == "no_history_entry"


NAMES = {"location": "geolocation", "notifications": "notifications", "camera": "camera", "microphone": "microphone",
         "clipboard": "clipboard-read"}  # fmt: skip
STATES = {"allow": "granted", "deny": "denied", "ask": "prompt"}


@pytest.mark.parametrize("permission", NAMES)
async def test_a_permission_is_what_the_page_is_told(at_home: Hands, home: LocalWeb, permission: str) -> None:
    hands = at_home
    await hands.do("Navigate", url=home.url("localhost", "/pages/permissions.html"))
    for setting, state in STATES.items():
        answer = await hands.do("SetPermissions", **{permission: setting})
        assert answer["permissions"][permission] == setting
        assert (await hands.do("GetPermissions"))["permissions"][permission] == setting
        assert await hands.js(f"query('{NAMES[permission]}')") == {NAMES[permission]: state}


async def test_reset_state_also_clears_what_only_secure_pages_have(at_home: Hands, home: LocalWeb) -> None:
    url = home.url("localhost", "/pages/state.html")
    await at_home.do("Navigate", url=url)
    kept = await at_home.js("keep('soon-gone')")
    assert (kept["caches"], kept["workers"], kept["indexed"]) == (["kept"], 1, "soon-gone")
    await at_home.do("ResetState", clear_storage=True)
    await at_home.do("Navigate", url=url)
    kept = await at_home.js("kept()")
    assert (kept["caches"], kept["workers"], kept["indexed"], kept["local"]) == ([], 0, None, None)
    assert kept["cookie"] == "kept=soon-gone", "cookies were not asked for"
    await at_home.do("ClearCookies")


async def test_permissions_are_kept_reset_and_the_same_in_every_tab(hands: Hands) -> None:
    await hands.do("SetPermissions", notifications="deny", location="allow")
    await hands.do("SetPermissions", notifications="keep", location="deny")
    permissions = (await hands.do("GetPermissions"))["permissions"]
    assert (permissions["notifications"], permissions["location"]) == ("deny", "deny")
    await hands.do("OpenTab", url=hands.url("permissions.html", host="other.test"))
    assert (await hands.do("SetPermissions", reset_to_default=True))["permissions"]["location"] == "ask"
    await hands.do("ResetState", reset_permissions=True)
    assert set((await hands.do("GetPermissions"))["permissions"].values()) == {"ask"}


async def test_a_viewport_is_what_the_page_measures(hands: Hands) -> None:
    await hands.goto("empty.html")
    answer = await hands.do("SetViewport", width=412, height=732, device_scale_factor=2.5, mobile=True)
    assert (answer["width"], answer["height"], answer["device_scale_factor"]) == (412, 732, 2.5)
    assert await hands.js("[innerWidth, innerHeight, devicePixelRatio]") == [412, 732, 2.5]
    await hands.do("SetViewport", width=900, height=600)
    assert await hands.js("[innerWidth, innerHeight, devicePixelRatio]") == [900, 600, 1]
    await hands.goto("empty.html", host="other.test")
    assert await hands.js("[innerWidth, innerHeight]") == [900, 600]
    back = await hands.do("SetViewport")
    assert (back["width"], back["height"]) == (1280, 800)
    assert await hands.js("innerWidth") == 1280


async def test_an_inspection_holds_everything_and_no_secret(hands: Hands) -> None:
    await hands.do("Navigate", url=hands.url("/cookies/all"))
    await hands.goto("state.html?token=s3cret-in-the-address")
    await hands.js("void (localStorage.author = 'Ada', localStorage.auth_token = 's3cret-stored')")
    answer = await hands.do("InspectSession")
    assert answer["session_id"] == hands.session_id
    assert {"cookies", "storage", "action_log", "network_log", "tabs"} <= {
        name for name, value in answer.items() if value
    }
    assert "s3cret" not in repr(answer)
    assert "Ada" in [entry["value"] for entry in answer["storage"] if entry["name"] == "author"]
    some = await hands.do("InspectSession", include_cookies=True)
    assert some["cookies"]
    assert not some["storage"]
    assert not some["network_log"]
