"""Messages, cookies and storage without their secrets. Pure."""

import re
from typing import Final

from cloche.browser.redact.names import REDACTED, is_secret_name
from cloche.browser.redact.shapes import is_random, without_secrets
from cloche.browser.redact.urls import hidden, redact_url

_URL: Final = re.compile(r"(?<![A-Za-z0-9])(?:https?|wss?|ftp)://[^\s\"'<>`]++", re.IGNORECASE | re.ASCII)

# `Bearer …` anywhere; `Basic …` if it is base64 and not the next word of a sentence.
_SCHEME: Final = re.compile(r"(?<!\w)(bearer|basic)(\s{1,4})([^\s,;\"']++)", re.IGNORECASE)
_NOT_CREDENTIALS: Final = frozenset(
    {"auth", "authentication", "authorization", "credentials", "header", "of", "or", "scheme", "token", "tokens"}
)
_BASE64: Final = re.compile(r"(?=\S*[A-Z0-9=])[A-Za-z0-9+/]{6,}={0,2}", re.ASCII)

# A name and what may stand between it and its value; a host with its port is none.
_NAME: Final = re.compile(
    r"""(?<![\w.-])(?<!//)([\w.-]++)\\{0,4}["'\]]{0,2}\s{0,8}([=:])\s{0,8}""",
)
# Quoted, quoted inside a quoted text, or plain; after `=` the next parameter may follow.
_VALUE: Final = re.compile(
    r"""(")(?:[^"\\\n]++|\\[^\n])*"?|(')(?:[^'\\\n]++|\\[^\n])*'?|\\{1,4}"[^"]*+"?|\S++""",
)
_VALUE_IN_QUERY: Final = re.compile(_VALUE.pattern.replace(r"|\S++", r"|[^\s&]++"))
_HEADER_LINE: Final = re.compile(
    r"""(?<![\w-])((?:proxy-)?authorization|(?:set-)?cookie)(["']?[ \t]{0,4}:[ \t]{0,4})"""
    r"""(?:digest[^\r\n]++|[^\r\n"'\s][^\r\n"']*+)""",
    re.IGNORECASE,
)
_ANY_LENGTH: Final = 1 << 40
_CLOSING: Final = "\"',;.)]}"


def redact_text(text: str) -> str:
    """Replace the secrets in free text, and leave the rest as it is."""
    text = _URL.sub(lambda match: redact_url(match[0], max_chars=_ANY_LENGTH), text)
    text = without_secrets(text)
    text = _HEADER_LINE.sub(_header_line, text)
    text = _SCHEME.sub(_credentials, text)
    return _without_named(text)


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


def _without_named(text: str) -> str:
    """Replace what follows a secret's name. What follows another may hold such a pair itself, so is read on."""
    pieces = []
    done = at = 0
    while (name := _NAME.search(text, at)) is not None:
        at = name.end()
        if not is_secret_name(name[1]) or text.startswith(REDACTED, at):
            continue
        value = (_VALUE_IN_QUERY if name[2] == "=" else _VALUE).match(text, at)
        if value is not None:
            pieces += [text[done:at], _hidden_value(value[0])]
            done = at = value.end()
    return "".join([*pieces, text[done:]])


def _hidden_value(value: str) -> str:
    """Replace a value, keeping its quotes and what closes the sentence or bracket around it."""
    quote = value[0]
    if quote in "\"'":
        closing = quote if len(value) > 1 and value.endswith(quote) else ""
        return quote + (REDACTED if value[1 : len(value) - len(closing)] else "") + closing
    core = value.rstrip(_CLOSING)
    return (REDACTED if core else "") + value[len(core) :]
