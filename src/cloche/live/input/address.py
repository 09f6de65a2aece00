"""What was typed in an address bar, as a URL. Pure.

Nothing is searched for: a session has no search engine, and what is typed goes to nobody but the site it names. The
browser service checks the URL once more, and the egress policy the host.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

BLANK: Final = "about:blank"
MAX_CHARS: Final = 8192

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII | re.IGNORECASE)
_WITH_PORT: Final = re.compile(r"[^/?#:]+:[0-9]+(?:[/?#].*)?", re.DOTALL)
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ud800-\udfff]"
)
_REFUSED: Final = frozenset(
    {"about", "blob", "chrome", "data", "devtools", "file", "ftp", "intent", "javascript", "mailto", "tel", "vbscript"}
)
"""Schemes even where a number follows, which would otherwise be a port."""
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_OF_HOST: Final = re.compile(r"[^\x00-\x20/?#@\\<>^`{|}%\"']+")


class Unreadable(StrEnum):
    """Why it is no address."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    SCHEME = "scheme"
    """Only `http:`, `https:` and `about:blank` are opened: not `javascript:`, `file:`, `data:`, `chrome:`, …"""
    CREDENTIALS = "credentials"
    """User and password before the host, which are mostly there to deceive."""
    SEARCH = "search"
    """Words, and no address."""
    HOST = "host"
    CHARACTERS = "characters"
    """Control characters, invisible ones, backslashes: Chromium reads them otherwise than a person."""


@dataclass(frozen=True, slots=True)
class Address:
    url: str


def read_address(typed: str) -> Address | Unreadable:
    """Read it as browsers do, but for searching.

    Without a scheme a name has https, as long as it has a dot: `example.org:8443/x`. `localhost`, names under it, IP
    addresses and names of one word with a port or a path have http, since hardly any of them has a certificate. A
    single word is a search.
    """
    text = typed.strip(" \t\r\n")
    if not text:
        return Unreadable.EMPTY
    if len(text) > MAX_CHARS:
        return Unreadable.TOO_LONG
    if _UNSEEN.search(text) or "\\" in text.partition("?")[0].partition("#")[0]:
        return Unreadable.CHARACTERS
    if text.lower() == BLANK:
        return Address(BLANK)
    found = _SCHEME.match(text)
    if found is not None and (found[1].lower() in _REFUSED or not _WITH_PORT.fullmatch(text)):
        return _with_scheme(text, found[1].lower())
    return _without_scheme(text)


def _with_scheme(text: str, scheme: str) -> Address | Unreadable:
    if scheme not in ("http", "https"):
        # `what is c: drive`, `note: milk`
        return Unreadable.SEARCH if " " in text.partition("/")[0] else Unreadable.SCHEME
    rest = text[len(scheme) + 1 :]
    if not rest.startswith("//"):
        return Unreadable.HOST
    return _checked(f"{scheme}:{rest}")


def _without_scheme(text: str) -> Address | Unreadable:
    text = text.removeprefix("//")
    host_text = re.split(r"[/?#]", text, maxsplit=1)[0]
    if " " in host_text:
        return Unreadable.SEARCH
    read = _checked(f"https://{text}")
    if not isinstance(read, Address):
        return read
    host = urlsplit(read.url).hostname or ""
    *_, last_label = labels = host.rstrip(".").split(".")
    if _is_local(host):
        secure = False
    elif _NUMBER.fullmatch(last_label):
        return Unreadable.SEARCH  # `3.14`, which Chromium would take for 3.0.0.14
    elif len(labels) > 1:
        secure = True
    elif ":" in host_text or text.startswith("/", len(host_text)):
        secure = False
    else:
        return Unreadable.SEARCH
    return read if secure else Address(f"http{read.url.removeprefix('https')}")


def _checked(url: str) -> Address | Unreadable:
    """The URL with its spaces encoded, if it has a host and perhaps a port."""
    parts = _split(url)
    if parts is None:
        return Unreadable.HOST
    if "@" in parts.netloc:
        return Unreadable.CREDENTIALS
    host = parts.hostname or ""
    if " " in parts.netloc or not _OF_HOST.fullmatch(host) or "" in host.removesuffix(".").split("."):
        return Unreadable.HOST
    return Address(url.replace(" ", "%20"))


def _split(url: str) -> SplitResult | None:
    """None: its host or port cannot be read."""
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
