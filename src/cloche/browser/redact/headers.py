"""Headers of requests and responses without their secrets. Pure."""

from collections.abc import Mapping
from typing import Final

from cloche.browser.redact.names import is_secret_name
from cloche.browser.redact.text import redact_text
from cloche.browser.redact.urls import hidden, redact_url

_SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_HARMLESS_HEADERS: Final = frozenset({"access-control-allow-credentials"})
_URL_HEADERS: Final = frozenset({"referer", "location", "content-location", "origin", ":path", "x-original-url"})


def redact_header(name: str, value: str) -> str:
    """Return what may be shown of a header's value."""
    lower = name.lower()
    if lower in _HARMLESS_HEADERS:
        return value
    if lower in _SECRET_HEADERS or is_secret_name(name):
        return hidden(value)
    if lower in _URL_HEADERS:
        return redact_url(value)
    return redact_text(value)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: redact_header(name, value) for name, value in headers.items()}
