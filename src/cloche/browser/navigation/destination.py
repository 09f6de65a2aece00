"""Which addresses a tab may be sent to. Pure.

Chromium reads addresses more kindly than RFC 3986 (the WHATWG URL Standard drops line ends and turns `\\` into `/`), so
whatever it could read otherwise than its author is refused, and nothing is guessed.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from cloche.browser.contract.common import ActionError, Failure

BLANK: Final = "about:blank"
MAX_CHARS: Final = 32_768
"""Chromium's own bound is 2 MiB; no server takes a tenth of this."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_UNSEEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_WITH_PORT: Final = re.compile(r"[^/?#:]+:[0-9]+(?:[/?#].*)?", re.DOTALL)
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def check_destination(url: str) -> str:
    """Return the address as it is to be handed to Chromium. Raises: ActionError (`invalid_url`)."""
    if not url:
        raise _invalid("an address is needed")
    if len(url) > MAX_CHARS:
        raise _invalid(f"the address is longer than {MAX_CHARS} characters")
    if _UNSEEN.search(url) or _SURROGATE.search(url):
        raise _invalid("the address has spaces, control characters or broken Unicode in it; percent-encode them")
    if "\\" in url.partition("?")[0].partition("#")[0]:
        raise _invalid("the address has a backslash in it")
    if url == BLANK:
        return url
    found = _SCHEME.match(url)
    if found is None or _WITH_PORT.fullmatch(url):
        raise _invalid("the address has no scheme; begin it with https:// or http://")
    scheme = found[1].lower()
    if scheme not in DEFAULT_PORTS:
        raise _invalid(f"only http:, https: and {BLANK} can be opened, not {scheme[:32]}:")
    _check_authority(url)
    return url


def host_and_port(url: str) -> tuple[str, int] | None:
    """Whom Chromium connects to for an address, by name; None where that is nobody."""
    try:
        parts = urlsplit(url)
        port = parts.port if parts.port is not None else DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port is not None else None


def _check_authority(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid("the address has no valid host and port") from None
    if not url[len(parts.scheme) :].startswith("://"):
        raise _invalid(f"two slashes are missing after {parts.scheme}:")
    if "@" in parts.netloc:
        raise _invalid("user and password cannot be given in an address")
    if not parts.hostname or port == 0:
        raise _invalid("the address has no valid host and port")


def _invalid(detail: str) -> ActionError:
    return ActionError(Failure.INVALID_URL, detail)
