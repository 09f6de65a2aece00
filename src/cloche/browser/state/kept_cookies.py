"""The cookies that end with their browser: out of one and into the next, with every attribute."""

from collections.abc import Iterable

import msgspec

from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.errors import DevToolsError, RefusedError
from cloche.browser.frame import told
from cloche.browser.session_browser import Browser
from cloche.browser.state.cookies import ChromiumCookie, PartitionKey
from cloche.browser.state.kept_state import MAX_COOKIES, MAX_COOKIES_BYTES, KeptCookie, KeptPartition


class _Cookie(ChromiumCookie):
    priority: str = "Medium"
    sourceScheme: str = "Unset"
    sourcePort: int = -1
    partitionKeyOpaque: bool = False


class _Cookies(msgspec.Struct):
    cookies: list[_Cookie] = []


async def session_cookies(browser: Browser, deadline: float) -> tuple[KeptCookie, ...]:
    """Those of the default browser context. Raises: ActionError."""
    found = (await browser.call("Storage.getCookies", {}, _Cookies, deadline=deadline)).cookies
    # A partition without a name is that of one opaque origin, which will not come again.
    ending = [cookie for cookie in found if cookie.session and not cookie.partitionKeyOpaque]
    kept = (_kept(cookie) for cookie in ending[:MAX_COOKIES])
    return that_fit(cookie for cookie in kept if cookie is not None)


def that_fit(cookies: Iterable[KeptCookie]) -> tuple[KeptCookie, ...]:
    """Those that may be kept: a site that sets many large ones must not cost the others, nor the whole profile."""
    left, fit = MAX_COOKIES_BYTES, list[KeptCookie]()
    for cookie in cookies:
        size = len(msgspec.json.encode(cookie)) + 1
        if size <= left:
            left -= size
            fit.append(cookie)
    return tuple(fit)


async def put_session_cookies(browser: Browser, cookies: tuple[KeptCookie, ...], deadline: float) -> int:
    """Return how many Chromium has taken. Raises: ActionError."""
    params = [_param(cookie) for cookie in cookies]
    if not params or await _put(browser, params, deadline):
        return len(params)
    # It takes all or none; one that it does not like must not cost the others.
    return sum([await _put(browser, [param], deadline) for param in params])


async def _put(browser: Browser, params: list[Json], deadline: float) -> bool:
    try:
        await browser.connection.call("Storage.setCookies", {"cookies": params}, deadline=deadline, held_up=False)
    except RefusedError:
        return False
    except DevToolsError as error:
        raise told(error) from None
    return True


def _kept(cookie: _Cookie) -> KeptCookie | None:
    """None for one that is not as Chromium's are."""
    partition = cookie.partitionKey
    fields = {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "http_only": cookie.httpOnly,
        "secure": cookie.secure,
        "same_site": cookie.sameSite,
        "priority": cookie.priority,
        "source_scheme": cookie.sourceScheme,
        "source_port": cookie.sourcePort,
        "partition": None
        if partition is None
        else {"top_level_site": partition.topLevelSite, "has_cross_site_ancestor": partition.hasCrossSiteAncestor},
    }
    try:
        return msgspec.convert(fields, KeptCookie)
    except msgspec.ValidationError:
        return None


def _param(cookie: KeptCookie) -> Json:
    """CDP Network.CookieParam. Without a leading dot in its domain it is the host's alone."""
    param: Json = {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "httpOnly": cookie.http_only,
        "secure": cookie.secure,
        "priority": cookie.priority,
        "sourceScheme": cookie.source_scheme,
        "sourcePort": cookie.source_port,
    }
    if cookie.same_site:
        param["sameSite"] = cookie.same_site
    if cookie.partition is not None:
        param["partitionKey"] = msgspec.to_builtins(_partition(cookie.partition))
    return param


def _partition(partition: KeptPartition) -> PartitionKey:
    return PartitionKey(partition.top_level_site, partition.has_cross_site_ancestor)
