"""What a chained proxy is, and how it is written. Pure.

    http://user:password@proxy.test:3128     HTTP CONNECT (RFC 9110 §9.3.6)
    socks5://user:password@proxy.test:1080   SOCKS5 (RFC 1928, 1929)
    …?resolve=upstream                       the proxy resolves names; `socks5h://` says the same

Without `resolve=upstream` the proxy is given an address that was resolved and checked here, so that a name cannot
mean one thing to the check and another to the proxy. With it the name is sent. What this side resolves is still
checked, but a name it cannot resolve is left to the proxy. That is for networks where only the proxy has DNS.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cloche.egress.addresses import LiteralError
from cloche.egress.hosts import Host, HostError, parse_host
from cloche.errors import InvalidError

_MAX_URL: Final = 2048
_MAX_CREDENTIAL: Final = 255  # one length byte (RFC 1929 §2)


class UpstreamKind(StrEnum):
    HTTP = "http"
    SOCKS5 = "socks5"


_KINDS: Final = {"http": UpstreamKind.HTTP, "socks5": UpstreamKind.SOCKS5, "socks5h": UpstreamKind.SOCKS5}
_DEFAULT_PORTS: Final = {UpstreamKind.HTTP: 80, UpstreamKind.SOCKS5: 1080}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A proxy that all of a session's connections go through. The credentials never show in a repr."""

    kind: UpstreamKind
    host: Host
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    resolves: bool = False
    """The proxy resolves names, and is trusted to refuse what it should."""
    trusted: bool = False
    """Set by the server for its own proxy: it may stand on a private address."""


def parse_upstream(url: str, *, trusted: bool = False, field: str = "upstream") -> Upstream:
    """Read a proxy's URL. An https:// proxy (TLS to the proxy itself) is not supported.

    Raises:
        InvalidError: not one of the forms above. The message never repeats the URL, which may hold a password.
    """
    if len(url) > _MAX_URL:
        raise InvalidError("the proxy URL is too long", field=field)
    try:
        parts = urlsplit(url.strip())
        kind = _KINDS[parts.scheme]
        port = _DEFAULT_PORTS[kind] if parts.port is None else parts.port
        host = parse_host(parts.hostname or "")
    except KeyError:
        raise InvalidError("the proxy URL must start with http://, socks5:// or socks5h://", field=field) from None
    except (LiteralError, HostError):
        raise InvalidError("the proxy URL has no usable host", field=field) from None
    except ValueError:
        raise InvalidError("the proxy URL is malformed", field=field) from None
    if not 1 <= port <= 65535 or parts.path not in ("", "/") or parts.fragment:
        raise InvalidError("the proxy URL may hold credentials, a host, a port and ?resolve=upstream only", field=field)
    username, password = _credentials(parts, kind, field)
    resolves = _resolves(parts, field)
    return Upstream(
        kind=kind, host=host, port=port, username=username, password=password, resolves=resolves, trusted=trusted
    )


def _credentials(parts: SplitResult, kind: UpstreamKind, field: str) -> tuple[str, str]:
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    plain = all(text.isascii() and text.isprintable() and len(text) <= _MAX_CREDENTIAL for text in (username, password))
    if not plain or ":" in username:
        raise InvalidError(
            "the proxy's user and password must be printable ASCII of at most 255 characters", field=field
        )
    # RFC 1929 has no empty fields; an HTTP proxy may want a token as the user and nothing else.
    if bool(username) != bool(password) and (kind is UpstreamKind.SOCKS5 or not username):
        raise InvalidError("the proxy URL must hold user and password, or neither", field=field)
    return username, password


def _resolves(parts: SplitResult, field: str) -> bool:
    if parts.scheme == "socks5h" and not parts.query:
        return True
    if not parts.query:
        return False
    if parse_qsl(parts.query, keep_blank_values=True) != [("resolve", "upstream")]:
        raise InvalidError("the proxy URL takes one option, resolve=upstream", field=field)
    return True
