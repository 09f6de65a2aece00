"""Where a session may act, and where it may be led: its `action_allowed_domains`. Pure.

The host of an address is read more strictly than by Chromium: where the two could differ there is no host, and what
has no host is not allowed. The way out has rules of its own (`cloche.egress`), which hold for all that a page does.
"""

import re
from typing import Final
from urllib.parse import urlsplit

import idna

from cloche.browser.contract.common import ActionError, Failure
from cloche.egress.addresses import LiteralError
from cloche.egress.hosts import Host, HostError, parse_host

RULE: Final = "action_allowed_domains"
BLANK: Final = "about:blank"

# WHATWG URL: a backslash ends the authority as a slash does, which RFC 3986 and Python do not know.
_AUTHORITY: Final = re.compile(r"(?:[^@\\\s]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@\\\s\[\]:%]+)(?::\d*)?")
_MAX_SHOWN: Final = 100


class AllowedDomains:
    """Made from `SessionOptions.action_allowed_domains`, which is canonical. Empty allows everything."""

    def __init__(self, domains: tuple[str, ...]) -> None:
        self._domains = frozenset(domains)

    def require_page(self, url: str) -> None:
        """Raises: ActionError (`domain_not_allowed`) when the page at `url` may not be acted on."""
        self._require(url, "this page")

    def require_destination(self, url: str) -> None:
        """Raises: ActionError (`domain_not_allowed`) when a tab may not be led to `url`. A blank page may be opened."""
        if url not in ("", BLANK):
            self._require(url, "this address")

    def permits(self, host: Host) -> bool:
        """Whether a host is one of the domains or below one."""
        if not isinstance(host, str):
            return str(host) in self._domains
        parts = host.split(".")
        return any(".".join(parts[first:]) in self._domains for first in range(len(parts)))

    def _require(self, url: str, what: str) -> None:
        if not self._domains:
            return
        host = host_of(url)
        if host is None or not self.permits(host):
            shown = str(host)[:_MAX_SHOWN] if host is not None else what
            raise ActionError(
                Failure.DOMAIN_NOT_ALLOWED, f"{shown} is not among the session's allowed domains", rule=RULE
            )


def host_of(url: str) -> Host | None:
    """The host that Chromium goes to for an address; None where there is none, or where one could be mistaken.

    A `blob:` page belongs to the origin that made it.
    """
    try:
        parts = urlsplit(url.removeprefix("blob:"))
    except ValueError:
        return None
    found = _AUTHORITY.fullmatch(parts.netloc)
    if parts.scheme not in ("http", "https") or found is None:
        return None
    text = found["host"]
    try:
        return parse_host(text if text.isascii() else idna.encode(text, uts46=True).decode("ascii"))
    except (LiteralError, HostError, idna.IDNAError):
        return None
