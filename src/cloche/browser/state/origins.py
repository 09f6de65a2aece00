"""Origins: what may be named as one, and which the session has shown. Pure."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import AnswerMalformedError
from cloche.browser.page_events import FrameNavigated

if TYPE_CHECKING:
    from cloche.browser.devtools.session import TargetSession
    from cloche.browser.tab import Tab

MAX_SEEN: Final = 1000
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """The origin of a web page's address as browsers write it; empty for anything else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in _DEFAULT_PORTS or not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def check_origin(text: str) -> str:
    """Return it as browsers write it. Raises: ActionError (`invalid_url`) for what is no web origin."""
    origin = origin_of(text)
    plain = text.isascii() and text.isprintable() and not any(sign in text for sign in " \\@?#%<>\"'`")
    if not origin or not plain or urlsplit(text).path not in ("", "/"):
        raise ActionError(Failure.INVALID_URL, "an origin is http:// or https://, a host, and perhaps a port")
    return origin


class SeenOrigins:
    """An observer of all tabs, kept in the session's memory. The newest `MAX_SEEN` are kept."""

    methods = frozenset({"Page.frameNavigated"})

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    def take(self, tab: "Tab", session: "TargetSession", method: str, params: msgspec.Raw) -> None:
        try:
            origin = origin_of(read(params, FrameNavigated).frame.url)
        except AnswerMalformedError:
            return  # the tab reads the same event, and logs it
        if not origin:
            return
        self._seen.pop(origin, None)
        self._seen[origin] = None
        if len(self._seen) > MAX_SEEN:
            del self._seen[next(iter(self._seen))]

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(self._seen)

    def clear(self) -> None:
        self._seen.clear()
