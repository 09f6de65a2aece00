"""Messages, headers, cookies and storage without their secrets. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from cloche.browser.redact.names import REDACTED, is_secret_name
from cloche.browser.redact.shapes import is_random, without_secrets
from cloche.browser.redact.urls import hidden, redact_url

_URL: Final = re.compile(r"(?<![A-Za-z0-9+.-])(?:https?|wss?|ftp)://[^\s\"'<>`]++", re.IGNORECASE | re.ASCII)

# `Bearer …` anywhere; `Basic …` if it is base64 and not the next word of a sentence.
_SCHEME: Final = re.compile(r"(?<!\w)(bearer|basic)(\s{1,4})([^\s,;\"'<>]++)", re.IGNORECASE)
_NOT_CREDENTIALS: Final = frozenset(
    "auth authentication authorization credentials header of or scheme token tokens".split()
)
_BASE64: Final = re.compile(r"(?=\S*[A-Z0-9=])[A-Za-z0-9+/]{6,}={0,2}", re.ASCII)

# A name, what may stand between it and `=` or `:`, and the value: quoted, quoted inside a quoted text, or plain.
_NAMED: Final = re.compile(
    r"""
    (?<![\w.-]) (?P<name>[A-Za-z_][\w.-]*+)
    (?P<sign> \\{0,4} ["'\]]{0,2} \s{0,8} (?P<mark>[=:]) \s{0,8} )
    (?P<value>
        "(?:[^"\\]|\\.)*+"?
      | '(?:[^'\\]|\\.)*+'?
      | \\{1,4}"[^"]*+"?
      | \S++
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_TO_THE_LINES_END: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_HEADER_LINE: Final = re.compile(
    r"(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie)([\"']?[ \t]{0,4}:[ \t]{0,4})(?![\"'\s])([^\r\n\"']++)",
    re.IGNORECASE,
)
_CLOSING: Final = "\"',;)]}"

_HARMLESS_HEADERS: Final = frozenset({"access-control-allow-credentials"})
_URL_HEADERS: Final = frozenset({"referer", "location", "content-location", "origin", ":path", "x-original-url"})


def redact_text(text: str) -> str:
    """Replace the secrets in free text, and leave the rest as it is."""
    text = _URL.sub(lambda match: redact_url(match[0], max_chars=max(len(match[0]), 16)), text)
    text = _HEADER_LINE.sub(_header_line, text)
    text = _SCHEME.sub(_credentials, text)
    text = without_secrets(text)
    return _NAMED.sub(_named, text)


def redact_header(name: str, value: str) -> str:
    """Return what may be shown of a header's value."""
    lower = name.lower()
    if lower in _HARMLESS_HEADERS:
        return value
    if lower in _TO_THE_LINES_END or is_secret_name(name):
        return hidden(value)
    if lower in _URL_HEADERS:
        return redact_url(value)
    return redact_text(value)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: redact_header(name, value) for name, value in headers.items()}


def redact_named(name: str, value: str) -> str:
    """Return what may be shown of a cookie or an entry of a page's storage.

    Sites give their session cookies any name, so a value that looks drawn by lot is hidden whatever its name.
    """
    if is_secret_name(name) or is_random(value):
        return hidden(value)
    return redact_text(value)


def _header_line(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{REDACTED}"


def _credentials(match: re.Match[str]) -> str:
    scheme, space, value = match.groups()
    is_word = value.lower().rstrip(".:!?)") in _NOT_CREDENTIALS
    if is_word or (scheme.lower() == "basic" and not _BASE64.fullmatch(value)):
        return match[0]
    return f"{scheme}{space}{REDACTED}"


def _named(match: re.Match[str]) -> str:
    if not is_secret_name(match["name"]):
        return match[0]
    return match["name"] + match["sign"] + _hidden_value(match["value"], in_query=match["mark"] == "=")


def _hidden_value(value: str, *, in_query: bool) -> str:
    """Replace a value, keeping its quotes and what closes the sentence or bracket around it."""
    if value[0] in "\"'":
        closing = value[0] if len(value) > 1 and value.endswith(value[0]) else ""
        inside = value[1 : len(value) - len(closing)]
        return value[0] + (REDACTED if inside else "") + closing
    if value[0] == "\\":
        return REDACTED
    rest = ""
    if in_query:
        value, ampersand, rest = value.partition("&")
        rest = ampersand + (_NAMED.sub(_named, rest) if rest else "")
    core = value.rstrip(_CLOSING)
    return (REDACTED if core else "") + value[len(core) :] + rest
