"""Cookies that end with their browser, out of one and into the next."""

from typing import Any

from cloche.browser.session_browser import Browser
from cloche.browser.state.kept_cookies import put_session_cookies, session_cookies
from cloche.browser.state.kept_state import KeptCookie, KeptPartition, KeptState
from cloche.testing.bare_chromium import soon


async def test_session_cookies_come_out_with_all_their_attributes_and_go_in_as_they_were(browser: Browser) -> None:
    cookies = (
        KeptCookie(name="plain", value="1", domain="a.test"),
        KeptCookie(name="wide", value="2", domain=".a.test", path="/p", http_only=True, same_site="Lax"),
        KeptCookie(
            name="__Secure-one",
            value="3",
            domain="b.test",
            secure=True,
            same_site="None",
            priority="High",
            source_scheme="Secure",
            source_port=443,
            partition=KeptPartition(top_level_site="https://top.test", has_cross_site_ancestor=True),
        ),
    )
    await browser.call("Storage.clearCookies")
    written = KeptState.from_json(KeptState(cookies=cookies).to_json())
    assert await put_session_cookies(browser, written.cookies, soon()) == 3
    lasting = {"name": "lasting", "value": "4", "domain": "a.test", "expires": 4e9}
    await browser.call("Storage.setCookies", {"cookies": [lasting]})
    kept = {cookie.name: cookie for cookie in await session_cookies(browser, soon())}
    assert kept.keys() == {"plain", "wide", "__Secure-one"}, "what lasts is in the user-data directory"
    assert kept["wide"] == KeptCookie(**_fields(cookies[1]) | _source_of(kept["wide"]))
    assert kept["plain"] == KeptCookie(**_fields(cookies[0]) | _source_of(kept["plain"]))
    assert kept["__Secure-one"] == cookies[2]


def _fields(cookie: KeptCookie) -> dict[str, Any]:
    return {name: getattr(cookie, name) for name in KeptCookie.__dataclass_fields__}


def _source_of(cookie: KeptCookie) -> dict[str, Any]:
    return {"source_scheme": cookie.source_scheme, "source_port": cookie.source_port}


async def test_a_cookie_that_chromium_does_not_take_does_not_cost_the_others(browser: Browser) -> None:
    bad = KeptCookie(name="__Host-bad", value="1", domain=".a.test")
    good = KeptCookie(name="good", value="2", domain="a.test")
    await browser.call("Storage.clearCookies")
    assert await put_session_cookies(browser, (bad, good), soon()) == 1
    assert [cookie.name for cookie in await session_cookies(browser, soon())] == ["good"]
