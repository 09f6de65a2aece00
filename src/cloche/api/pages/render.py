"""Puts a page together: HTML, style, script and data, under a policy with a fresh nonce."""

import json
import secrets
from importlib.resources import files
from typing import Any, Final

from starlette.responses import HTMLResponse

from cloche.ids import SessionId

_FILES: Final = {
    name: (files(__package__) / name).read_text("utf-8")
    for name in ("base.css", "live.html", "live.css", "live.js", "docs.html", "docs.css", "docs.js")
}
"""Read once, at import: a page is served from memory and the loop never waits for a disk."""


def live_page(session_id: SessionId, connect_url: str) -> HTMLResponse:
    """The page that watches and drives a session through `connect_url`."""
    origin = connect_url.split("/v1/", 1)[0]
    return _page("live", {"session_id": session_id, "connect_url": connect_url}, connect=f"'self' {origin}")


def docs_page(openapi: dict[str, Any]) -> HTMLResponse:
    return _page("docs", openapi, connect="'none'")


def _page(name: str, data: Any, *, connect: str) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    # In a script element only "</" and "<!--" can end or derail the data (WHATWG HTML, section 4.12.1.3).
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "nonce": nonce,
        "style": _FILES["base.css"] + _FILES[f"{name}.css"],
        "script": _FILES[f"{name}.js"],
        "data": text,  # last, so that nothing in it is taken for a place to fill
    }
    html = _FILES[f"{name}.html"]
    for key, value in parts.items():
        html = html.replace(f"%{key}%", value)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data: blob:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"content-security-policy": policy, "x-frame-options": "DENY"})
