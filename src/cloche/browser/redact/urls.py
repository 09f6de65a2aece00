"""Addresses without their secrets. Pure.

Browsers read addresses more kindly than RFC 3986: line ends inside are dropped, `\\` is a slash, and `https:user@host`
has an authority. So these are taken apart by hand, as the WHATWG URL Standard reads them, and nothing is refused.
"""

import re
from typing import Final
from urllib.parse import unquote, unquote_plus

from cloche.browser.redact.names import REDACTED, is_secret_name, words_of
from cloche.browser.redact.shapes import has_secret, is_random, without_secrets

MAX_URL_CHARS: Final = 2048
MAX_VALUE_CHARS: Final = 128
_MAX_NESTING: Final = 4
_READ_PER_SHOWN: Final = 4

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*+):", re.ASCII)
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}", re.ASCII)
_SPECIAL: Final = frozenset({"http", "https", "ws", "wss", "ftp"})
_NOT_WEB: Final = frozenset({"mailto", "tel", "sms", "javascript"})

# OAuth, OpenID Connect and CAS hand these over in a query; elsewhere the words are innocent.
_SECRET_IN_QUERY: Final = frozenset({"code", "state", "ticket", "assertion"})
# After these, what comes is a key to something even if it is short: `/reset/5f2b…`, `/invite/3c1e…`.
_BEFORE_A_SECRET: Final = frozenset(
    {"activate", "activation", "confirm", "invitation", "invite", "magic", "reset", "token", "unsubscribe", "verify"}
)
_FILE: Final = re.compile(
    r"\.(?:avif|css|gif|html?|ico|jpe?g|js|json|map|mjs|mp[34]|pdf|png|svg|txt|wasm|webm|webp|woff2?|xml|zip)\Z",
    re.IGNORECASE,
)


def redact_url(url: str, *, max_chars: int = MAX_URL_CHARS) -> str:
    """Return the address without user, password, fragment and secrets; at most `max_chars` characters, at least 16."""
    max_chars = max(max_chars, 16)
    if len(url) > (most := _READ_PER_SHOWN * max_chars):
        # Pages make addresses of megabytes, which would take seconds; the end of them is not shown anyway.
        return shortened(_redacted(url[:most], _MAX_NESTING) + "…", max_chars)
    return shortened(_redacted(url, _MAX_NESTING), max_chars)


def shortened(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def _redacted(url: str, nesting: int) -> str:
    url = re.sub(r"[\t\r\n]", "", url).partition("#")[0].strip()
    match = _SCHEME.match(url)
    if match is None:
        return _relative(url)
    scheme, rest = match[1].lower(), url[match.end() :]
    if scheme == "data":
        return _data(rest)
    if scheme == "blob":
        return "blob:" + _origin(rest)
    if scheme in _SPECIAL:
        authority, rest = _authority_and_rest(rest.lstrip("/\\"))
        return f"{scheme}://{authority or REDACTED}{_path_and_query(rest)}"
    if scheme in _NOT_WEB:
        return f"{scheme}:{without_secrets(rest)}"
    if rest.startswith("//"):
        return f"{scheme}://{_after_scheme(rest[2:])}"
    rest = "".join(_authority_and_rest(rest))
    if _SCHEME.match(rest):  # view-source:https://…
        return f"{scheme}:{_redacted(rest, nesting - 1) if nesting else REDACTED}"
    return f"{scheme}:{_after_scheme(rest)}"


def _relative(url: str) -> str:
    if url.startswith("//"):
        return "//" + _after_scheme(url[2:])
    return _path_and_query(url)


def _data(rest: str) -> str:
    """`data:image/png;base64,…` becomes `data:image/png`; what it holds may be anything and large."""
    media_type = _MEDIA_TYPE.match(rest)
    kept = media_type[0].lower() if media_type else ""
    return "data:" + kept + ("…" if rest[len(kept) :] == "…" else "")  # as it was shortened before


def _origin(url: str) -> str:
    match = _SCHEME.match(url)
    if match is None or match[1].lower() not in _SPECIAL:
        return "null" if url.startswith("null") else ""
    authority = _authority_and_rest(url[match.end() :].lstrip("/\\"))[0]
    return f"{match[1].lower()}://{authority}"


def _after_scheme(rest: str) -> str:
    authority, rest = _authority_and_rest(rest)
    return authority + _path_and_query(rest)


def _path_and_query(rest: str) -> str:
    path, mark, query = rest.partition("?")
    return _path(path) + mark + redact_query(query)


def _authority_and_rest(rest: str) -> tuple[str, str]:
    """Split before the path or query; the part up to the last `@` is user and password."""
    end = re.search(r"[/\\?]", rest)
    at = end.start() if end else len(rest)
    return rest[:at].rpartition("@")[2], rest[at:]


def _path(path: str) -> str:
    redacted = []
    revealing = False
    for segment in re.split(r"([/\\])", path):
        redacted.append(_segment(segment, revealing=revealing) if len(segment) > 1 else segment)
        if not segment:
            revealing = False
        elif segment not in ("/", "\\"):
            revealing = bool(_BEFORE_A_SECRET.intersection(words_of(segment))) and len(segment) <= 64
    return "".join(redacted)


def _segment(segment: str, *, revealing: bool) -> str:
    head, *parameters = segment.split(";")  # as in `/cart;jsessionid=1A2B`
    plain = unquote(head)
    is_long_id = len(plain) >= 16 and re.search(r"\d", plain) and re.fullmatch(r"[\w.~=+-]+", plain)
    if has_secret(plain) or (revealing and is_long_id) or (is_random(plain) and not _FILE.search(plain)):
        head = REDACTED
    return ";".join([head, *(_parameter(parameter) for parameter in parameters)])


def redact_query(query: str) -> str:
    """Redact `name=value&…`, of an address or a form."""
    return "&".join(_parameter(part) for part in query.split("&"))


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    if not equals:
        return REDACTED if has_secret(unquote_plus(name)) else shortened(name, MAX_VALUE_CHARS)
    plain_name = unquote_plus(name)
    name = REDACTED if has_secret(plain_name) else shortened(name, MAX_VALUE_CHARS)
    if is_secret_name(plain_name) or plain_name.lower() in _SECRET_IN_QUERY or has_secret(unquote_plus(value)):
        return f"{name}={hidden(value)}"
    return f"{name}={shortened(value, MAX_VALUE_CHARS)}"


def hidden(value: str) -> str:
    """Replace a secret; an empty one, and one that was replaced and then cut off, stay as they are."""
    if not value or (value.endswith("…") and REDACTED.startswith(value[:-1])):
        return value
    return REDACTED
