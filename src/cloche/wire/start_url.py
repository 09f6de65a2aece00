"""Which addresses a browser may be started with. Pure: host and agent ask the same question.

The address is Chromium's last argument, so it must not be able to look like an option; and a page is opened with it
without anyone at the keyboard, so it is one of the web, never a file, a script or one of the browser's own pages.
"""

import re
from typing import Final
from urllib.parse import urlsplit

MAX_URL_BYTES: Final = 2048

_BLANK: Final = "about:blank"
_BARE_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|\w[\w.-]*)(?::[0-9]{1,5})?(?:[/?#].*)?")
"""`example.com`, `localhost:3000/a`, `[::1]:8000`. A name may hold any letter: Chromium makes it IDNA."""


def check_start_url(text: str) -> str:
    """Return the address to open: `http`, `https`, `data:` and `about:blank` as they are, a bare host with `https://`.

    Raises:
        ValueError: it is none of these, or longer than 2048 bytes; the message is for the caller.
    """
    url = text if _has_scheme(text) else f"https://{text}"
    if len(url.encode("utf-8", "surrogatepass")) > MAX_URL_BYTES:
        raise ValueError(f"must be at most {MAX_URL_BYTES} bytes long")
    if not url.isprintable() or url != url.strip():
        raise ValueError("must be printable, without blanks around it")
    if url == _BLANK or url[:5].lower() == "data:":
        return url
    if not _has_scheme(text) and not _BARE_HOST.fullmatch(text):
        raise ValueError("must be an http, https or data URL, about:blank or a host")
    _check_web(url)
    return url


def _has_scheme(text: str) -> bool:
    return text == _BLANK or text[:8].lower().startswith(("http://", "https://", "data:"))


def _check_web(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_fine = bool(parts.hostname) and (parts.port is None or parts.port > 0) and " " not in url
    except ValueError:
        raise ValueError("is not a URL") from None
    if not is_fine:
        raise ValueError("is not a URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold credentials")
