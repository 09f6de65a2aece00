"""Cookies in and out of a real Chromium, with every attribute."""

import time

import pytest

from cloche.browser.contract.state import ClearCookiesRequest, Cookie, GetCookiesRequest, SetCookiesRequest
from cloche.browser.session_browser import Browser
from cloche.browser.state.cookies import clear_cookies, get_cookies, is_sent_to, set_cookies
from cloche.errors import InvalidError
from cloche.testing.bare_chromium import CallOf

NEXT_MONTH = float(round(time.time()) + 30 * 86_400)
"""Chromium keeps no cookie for longer than 400 days."""
COOKIES = [
    Cookie(name="Host", value="1", domain="site.test"),
    Cookie(name="domain", value="2", domain=".site.test", sameSite="Strict", httpOnly=True),
    Cookie(name="kept", value="3", domain="site.test", path="/a", expires=NEXT_MONTH),
    Cookie(name="none", value="4", domain="site.test", secure=True, sameSite="None"),
    Cookie(
        name="parted", value="5", domain="embedded.test", secure=True, sameSite="None", partitionKey="https://top.test"
    ),
]


@pytest.fixture(autouse=True)
async def no_cookies(browser: Browser) -> None:
    await browser.call("Storage.clearCookies")


async def test_what_is_set_comes_back_as_it_was(call_of: CallOf) -> None:
    answer = await set_cookies(call_of(), SetCookiesRequest(cookies=COOKIES))
    assert answer.cookies_set == len(COOKIES)
    found = (await get_cookies(call_of(), GetCookiesRequest())).cookies
    assert sorted(found, key=lambda cookie: cookie.value) == COOKIES


async def test_only_what_would_be_sent_is_listed_for_an_address(call_of: CallOf) -> None:
    await set_cookies(call_of(), SetCookiesRequest(cookies=COOKIES))
    request = GetCookiesRequest(urls=["http://www.site.test/", "http://site.test/a/b"])
    assert {cookie.name for cookie in (await get_cookies(call_of(), request)).cookies} == {"Host", "domain", "kept"}


async def test_cookies_are_removed_by_name_domain_and_path(call_of: CallOf) -> None:
    await set_cookies(call_of(), SetCookiesRequest(cookies=COOKIES))
    assert (await clear_cookies(call_of(), ClearCookiesRequest(name="kept", path="/"))).cookies_cleared == 0
    assert (await clear_cookies(call_of(), ClearCookiesRequest(domain="embedded.test"))).cookies_cleared == 1
    assert (await clear_cookies(call_of(), ClearCookiesRequest(name="domain"))).cookies_cleared == 1
    left = (await get_cookies(call_of(), GetCookiesRequest())).cookies
    assert {cookie.name for cookie in left} == {"Host", "kept", "none"}
    assert (await clear_cookies(call_of(), ClearCookiesRequest())).cookies_cleared == 3
    assert (await get_cookies(call_of(), GetCookiesRequest())).cookies == []


@pytest.mark.parametrize(
    "cookie",
    [
        Cookie(name="a", value="1"),
        Cookie(name="", value="", domain="site.test"),
        Cookie(name="a", value="1", domain="site.test", path="a"),
        Cookie(name="a", value="1", domain="site.test", sameSite="None"),
        Cookie(name="a;b", value="1", domain="site.test"),
        Cookie(name="__Host-a", value="1", domain=".site.test", secure=True),
    ],
)
async def test_a_cookie_that_is_none_is_refused(call_of: CallOf, cookie: Cookie) -> None:
    with pytest.raises(InvalidError):
        await set_cookies(call_of(), SetCookiesRequest(cookies=[cookie]))


@pytest.mark.parametrize(
    ("domain", "path", "url", "is_sent"),
    [
        ("site.test", "/", "http://site.test", True),
        ("site.test", "/", "http://www.site.test/", False),
        (".site.test", "/", "http://www.site.test/", True),
        (".site.test", "/", "http://notsite.test/", False),
        ("site.test", "/a", "http://site.test/ab", False),
        ("site.test", "/a/", "http://site.test/a/b", True),
    ],
)
def test_domain_and_path_say_where_a_cookie_is_sent(domain: str, path: str, url: str, is_sent: bool) -> None:
    assert is_sent_to(Cookie(name="a", domain=domain, path=path), url) is is_sent
