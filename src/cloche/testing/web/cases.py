"""Pages that are hard to act on, from `tests/data/pages`, and answers that a navigation has trouble with."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

FOLDER: Final = Path(__file__).parents[4] / "tests/data/pages"
"""Of the checkout: pages belong to the tests, and an installed package has none."""

PAGES: Final = {entry.name: entry.read_text() for entry in FOLDER.iterdir()} if FOLDER.is_dir() else {}
MEDIA_TYPES: Final = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
FRESH: Final = {"cache-control": "no-store", "access-control-allow-origin": "*"}


async def _page(request: Request) -> Response:
    """`/pages/{name}`; `{host}` in it becomes the host asked for. With `?csp=…` the answer carries that policy."""
    name = request.path_params["name"]
    media_type = MEDIA_TYPES.get(name.rpartition(".")[2])
    if name not in PAGES or media_type is None:
        return PlainTextResponse("no such page\n", status_code=404, headers=FRESH)
    policy = {"content-security-policy": csp} if (csp := request.query_params.get("csp")) else {}
    text = PAGES[name].replace("{host}", request.url.hostname or "")
    return Response(text, media_type=media_type, headers=FRESH | policy)


async def _late(request: Request) -> Response:
    """`/late/{ms}`: a page whose head comes after that time."""
    await asyncio.sleep(request.path_params["ms"] / 1000)
    return HTMLResponse("<!doctype html><title>late</title>", headers=FRESH)


async def _large(request: Request) -> Response:
    """`/large/{size}`: a page of that many letters."""
    return HTMLResponse("<!doctype html><title>large</title>" + "x" * request.path_params["size"], headers=FRESH)


async def _unfinished(_request: Request) -> Response:
    """`/unfinished`: the first part of a page, and never the rest."""
    return StreamingResponse(_first_part(), media_type="text/html", headers=FRESH)


async def _first_part() -> AsyncIterator[str]:
    yield "<!doctype html><title>unfinished</title><h1>To be continued</h1>"
    await asyncio.Event().wait()


async def _circle(request: Request) -> Response:
    """`/circle`: a redirect to itself, each time to an address not seen before, so that only counting ends it."""
    return RedirectResponse(f"/circle?{int(request.url.query or 0) + 1}", status_code=302, headers=FRESH)


# As they stand in a response: Python's own writer refuses names that are attributes' too, which browsers take.
_COOKIES: Final = (
    "plain=1; Path=/",
    "Upper=Case; Path=/",
    "kept=2; Path=/; Max-Age=86400",
    "http=3; Path=/; HttpOnly",
    "strict=4; Path=/; SameSite=Strict",
    "lax=5; Path=/; SameSite=Lax",
    "secure=6; Path=/; Secure; SameSite=None",
    "path=7; Path=/cookies",
    "session_token=s3cret-cookie; Path=/",
)


async def _all_cookies(_request: Request) -> Response:
    """`/cookies/all`: a cookie for each attribute that there is."""
    answer = HTMLResponse("<!doctype html><title>cookies</title>", headers=FRESH)
    for cookie in _COOKIES:
        answer.headers.append("set-cookie", cookie)
    return answer


async def _no_content(_request: Request) -> Response:
    """`/no-content`: 204, at which a browser stays where it is."""
    return Response(status_code=204)


ROUTES: Final = [
    Route("/pages/{name}", _page),
    Route("/late/{ms:int}", _late),
    Route("/large/{size:int}", _large),
    Route("/unfinished", _unfinished),
    Route("/circle", _circle),
    Route("/cookies/all", _all_cookies),
    Route("/no-content", _no_content),
]
