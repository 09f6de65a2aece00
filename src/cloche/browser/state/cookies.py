"""GetCookies, SetCookies, ClearCookies: of the default browser context, with every attribute."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.state import (
    ClearCookiesRequest,
    ClearCookiesResponse,
    Cookie,
    GetCookiesRequest,
    GetCookiesResponse,
    SetCookiesRequest,
    SetCookiesResponse,
)
from cloche.browser.devtools.errors import DevToolsError, RefusedError
from cloche.browser.frame import told
from cloche.browser.navigation.destination import check_destination
from cloche.browser.session_browser import CALL_S, Browser
from cloche.errors import InvalidError

C = TypeVar("C", bound=Cookie)

LONG_AGO: Final = 1.0
"""Setting a cookie that expired then removes it."""


class PartitionKey(msgspec.Struct):
    """CDP Network.CookiePartitionKey."""

    topLevelSite: str = ""
    hasCrossSiteAncestor: bool = False


class ChromiumCookie(msgspec.Struct):
    """CDP Network.Cookie."""

    name: str
    value: str
    domain: str
    path: str
    expires: float = -1.0
    httpOnly: bool = False
    secure: bool = False
    session: bool = False
    sameSite: str = ""
    partitionKey: PartitionKey | None = None


class _Cookies(msgspec.Struct):
    cookies: list[ChromiumCookie] = []


async def get_cookies(call: Call, request: GetCookiesRequest) -> GetCookiesResponse:
    """Raises: ActionError (`invalid_url`)."""
    urls = [check_destination(url) for url in request.urls]
    found = [cookie_of(cookie, Cookie) for cookie in await all_cookies(call.browser)]
    if urls:
        found = [cookie for cookie in found if any(is_sent_to(cookie, url) for url in urls)]
    return GetCookiesResponse(cookies=found)


async def set_cookies(call: Call, request: SetCookiesRequest) -> SetCookiesResponse:
    """All or none. Raises: InvalidError for a cookie that Chromium does not take."""
    await put_cookies(call.browser, request.cookies)
    return SetCookiesResponse(cookies_set=len(request.cookies))


async def clear_cookies(call: Call, request: ClearCookiesRequest) -> ClearCookiesResponse:
    present = await all_cookies(call.browser)
    if not (request.name or request.domain or request.path):
        await call.browser.call("Storage.clearCookies")
        return ClearCookiesResponse(cookies_cleared=len(present))
    doomed = [cookie for cookie in present if _fits(cookie, request)]
    expired = {"expires": LONG_AGO}
    await _put(call.browser, [_param(cookie_of(cookie, Cookie), cookie.partitionKey) | expired for cookie in doomed])
    return ClearCookiesResponse(cookies_cleared=len(doomed))


async def all_cookies(browser: Browser) -> list[ChromiumCookie]:
    """Sorted by domain, path and name. Raises: ActionError."""
    cookies = (await browser.call("Storage.getCookies", {}, _Cookies)).cookies
    return sorted(cookies, key=lambda cookie: (cookie.domain.lstrip("."), cookie.path, cookie.name))


async def put_cookies(browser: Browser, cookies: Sequence[Cookie]) -> None:
    """Raises: InvalidError, ActionError."""
    for number, cookie in enumerate(cookies):
        _check(cookie, f"cookies[{number}]")
    await _put(browser, [_param(cookie) for cookie in cookies])


def cookie_of(cookie: ChromiumCookie, kind: type[C]) -> C:
    """As Playwright writes it: what has no SameSite counts as Lax, as Chromium treats it."""
    same_site = cookie.sameSite if cookie.sameSite in ("Strict", "Lax", "None") else "Lax"
    return kind(
        name=cookie.name,
        value=cookie.value,
        domain=cookie.domain,
        path=cookie.path,
        expires=-1.0 if cookie.session else cookie.expires,
        httpOnly=cookie.httpOnly,
        secure=cookie.secure,
        sameSite=same_site,  # type: ignore[arg-type]
        partitionKey=cookie.partitionKey.topLevelSite if cookie.partitionKey is not None else "",
    )


def is_sent_to(cookie: Cookie, url: str) -> bool:
    """Whether a request for `url` would carry it (RFC 6265, section 5.4). Pure."""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), parts.path or "/"
    domain = cookie.domain.lower()
    if cookie.secure and parts.scheme != "https" and host not in ("localhost", "127.0.0.1"):
        return False
    if not (host == domain.lstrip(".") or (domain.startswith(".") and host.endswith(domain))):
        return False
    return path == cookie.path or path.startswith(cookie.path.rstrip("/") + "/")


def _fits(cookie: ChromiumCookie, request: ClearCookiesRequest) -> bool:
    domain = request.domain.lower().lstrip(".")
    return (
        request.name in ("", cookie.name)
        and domain in ("", cookie.domain.lower().lstrip("."))
        and request.path in ("", cookie.path)
    )


def _check(cookie: Cookie, field: str) -> None:
    if not cookie.domain.lstrip("."):
        raise InvalidError("a cookie needs a domain", field=f"{field}.domain")
    if not cookie.name and not cookie.value:
        raise InvalidError("a cookie needs a name", field=f"{field}.name")
    if not cookie.path.startswith("/"):
        raise InvalidError("a cookie's path begins with /", field=f"{field}.path")
    if cookie.sameSite == "None" and not cookie.secure:
        raise InvalidError("a cookie with SameSite None must be secure", field=f"{field}.secure")


def _param(cookie: Cookie, partition: PartitionKey | None = None) -> dict[str, Any]:
    """CDP Network.CookieParam."""
    param: dict[str, Any] = {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "httpOnly": cookie.httpOnly,
        "secure": cookie.secure,
        "sameSite": cookie.sameSite,
    }
    if cookie.expires >= 0:
        param["expires"] = cookie.expires
    if partition is None and cookie.partitionKey:
        partition = _partition(cookie)
    if partition is not None:
        param["partitionKey"] = msgspec.to_builtins(partition)
    return param


def _partition(cookie: Cookie) -> PartitionKey:
    """A cookie of another site than the one at the top was set in a frame of it (CHIPS)."""
    site = urlsplit(cookie.partitionKey).hostname or ""
    domain = cookie.domain.lower().lstrip(".")
    is_same = domain == site or domain.endswith(f".{site}")
    return PartitionKey(cookie.partitionKey, hasCrossSiteAncestor=not is_same)


async def _put(browser: Browser, params: list[dict[str, Any]]) -> None:
    if not params:
        return
    deadline = asyncio.get_running_loop().time() + CALL_S
    try:
        await browser.connection.call("Storage.setCookies", {"cookies": params}, deadline=deadline, held_up=False)
    except RefusedError:
        raise InvalidError("the browser does not take one of these cookies", field="cookies") from None
    except DevToolsError as error:
        raise told(error) from None
