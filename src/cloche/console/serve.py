"""The console's routes: `/` and below `/app/` the page, below `/assets/` its parts. Made by `routes`.

Every address below `/app/` answers the same page, which then shows what belongs there; so an address can be kept and
sent to somebody, and none of them is in the way of a route of the API. The page itself tells nothing: whoever opens it
signs in.
"""

import asyncio
import secrets
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from cloche.console.bundle import NONCE, Asset, Bundle, load, stamp_of
from cloche.errors import NotFoundError

STATIC: Final = Path(__file__).parent / "static"

HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

_NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Cloche</title>
<h1>Cloche is running</h1>
<p>Its console has not been built on this server. In a checkout, <code>script/console</code> builds it; then load this
page again.</p>
<p>Everything else is there: the API, <a href="/docs">explained</a>, and the command line,
<code>cloche session list</code>.</p>
</html>
"""


def routes(static: Path = STATIC) -> list[Route]:
    """The console's routes, for the application that serves it. `static` is where the build lies."""
    console = _Console(static)
    return [
        Route("/", console.page, methods=["GET"], name="console"),
        Route("/app", console.page, methods=["GET"], name="console_app"),
        Route("/app/{path:path}", console.page, methods=["GET"], name="console_page"),
        Route("/assets/{path:path}", console.asset, methods=["GET"], name="console_asset"),
    ]


class _Console:
    """Serves the build that lies in `static`, and a newer one from its first page on."""

    def __init__(self, static: Path) -> None:
        self._static = static
        self._bundle: Bundle | None = None
        self._loading = asyncio.Lock()

    async def page(self, _: Request) -> Response:
        bundle = await self._newest()
        if bundle is None:
            policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            headers = HEADERS | {"content-security-policy": policy, "cache-control": "no-store"}
            return HTMLResponse(_NOT_BUILT, status_code=503, headers=headers)
        nonce = secrets.token_urlsafe(16)
        headers = HEADERS | {"content-security-policy": policy_with(nonce), "cache-control": "no-store"}
        return HTMLResponse(bundle.index.replace(NONCE, nonce), headers=headers)

    async def asset(self, request: Request) -> Response:
        """Raises: NotFoundError."""
        bundle = self._bundle or await self._newest()
        asset = bundle.assets.get(request.path_params["path"]) if bundle is not None else None
        if asset is None:
            raise NotFoundError("there is no such file")
        return _answer(asset, request)

    async def _newest(self) -> Bundle | None:
        """The build as it lies there; while a new one is being put in place, the one before."""
        async with self._loading:
            stamp = await asyncio.to_thread(stamp_of, self._static)
            if stamp is not None and (self._bundle is None or self._bundle.stamp != stamp):
                self._bundle = await asyncio.to_thread(load, self._static) or self._bundle
            return self._bundle


def policy_with(nonce: str) -> str:
    """The page's content security policy.

    Scripts come from this server's files alone. Styles may be made by those scripts, which know the nonce; style
    attributes are let through because the terminal writes its colours into them, and can load nothing (`img-src`).
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _answer(asset: Asset, request: Request) -> Response:
    cache = "public, max-age=31536000, immutable" if asset.is_hashed else "no-cache"
    headers = HEADERS | {"cache-control": cache, "etag": asset.etag, "vary": "accept-encoding"}
    # A file opened by itself, an SVG picture say, is a document: it gets nothing to run or load.
    headers["content-security-policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
    )
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
        headers["content-encoding"] = "gzip"
        return Response(asset.packed, headers=headers, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` (RFC 9110, section 12.5.3) names gzip, and not to forbid it."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False
