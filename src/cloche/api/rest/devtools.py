"""`…/{id}/json/…`: Chromium's own DevTools HTTP endpoints, with every address in them turned to this host.

A session's address in its http form (Playwright's and Puppeteer's "endpoint URL") works through these. The sandbox's
answers are parsed within limits and written anew.
"""

import re
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from cloche.api.auth.credentials import Access
from cloche.api.deps import KEY_SECURITY, ApiDeps, Deps, LinkOrigin, SessionAccess, SessionIdPath
from cloche.api.devtools_door.addresses import Addresses
from cloche.api.devtools_door.exchange import fetch
from cloche.api.devtools_door.reach import reach
from cloche.api.json_body import parse_json
from cloche.api.urls import Origin
from cloche.concurrency.splice import abort
from cloche.errors import AgentError, InvalidError, NotFoundError
from cloche.ids import SessionId

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["devtools"], dependencies=KEY_SECURITY)

MAX_NEW_URL_CHARS: Final = 8192

CHANGES: Final = ("/json/new", "/json/activate/", "/json/close/")

_TARGET_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_PRINTABLE: Final = re.compile(r"[!-~]*")

Entry = dict[str, Any]


@router.get("/json/version/", include_in_schema=False)  # Playwright asks with the slash
@router.get("/json/version")
async def get_version(session_id: SessionIdPath, access: SessionAccess, deps: Deps, origin: LinkOrigin) -> Entry:
    """The browser's version and its WebSocket address."""
    answer = await _json(deps, access, session_id, "GET", "/json/version")
    return _addresses(deps, access, session_id, origin).rewrite(_object(answer))


@router.get("/json/", include_in_schema=False)
@router.get("/json", operation_id="list_targets_short")
@router.get("/json/list/", include_in_schema=False)
@router.get("/json/list")
async def list_targets(session_id: SessionIdPath, access: SessionAccess, deps: Deps, origin: LinkOrigin) -> list[Entry]:
    """Open pages and workers, each with its WebSocket address."""
    answer = await _json(deps, access, session_id, "GET", "/json/list")
    if not isinstance(answer, list):
        raise AgentError("the browser's answer was not understood")
    addresses = _addresses(deps, access, session_id, origin)
    return [addresses.rewrite(_object(entry)) for entry in answer]


@router.put("/json/new")
async def new_target(
    session_id: SessionIdPath, access: SessionAccess, deps: Deps, origin: LinkOrigin, request: Request
) -> Entry:
    """Open a tab. The whole query string, less a token, is the address to open."""
    query = request.scope["query_string"].decode("latin-1")
    if access.token is not None:
        query = "&".join(part for part in query.split("&") if not part.startswith("token="))
    if len(query) > MAX_NEW_URL_CHARS or not _PRINTABLE.fullmatch(query):
        raise InvalidError("the address to open is too long or not encoded")
    answer = await _json(deps, access, session_id, "PUT", f"/json/new?{query}" if query else "/json/new")
    return _addresses(deps, access, session_id, origin).rewrite(_object(answer))


@router.get("/json/activate/{target_id}", response_class=PlainTextResponse)
async def activate_target(session_id: SessionIdPath, access: SessionAccess, deps: Deps, target_id: str) -> Response:
    """Bring a tab to the front."""
    await _fetch(deps, access, session_id, "GET", f"/json/activate/{_target(target_id)}")
    return PlainTextResponse("Target activated")


@router.get("/json/close/{target_id}", response_class=PlainTextResponse)
async def close_target(session_id: SessionIdPath, access: SessionAccess, deps: Deps, target_id: str) -> Response:
    """Close a tab."""
    await _fetch(deps, access, session_id, "GET", f"/json/close/{_target(target_id)}")
    return PlainTextResponse("Target is closing")


@router.get("/json/protocol/", include_in_schema=False)
@router.get("/json/protocol", response_model=Entry)
async def get_protocol(session_id: SessionIdPath, access: SessionAccess, deps: Deps) -> Response:
    """The DevTools protocol's description, as Chromium has it."""
    # Megabytes without an address in them: parsing them would hold up the loop and change nothing.
    body = await _fetch(deps, access, session_id, "GET", "/json/protocol")
    return Response(body, media_type="application/json")


async def _json(deps: ApiDeps, access: Access, session_id: SessionId, method: str, target: str) -> Any:
    body = await _fetch(deps, access, session_id, method, target)
    try:
        return parse_json(body)
    except InvalidError:
        raise AgentError("the browser's answer was not understood") from None


async def _fetch(deps: ApiDeps, access: Access, session_id: SessionId, method: str, target: str) -> bytes:
    # Who opens, shows and closes tabs is a client as any other, and goes into the journal as one.
    is_look = not target.startswith(CHANGES)
    async with deps.manager.attach(access.principal, session_id, quiet=is_look) as attachment:
        browser, (status, body) = await reach(attachment, lambda dialled: fetch(dialled, method, target))
        abort(browser)
    if status == 404:
        raise NotFoundError("there is no such target in this session")
    if status != 200:
        raise AgentError("the browser refused the request")
    return body


def _addresses(deps: ApiDeps, access: Access, session_id: SessionId, origin: Origin) -> Addresses:
    """Links get the caller's own token, so that they live no longer; a caller with a key gets a drive token."""
    return Addresses(origin, session_id, access.token or deps.tokens_for(session_id)[0])


def _object(value: object) -> Entry:
    if not isinstance(value, dict):
        raise AgentError("the browser's answer was not understood")
    return value


def _target(target_id: str) -> str:
    if not _TARGET_ID.fullmatch(target_id):
        raise InvalidError("this is not a target's id", field="target_id")
    return target_id
