"""Puts a page together: HTML, style, script and data, under a policy with a fresh nonce."""

import json
import re
import secrets
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from cloche.api.pages.live_modules import MODULES
from cloche.ids import SessionId

_FILES: Final = {
    name: (files(__package__) / name).read_text("utf-8")
    for name in ("base.css", "docs.html", "docs.css", "docs.js", "live/page.html", "live/page.css")
}
"""Read once, at import: a page is served from memory and the loop never waits for a disk."""

_ANCESTOR: Final = re.compile(r"'self'|\*|[a-z][a-z0-9+.-]*:|(https?://)?(\*\.)?[A-Za-z0-9.-]+(:(\d{1,5}|\*))?")
"""A source expression that may stand in `frame-ancestors` (CSP Level 3, section 6.4.2), and no second directive."""


@dataclass(frozen=True, slots=True)
class LiveEmbed:
    """Whose pages may show the live page in a frame. `frame_ancestors`: CSP sources; none: nobody's."""

    frame_ancestors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises: ValueError."""
        for source in self.frame_ancestors:
            if _ANCESTOR.fullmatch(source) is None:
                raise ValueError(f"{source!r} is no origin that may embed the live page, such as https://app.example")

    @property
    def policy(self) -> str:
        return " ".join(self.frame_ancestors) or "'none'"


NOT_EMBEDDED: Final = LiveEmbed()


def live_page(session_id: SessionId, ws_url: str, *, embed: LiveEmbed = NOT_EMBEDDED) -> HTMLResponse:
    """The page that watches and drives a session through its live WebSocket, `ws_url`, which holds a token.

    Its modules lie three steps above it, wherever a proxy has put the whole (`api.rest.live_assets`).
    """
    socket = urlsplit(ws_url)
    origin = f"{socket.scheme}://{socket.netloc}"
    modules = f"{origin.replace('ws', 'http', 1)}{socket.path.partition('/v1/sessions/')[0]}/live/"
    # All at once, where a browser would else learn of each from the one that imports it.
    preloads = "\n".join(
        f'<link rel="modulepreload" nonce="%nonce%" href="../../../live/{MODULES.current(name)}">'
        for name in sorted(MODULES.needed)
    )
    # The nonce is handed down to what a module imports; the address is for browsers that do not.
    return _page(
        {
            "preloads": preloads,
            "style": _FILES["base.css"] + _FILES["live/page.css"],
            "script": f"../../../live/{MODULES.current('page.js')}",
        },
        html=_FILES["live/page.html"],
        data={"session_id": session_id, "ws_url": ws_url},
        script=modules,
        connect=f"'self' {origin} {origin.replace('ws', 'http', 1)}",
        embed=embed,
    )


def docs_page(openapi: dict[str, Any]) -> HTMLResponse:
    parts = {"style": _FILES["base.css"] + _FILES["docs.css"], "script": _FILES["docs.js"]}
    return _page(parts, html=_FILES["docs.html"], data=openapi, connect="'none'")


def _page(
    parts: dict[str, str], *, html: str, data: Any, connect: str, script: str = "", embed: LiveEmbed = NOT_EMBEDDED
) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    # In a script element only "</" and "<!--" can end or derail the data (WHATWG HTML, section 4.12.1.3).
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    # The data comes last, so that nothing in it is taken for a place to fill.
    for key, value in {**parts, "nonce": nonce, "data": text}.items():
        html = html.replace(f"%{key}%", value)
    scripts = f"'nonce-{nonce}' {script}".rstrip()
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src 'nonce-{nonce}'; img-src data: blob:; "
        f"media-src blob:; connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors {embed.policy}"
    )
    headers = {"content-security-policy": policy}
    if not embed.frame_ancestors:
        headers["x-frame-options"] = "DENY"  # which cannot name anyone
    return HTMLResponse(html, headers=headers)
