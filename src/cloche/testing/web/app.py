"""What each path answers, the same on every host. An ASGI app that writes every request into the log first."""

import json
from importlib.resources import files
from typing import Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from cloche.testing.web import cases, log, streams

PAGES: Final = {
    entry.name: entry.read_text() for entry in (files("cloche.testing.web") / "pages").iterdir() if entry.is_file()
}
"""Read once at import: an answer never waits for a disk."""

# What a page of any origin may read. A real page decides that; here every test wants to see what came.
_OPEN: Final = {"access-control-allow-origin": "*", "cache-control": "no-store"}


def make_app(web_log: log.WebLog) -> ASGIApp:
    return _Logged(Starlette(routes=_ROUTES), web_log)


async def _page(request: Request) -> Response:
    """`/{name}` with a file `pages/{name}.html` or `pages/{name}.js`; `{host}` in it becomes the host asked for."""
    name = request.path_params.get("name", "index")
    if name.endswith(".js") and name in PAGES:
        return Response(PAGES[name], media_type="text/javascript", headers={"cache-control": "no-store"})
    if f"{name}.html" not in PAGES:
        return PlainTextResponse("no such page\n", status_code=404, headers=_OPEN)
    return HTMLResponse(PAGES[f"{name}.html"].replace("{host}", request.url.hostname or ""), headers=_OPEN)


async def _echo(request: Request) -> Response:
    """`/echo`: what was received, as JSON."""
    body = (await request.body()).decode(errors="replace")
    answer = {
        "method": request.method,
        "url": str(request.url),
        "headers": dict(request.headers),
        "body": body,
        "peer": request.client.host if request.client else None,
    }
    return JSONResponse(answer, headers=_OPEN)


async def _status(request: Request) -> Response:
    return PlainTextResponse("status\n", status_code=request.path_params["code"], headers=_OPEN)


async def _redirect(request: Request) -> Response:
    """`/redirect/{code}?to=URL`, to anywhere at all."""
    return RedirectResponse(request.query_params["to"], status_code=request.path_params["code"], headers=_OPEN)


async def _redirect_chain(request: Request) -> Response:
    """`/redirects/{count}?to=URL&code=302`: that many hops on this host, then URL."""
    left, to = request.path_params["count"], request.query_params["to"]
    code = int(request.query_params.get("code", "302"))
    following = f"/redirects/{left - 1}?code={code}&to={quote(to, safe='')}" if left > 1 else to
    return RedirectResponse(following, status_code=code, headers=_OPEN)


async def _download(request: Request) -> Response:
    """`/download/{name}?size=1024&type=application/pdf`: an attachment of that many letters x."""
    name, size = request.path_params["name"], int(request.query_params.get("size", "1024"))
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    media_type = request.query_params.get("type", "application/octet-stream")
    return Response(b"x" * size, media_type=media_type, headers={"content-disposition": disposition})


async def _cookies(request: Request) -> Response:
    return JSONResponse(dict(request.cookies), headers=_OPEN)


async def _set_cookies(request: Request) -> Response:
    """`/cookies/set?name=value&…`: one cookie for each parameter, for this host and a day."""
    answer = JSONResponse(dict(request.query_params))
    for name, value in request.query_params.items():
        answer.set_cookie(name, value, max_age=86_400)
    return answer


async def _probe(request: Request) -> Response:
    """`/probe?targets=[…]&ways=[…]`: a page that tries to reach every target in every way; see pages/probe.html."""
    settings = {
        key: json.loads(request.query_params[key]) for key in ("targets", "ways") if key in request.query_params
    }
    # A JSON string may hold "</script>"; escaped, it cannot end the element.
    text = json.dumps(settings).replace("<", "\\u003c")
    return HTMLResponse(PAGES["probe.html"].replace("{settings}", text), headers=_OPEN)


async def _websocket(socket: WebSocket) -> None:
    """`/ws`: echoes every message; `close` makes it close with code 4000."""
    await socket.accept()
    try:
        while (text := await socket.receive_text()) != "close":
            await socket.send_text(text)
        await socket.close(4000, "asked to")
    except WebSocketDisconnect:
        return


class _Logged:
    """Writes each request down before the app sees it, so that one that hangs is on record too."""

    def __init__(self, app: ASGIApp, web_log: log.WebLog) -> None:
        self._app = app
        self._log = web_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            self._log.add(_entry(HTTPConnection(scope)))
        await self._app(scope, receive, send)


def _entry(request: HTTPConnection) -> log.Request:
    address, port = request.scope["server"]
    return log.Request(
        method=request.scope.get("method", "GET"),
        scheme=request.scope["scheme"],
        host=request.url.hostname or "",
        path=request.url.path,
        query=request.url.query,
        headers=dict(request.headers),
        peer=request.client.host if request.client else "",
        address=address,
        port=port,
    )


_ANY: Final = ["GET", "POST", "PUT", "DELETE", "PATCH"]
_ROUTES: Final = [
    Route("/", _page),
    Route("/echo", _echo, methods=_ANY),
    Route("/status/{code:int}", _status),
    Route("/redirect/{code:int}", _redirect, methods=_ANY),
    Route("/redirects/{count:int}", _redirect_chain),
    Route("/download/{name}", _download, methods=["GET", "POST"]),
    Route("/cookies", _cookies),
    Route("/cookies/set", _set_cookies),
    Route("/probe", _probe),
    Route("/bytes/{size:int}", streams.sized),
    Route("/endless", streams.endless),
    Route("/slow", streams.slow),
    Route("/hang", streams.hang),
    Route("/sse", streams.server_sent_events),
    WebSocketRoute("/ws", _websocket),
    *cases.ROUTES,
    Route("/{name}", _page),
]
