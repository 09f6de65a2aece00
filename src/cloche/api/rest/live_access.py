"""Who asks for a live view over HTTP: by a key, or by a link's token in the query."""

from typing import Annotated

from fastapi import Depends, Query, Request

from cloche.api.auth.credentials import LiveAccess
from cloche.api.deps import SessionIdPath, deps_of
from cloche.api.live.desk import OfferDesk
from cloche.sessions.interface import SessionManager
from cloche.sessions.live.interface import SessionLive

Token = Annotated[str | None, Query(max_length=256, description="Of a live link, in place of a key.")]


async def live_access_of(request: Request, session_id: SessionIdPath, token: Token = None) -> LiveAccess:
    access = await deps_of(request).credentials().live(request.headers, token, session_id)
    if access.principal is not None:
        request.state.caller = access.principal.name
    return access


async def entered_live_of(
    request: Request, session_id: SessionIdPath, access: Annotated[LiveAccess, Depends(live_access_of)]
) -> SessionLive:
    manager: SessionManager = deps_of(request).manager
    return await manager.live(access.principal, session_id)


async def desk_of(request: Request) -> OfferDesk:
    desk = request.app.state.offers
    assert isinstance(desk, OfferDesk)
    return desk


AccessToLive = Annotated[LiveAccess, Depends(live_access_of)]
EnteredLive = Annotated[SessionLive, Depends(entered_live_of)]
Desk = Annotated[OfferDesk, Depends(desk_of)]
