"""`…/{id}/live`: a page to watch and drive a session in, in one file, from nowhere else."""

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from cloche.api.deps import KEY_SECURITY, Deps, LinkOrigin, SessionAccess, SessionIdPath
from cloche.api.pages.render import live_page
from cloche.api.urls import connect_url

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["live"], dependencies=KEY_SECURITY)


@router.get("/live", response_class=HTMLResponse)
async def get_live_page(session_id: SessionIdPath, access: SessionAccess, deps: Deps, origin: LinkOrigin) -> Response:
    """The live page. Opened by `live_url`; with a key instead of a token it gets a fresh token of its own."""
    token = access.token
    if access.principal is not None:
        await deps.manager.get(access.principal, session_id)
        token = deps.tokens_for(session_id)[1]
    assert token is not None
    return live_page(session_id, connect_url(origin, session_id, token))
