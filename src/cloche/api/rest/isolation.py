"""`/api/sessions…`: the browser-isolation API, as docs/reference/isolation-api.md has it: its names, its statuses.

Thin aliases: sessions are made, looked at and ended by the same manager, and offers answered at the same desk. Its
WebSocket is `api.live.isolation`, its errors are told by `isolation_errors`.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from cloche.api.auth.credentials import LiveAccess
from cloche.api.deps import KEY_SECURITY, Caller, Deps, deps_of
from cloche.api.live.desk import OfferDesk
from cloche.api.live.door import joining_of
from cloche.api.live.hello import ice_user
from cloche.api.live.isolation import older_error, read_older
from cloche.api.rest.live_access import Desk, Token, live_access_of
from cloche.api.rest.live_schemas import AnswerOut, OfferIn
from cloche.api.rest.schemas import In, Out, StartUrl
from cloche.errors import CapacityError, ClocheError, ConflictError
from cloche.ids import SessionId, parse_session_id
from cloche.live.webrtc.ice import ice_servers_for_viewer
from cloche.sessions.interface import SessionManager
from cloche.sessions.model import FINAL_STATUSES, Session, SessionRequest, SessionStatus
from cloche.sessions.principal import Principal

FIGURES_TIMEOUT_S: Final = 3.0

OLDER_STATUS: Final[dict[SessionStatus, "OlderStatus"]] = {
    SessionStatus.PENDING: "starting",
    SessionStatus.READY: "ready",
    SessionStatus.SLEEPING: "ready",
    SessionStatus.HIBERNATED: "ready",
    SessionStatus.CLOSING: "terminated",
    SessionStatus.CLOSED: "terminated",
    SessionStatus.FAILED: "error",
}
OlderStatus = Literal["starting", "ready", "terminated", "error"]

router = APIRouter(prefix="/api/sessions", tags=["isolation"], dependencies=KEY_SECURITY)


class OlderSessionIn(In):
    """The body of `POST /api/sessions`."""

    url: StartUrl = Field(examples=["https://example.com/"])


class OlderSessionOut(Out):
    sessionId: str
    status: OlderStatus
    createdAt: datetime


class OlderMetrics(BaseModel):
    """CPU and memory are 0 until the session is ready, and where its agent does not tell; a MB has 2**20 bytes."""

    uptimeSec: float
    cpuPercent: float
    memMB: float


class OlderSessionWholeOut(OlderSessionOut):
    """`error` is empty when there is none."""

    url: str
    error: str
    metrics: OlderMetrics


class OlderIceOut(Out):
    iceServers: list[dict[str, Any]]


class OlderErrorOut(Out):
    error: str


async def older_id_of(session_id: str) -> SessionId:
    try:
        return parse_session_id(session_id)
    except ClocheError as error:
        raise older_error(error) from None


OlderId = Annotated[SessionId, Depends(older_id_of)]


async def older_access_of(request: Request, session_id: OlderId, token: Token = None) -> LiveAccess:
    return await live_access_of(request, session_id, token)


OlderAccess = Annotated[LiveAccess, Depends(older_access_of)]


@router.post("", status_code=201, responses={503: {"model": OlderErrorOut, "description": "No room"}})
async def create_older_session(caller: Caller, body: OlderSessionIn, deps: Deps) -> Any:
    """Make a session that opens `url`. Answers at once; ask for it until its `status` is `ready`."""
    try:
        session = await deps.manager.create(caller, SessionRequest(start_url=body.url), wait=False)
    except CapacityError as error:
        headers = {"retry-after": str(error.retry_after_s)}
        return JSONResponse({"error": "max concurrent sessions reached"}, 503, headers)
    return OlderSessionOut(sessionId=session.id, status="starting", createdAt=session.created_at)


@router.get("/{session_id}")
async def get_older_session(caller: Caller, session_id: OlderId, deps: Deps) -> OlderSessionWholeOut:
    """Look at a session."""
    session = await _find(deps.manager, caller, session_id)
    cpu, memory = await _figures(deps.manager, caller, session)
    until = session.closed_at or deps.clock.now()
    return OlderSessionWholeOut(
        sessionId=session.id,
        status=_status(session),
        createdAt=session.created_at.astimezone(UTC),
        url=session.options.start_url or "",
        error=session.reason if session.status is SessionStatus.FAILED else "",
        metrics=OlderMetrics(uptimeSec=_seconds(session.created_at, until), cpuPercent=cpu, memMB=memory),
    )


@router.delete("/{session_id}", status_code=204)
async def close_older_session(caller: Caller, session_id: OlderId, deps: Deps) -> None:
    """End a session. Ending an ended one changes nothing."""
    await _find(deps.manager, caller, session_id)
    await deps.manager.close(caller, session_id)


@router.post("/{session_id}/offer")
async def offer_older_session(
    session_id: OlderId, access: OlderAccess, body: OfferIn, desk: Desk, deps: Deps
) -> AnswerOut:
    """Watch over WebRTC: an offer in, the answer out. A data channel `input` takes input messages."""
    return AnswerOut(sdp=await _answer(deps.manager, desk, session_id, access, body.sdp))


@router.get("/{session_id}/ice")
async def get_older_ice_servers(session_id: OlderId, access: OlderAccess, request: Request) -> OlderIceOut:
    """STUN and TURN servers for `RTCPeerConnection`, as its configuration names them."""
    deps = deps_of(request)
    if access.principal is not None:
        await _require(deps.manager, access.principal, session_id, "starting", "ready")
    else:
        await _require_live(deps.manager, session_id)
    who, now_s = ice_user(session_id, "http"), deps.clock.now().timestamp()
    servers = ice_servers_for_viewer(deps.live.ice, who, now_s, until_s=access.expires_s)
    return OlderIceOut(iceServers=servers)


async def _answer(manager: SessionManager, desk: OfferDesk, session_id: SessionId, access: LiveAccess, sdp: str) -> str:
    if access.principal is not None:
        await _require(manager, access.principal, session_id, "ready")
    try:
        live = await manager.live(access.principal, session_id)
        return await desk.answer(session_id, live, joining_of(access, ""), sdp, read=read_older)
    except ClocheError as error:
        raise older_error(error) from None


async def _require(manager: SessionManager, caller: Principal, session_id: SessionId, *good: OlderStatus) -> None:
    if (status := _status(await _find(manager, caller, session_id))) not in good:
        raise ConflictError(f"session not ready: {status}")


async def _require_live(manager: SessionManager, session_id: SessionId) -> None:
    """A link dies with its session, and with it what it opens elsewhere."""
    try:
        await manager.live(None, session_id)
    except ClocheError as error:
        raise older_error(error) from None


async def _find(manager: SessionManager, caller: Principal, session_id: SessionId) -> Session:
    try:
        return await manager.get(caller, session_id)
    except ClocheError as error:
        raise older_error(error) from None


async def _figures(manager: SessionManager, caller: Principal, session: Session) -> tuple[float, float]:
    """CPU in percent and memory in MiB, as the agent last told."""
    if session.status in FINAL_STATUSES or session.status is SessionStatus.PENDING:
        return 0.0, 0.0
    try:
        async with asyncio.timeout(FIGURES_TIMEOUT_S):
            figures = (await (await manager.agent(caller, session.id)).figures()).value
    except (ClocheError, TimeoutError):
        return 0.0, 0.0
    return figures.cpu_percent, figures.memory_used_mb


def _status(session: Session) -> OlderStatus:
    return OLDER_STATUS[session.status]


def _seconds(begin: datetime, end: datetime) -> float:
    return round(max(0.0, (end - begin).total_seconds()), 3)
