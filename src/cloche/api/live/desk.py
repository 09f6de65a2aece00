"""Viewers who came by an offer over HTTP: each keeps its place as long as its WebRTC connection."""

import asyncio
from typing import Any, Final

import structlog

from cloche.api.live.conversation import Conversation, Reader, Reply, StreamOrder
from cloche.api.live.hello import ice_user
from cloche.api.live.parts import LiveParts
from cloche.api.live.peer_link import PeerLink
from cloche.api.live.viewer import read_one
from cloche.api.live.visit import leave, left_when_revoked
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import BusyError, ClocheError, ConflictError, InternalError
from cloche.ids import SessionId
from cloche.live.messages import Hidden
from cloche.live.model import Transport
from cloche.live.webrtc.model import PeerState
from cloche.sessions.live.interface import Joining, LeaveReason, LiveSeat, SessionLive

_log = structlog.get_logger(__name__)

MAX_STAYING: Final = 1000
"""Of all sessions together."""


class OfferDesk:
    """One for an application. `close` ends the places of all who came by it."""

    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts
        self._staying: set[asyncio.Task[None]] = set()

    async def answer(
        self, session_id: SessionId, live: SessionLive, joining: Joining, sdp: str, *, read: Reader = read_one
    ) -> str:
        """Take a place in the session for who makes this offer, and return the answer's SDP.

        `read` understands what comes by the data channel. Raises: InvalidError (`bad_sdp`), BusyError, GoneError,
        DeadlineError, ConflictError (`transport_off`).
        """
        if Transport.WEBRTC not in self._parts.settings.transports:
            raise ConflictError("this server does not offer WebRTC", reason="transport_off")
        if len(self._staying) >= MAX_STAYING:
            raise BusyError("too many viewers", reason="viewers_full")
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        staying = spawn(self._stay(session_id, live, joining, sdp, answered, read), name="live-offer")
        self._staying.add(staying)
        staying.add_done_callback(self._staying.discard)
        try:
            waiting: set[asyncio.Future[Any]] = {answered, staying}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await cancel_and_wait(staying)  # nobody is there to be answered
            raise
        if not answered.done():
            raise InternalError("the offer could not be answered")
        return answered.result()

    async def close(self) -> None:
        await cancel_and_wait(*self._staying)

    async def _stay(
        self,
        session_id: SessionId,
        live: SessionLive,
        joining: Joining,
        sdp: str,
        answered: "asyncio.Future[str]",
        read: Reader,
    ) -> None:
        try:
            async with live.join(joining) as seat, left_when_revoked(seat, joining):
                reason = await self._serve(session_id, seat, sdp, answered, read)
            _log.info("live_viewer_left", session=session_id, viewer=seat.id, reason=reason.value)
        except ClocheError as error:
            if answered.done():
                raise
            answered.set_exception(error)

    async def _serve(
        self, session_id: SessionId, seat: LiveSeat, sdp: str, answered: "asyncio.Future[str]", read: Reader
    ) -> LeaveReason:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take_state(state: PeerState) -> None:
            if state.is_final and not lost.done():
                lost.set_result(None)

        def take_message(data: bytes, reply: Reply) -> None:
            conversation.take(data, reply, over_webrtc=True)

        who = ice_user(session_id, seat.id)
        link = PeerLink(self._parts, session_id, seat, who, on_message=take_message, on_state=take_state)
        conversation = Conversation(seat, _ChannelStreams(link), self._parts.clock, read)
        try:
            answered.set_result(await link.answer(sdp))
            waiting: set[asyncio.Future[Any]] = {seat.ended, lost}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            leave(seat, LeaveReason.SERVER_STOPPING)
            raise
        finally:
            await link.close()
        leave(seat, LeaveReason.LEFT)
        return seat.ended.result()


class _ChannelStreams:
    """What a viewer without the WebSocket may say of its pictures."""

    def __init__(self, link: PeerLink) -> None:
        self._link = link

    def order(self, order: StreamOrder) -> bool:
        if isinstance(order, Hidden):
            self._link.hide(order.hidden)
        return True

    def acknowledge(self, seq: int) -> None:
        """RTCP does."""

    def ask_key(self) -> None:
        """RTCP does."""

    def viewer_reports(self) -> None:
        self._link.viewer_reports()
