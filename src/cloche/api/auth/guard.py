"""Host and Origin: keep pages of other sites from talking to a Cloche that their visitor can reach.

*DNS rebinding*: a hostile page's own name is made to resolve to 127.0.0.1, and to the browser Cloche is then that
page's origin. But such a request carries the hostile name as Host. A name is therefore let in only if it is known; an
address cannot be rebound, so a server bound beyond loopback takes any.

*Cross-origin*: WebSockets and simple requests need no preflight, but they carry Origin. It must be this host's own or
a configured one. Programs send none.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from cloche.errors import DeniedError

_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


class RequestGuard:
    """Decides by Host and Origin alone. Built once; used by the HTTP middleware and the DevTools door alike."""

    def __init__(
        self,
        *,
        bind_is_loopback: bool,
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        public_url: str | None = None,
    ) -> None:
        self._bind_is_loopback = bind_is_loopback
        public = urlsplit(public_url) if public_url else None
        hosts = [*allowed_hosts, *([public.hostname] if public and public.hostname else [])]
        self._hosts = frozenset(host.lower().rstrip(".").strip("[]") for host in hosts)
        origins = [*allowed_origins, *([f"{public.scheme}://{public.netloc}"] if public else [])]
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    def check(self, hosts: list[str], origins: list[str]) -> None:
        """Judge one request by all its Host and Origin fields. Raises: DeniedError."""
        if len(hosts) != 1 or (authority := _AUTHORITY.fullmatch(hosts[0])) is None:
            raise DeniedError("a request needs exactly one Host of the form name:port")
        if not self._is_known(authority["host"].lower().rstrip(".").strip("[]")):
            raise DeniedError("this host name is not allowed here; an operator adds names with CLOCHE_ALLOWED_HOSTS")
        if origins and not (len(origins) == 1 and self._may_ask(origins[0].lower(), hosts[0].lower())):
            raise DeniedError("pages of this origin are not allowed; an operator adds it with CLOCHE_ALLOWED_ORIGINS")

    def _is_known(self, host: str) -> bool:
        if host in self._hosts or host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        # 0.0.0.0 reaches this machine too, and browsers have let pages use it past their own checks.
        return address.is_loopback or not (self._bind_is_loopback or address.is_unspecified)

    def _may_ask(self, origin: str, host: str) -> bool:
        if origin.rstrip("/") in self._origins:
            return True
        scheme, _, authority = origin.partition("://")
        port = _DEFAULT_PORTS.get(scheme)
        # The scheme is not compared: a proxy in front may have taken TLS off.
        return port is not None and _with_port(authority, port) == _with_port(host, port)


def _with_port(authority: str, default: str) -> str:
    match = _AUTHORITY.fullmatch(authority)
    return f"{match['host']}:{match['port'] or default}" if match else ""


class GuardMiddleware:
    """The guard as plain ASGI; what it refuses goes no further."""

    def __init__(self, app: ASGIApp, guard: RequestGuard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            self._guard.check(headers.getlist("host"), headers.getlist("origin"))
        await self._app(scope, receive, send)
