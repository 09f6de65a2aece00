"""The links in answers: to this server as the caller reached it, or as `public_url` says. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from cloche.ids import SessionId


@dataclass(frozen=True, slots=True)
class Origin:
    """Where links point: `scheme` http or https, `authority` host:port, `base` a path prefix without a last slash."""

    scheme: str
    authority: str
    base: str = ""

    @property
    def websocket_scheme(self) -> str:
        return "wss" if self.scheme == "https" else "ws"


def origin_of(*, host: str, scheme: str, public_url: str | None) -> Origin:
    """`public_url` wins: behind a proxy only the operator knows the outside name. `host` has passed the guard."""
    if public_url:
        parts = urlsplit(public_url)
        return Origin(parts.scheme, parts.netloc, parts.path.rstrip("/"))
    return Origin("https" if scheme in ("https", "wss") else "http", host)


def session_path(session_id: SessionId, rest: str) -> str:
    return f"/v1/sessions/{session_id}/{rest}"


def connect_url(origin: Origin, session_id: SessionId, token: str) -> str:
    path = session_path(session_id, "cdp")
    return f"{origin.websocket_scheme}://{origin.authority}{origin.base}{path}?token={token}"


def live_url(origin: Origin, session_id: SessionId, token: str) -> str:
    return f"{origin.scheme}://{origin.authority}{origin.base}{session_path(session_id, 'live')}?token={token}"


def devtools_address(origin: Origin, session_id: SessionId, path: str, token: str) -> str:
    """Authority, path and token of a DevTools endpoint, without a scheme: the inspector's `ws=` wants it so.

    `path` is Chromium's own, `/devtools/page/…`.
    """
    return f"{origin.authority}{origin.base}{session_path(session_id, path.lstrip('/'))}?token={token}"
