"""`…/{id}/live…` and `…/{id}/recordings…`: the viewer page, WebRTC by HTTP, links, viewers, control, recordings."""

from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Response
from starlette.responses import HTMLResponse

from cloche.api.auth.tokens import TokenRole
from cloche.api.deps import KEY_SECURITY, Caller, Deps, LinkOrigin, SessionIdPath
from cloche.api.live.door import joining_of
from cloche.api.live.hello import ice_user
from cloche.api.pages.render import LiveEmbed, live_page
from cloche.api.rest.live_access import AccessToLive, Desk, EnteredLive
from cloche.api.rest.live_schemas import (
    VIEWER_ID,
    AnswerOut,
    ControlIn,
    IceOut,
    LinkIn,
    LinkOut,
    LiveStateOut,
    OfferIn,
    RecordingIn,
    RecordingListOut,
    RecordingOut,
    ViewersOut,
    render_recording,
    render_state,
    render_viewers,
)
from cloche.api.urls import Origin, live_url, session_path
from cloche.audit.model import AuditRecord
from cloche.errors import GoneError, InvalidError
from cloche.ids import SessionId
from cloche.live.model import Right
from cloche.live.webrtc.ice import ice_servers_for_viewer, ice_transport_policy
from cloche.sessions.model import FINAL_STATUSES

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["live"], dependencies=KEY_SECURITY)

JPEG: Final = "image/jpeg"
Name = Annotated[str, Query(max_length=64, description="How the others see who watches.")]
ViewerIdPath = Annotated[str, Path(pattern=VIEWER_ID, description="`v1`, `v2`, …")]


@router.get("/live", response_class=HTMLResponse)
async def get_live_page(
    session_id: SessionIdPath, access: AccessToLive, deps: Deps, origin: LinkOrigin, name: Name = ""
) -> Response:
    """The viewer page. Opened by `live_url`; with a key instead of a token it gets a fresh token of its own."""
    token = access.token
    if access.principal is not None:
        await deps.manager.get(access.principal, session_id)
        token = deps.tokens_for(session_id)[1]
    assert token is not None
    embed = LiveEmbed(deps.live.frame_ancestors)
    return live_page(session_id, _socket_url(origin, session_id, token, name), embed=embed)


@router.post("/live/offer")
async def offer_live(
    session_id: SessionIdPath, access: AccessToLive, live: EnteredLive, body: OfferIn, desk: Desk, name: Name = ""
) -> AnswerOut:
    """Watch over WebRTC without the WebSocket: an offer in, the answer out.

    The offer has a video section that receives, and its candidates; a data channel `input` in it carries input. The
    place lasts as long as the connection. 400 with `reason` `bad_sdp` for SDP that is none, 429 when the session has no
    more places or too many offers come at once.
    """
    sdp = await desk.answer(session_id, live, joining_of(access, name), body.sdp)
    return AnswerOut(sdp=sdp)


@router.get("/live/ice")
async def get_ice_servers(session_id: SessionIdPath, access: AccessToLive, live: EnteredLive, deps: Deps) -> IceOut:
    """STUN and TURN servers for a viewer's `RTCPeerConnection`, with credentials that end."""
    who = ice_user(session_id, "http")
    servers = ice_servers_for_viewer(deps.live.ice, who, deps.clock.now().timestamp(), until_s=access.expires_s)
    return IceOut.model_validate({"ice_servers": servers, "ice_transport_policy": ice_transport_policy(deps.live.ice)})


@router.get("/live/state")
async def get_live_state(caller: Caller, session_id: SessionIdPath, deps: Deps) -> LiveStateOut:
    """Who watches, who has control, which tabs there are, and whether it is recorded."""
    return render_state((await deps.manager.live(caller, session_id)).state())


@router.get("/live/viewers")
async def list_viewers(caller: Caller, session_id: SessionIdPath, deps: Deps) -> ViewersOut:
    """List who watches, and how their pictures arrive."""
    return render_viewers((await deps.manager.live(caller, session_id)).state())


@router.delete("/live/viewers/{viewer_id}", status_code=204)
async def remove_viewer(caller: Caller, session_id: SessionIdPath, viewer_id: ViewerIdPath, deps: Deps) -> None:
    """End a viewer's place. Its link still opens: it can come again until the link has ended."""
    await (await deps.manager.live(caller, session_id)).remove(caller, viewer_id)


@router.post("/live/control")
async def give_control(caller: Caller, session_id: SessionIdPath, body: ControlIn, deps: Deps) -> LiveStateOut:
    """Give control to a viewer, whoever has it now. 403 `view_only` where its link may only watch."""
    live = await deps.manager.live(caller, session_id)
    return render_state(await live.take_control(caller, body.viewer_id))


@router.delete("/live/control")
async def release_control(caller: Caller, session_id: SessionIdPath, deps: Deps) -> LiveStateOut:
    """Take control from whoever has it; a program that was paused goes on."""
    return render_state(await (await deps.manager.live(caller, session_id)).release_control(caller))


@router.post("/live/links", status_code=201)
async def make_live_link(
    caller: Caller, session_id: SessionIdPath, body: LinkIn, deps: Deps, origin: LinkOrigin
) -> LinkOut:
    """Make a link for somebody who has no key: to watch, or with `control` to act too."""
    deps.journal.require()
    session = await deps.manager.get(caller, session_id)
    if session.status in FINAL_STATUSES:
        raise GoneError("the session has ended", reason=session.reason)
    lifetime_s = body.lifetime_s or min(deps.live.link_lifetime_s, deps.live.max_link_lifetime_s)
    if lifetime_s > deps.live.max_link_lifetime_s:
        raise InvalidError(f"a link lives at most {deps.live.max_link_lifetime_s} s here", field="lifetime_s")
    expires_at = (deps.clock.now() + timedelta(seconds=lifetime_s)).replace(microsecond=0)
    token = deps.signer().mint(session_id, TokenRole(body.right), expires_at)
    data: dict[str, str | int | bool | None] = {"right": body.right, "lifetime_s": lifetime_s}
    deps.journal.note(
        AuditRecord(kind="live.link", actor=caller.name, owner=session.owner, session_id=session_id, data=data)
    )
    return LinkOut(
        url=live_url(origin, session_id, token) + _named(body.name),
        ws_url=_socket_url(origin, session_id, token, body.name),
        token=token,
        right=Right(body.right),
        expires_at=expires_at,
    )


@router.get(
    "/live/thumbnail",
    response_class=Response,
    responses={200: {"content": {JPEG: {"schema": {"type": "string", "format": "binary"}}}, "description": "A JPEG."}},
)
async def get_thumbnail(caller: Caller, session_id: SessionIdPath, deps: Deps) -> Response:
    """A small picture of the tab that is shown, at most a few seconds old. Does not keep a session from idling."""
    picture = await (await deps.manager.live(caller, session_id)).thumbnail()
    return Response(picture, media_type=JPEG, headers={"cache-control": "no-store"})


@router.post("/recordings", status_code=201)
async def start_recording(
    caller: Caller, session_id: SessionIdPath, deps: Deps, body: RecordingIn | None = None
) -> RecordingOut:
    """Record what the session shows, to the first cap or to a stop. 409 `already_recording`, 403 `recording_off`."""
    live = await deps.manager.live(caller, session_id)
    return render_recording(await live.start_recording(caller, (body or RecordingIn()).to_request()))


@router.get("/recordings")
async def list_recordings(caller: Caller, session_id: SessionIdPath, deps: Deps) -> RecordingListOut:
    """List the session's recordings, also when it has ended. The files themselves are artifacts."""
    await deps.manager.get(caller, session_id)
    found = await deps.require_recordings().list(caller, session_id)
    return RecordingListOut(recordings=[render_recording(each) for each in found])


@router.post("/recordings/stop")
async def stop_recording(caller: Caller, session_id: SessionIdPath, deps: Deps) -> RecordingOut:
    """End the recording, and wait until it is an artifact. 409 `not_recording`."""
    return render_recording(await (await deps.manager.live(caller, session_id)).stop_recording(caller))


def _socket_url(origin: Origin, session_id: SessionId, token: str, name: str) -> str:
    path = session_path(session_id, "live/ws")
    return f"{origin.websocket_scheme}://{origin.authority}{origin.base}{path}?token={token}{_named(name)}"


def _named(name: str) -> str:
    return f"&name={quote(name, safe='')}" if name else ""
