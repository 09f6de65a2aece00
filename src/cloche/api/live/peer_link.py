"""One viewer's WebRTC connection and what it shows: made by an offer of either side, gone with its viewer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from cloche.api.live.conversation import Reply
from cloche.api.live.parts import LiveParts
from cloche.api.live.pausable import PausableSubscription
from cloche.api.live.peers import Peer
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ConflictError
from cloche.ids import SessionId
from cloche.live.messages import Candidate, Report, Start
from cloche.live.model import Codec, Transport
from cloche.live.watching import Subscription
from cloche.live.webrtc.model import PeerState
from cloche.sessions.live.interface import LiveSeat

NOT_TAKEN: Final = "not_taken"
"""Of a message of ours for which the viewer has no room: that is no fault of what it says."""


class PeerLink:
    """Owned by whoever serves the viewer; `close` it. A new offer takes the place of the connection before.

    `on_message` hears what comes by the data channel, `on_state` how the connection is.
    """

    def __init__(
        self,
        parts: LiveParts,
        session_id: SessionId,
        seat: LiveSeat,
        who: str,
        *,
        on_message: Callable[[bytes, Reply], None],
        on_state: Callable[[PeerState], None],
        start: Start | None = None,
    ) -> None:
        """`who`: as the TURN server knows the viewer. `start`: what it has asked for, where it has."""
        self._parts, self._session_id, self._seat, self._who = parts, session_id, seat, who
        self._on_message, self._on_state = on_message, on_state
        self._fallback_reason, self._max_fps = (start.reason, start.max_fps) if start is not None else ("", 0.0)
        self._peer: Peer | None = None
        self._subscription: PausableSubscription | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._is_hidden = False
        self._viewer_reports = False
        self._turn = 0
        """Which connection is the present one: those before may still have something to say."""

    async def answer(self, sdp: str) -> str:
        """Take the viewer's offer. Raises: InvalidError, BusyError, InternalError."""
        return await (await self._renew()).answer(sdp, self._parts.settings.codecs)

    async def offer(self, codecs: Sequence[Codec]) -> str:
        """Make an offer. Raises: BusyError, InternalError."""
        return await (await self._renew()).offer(codecs)

    async def accept(self, sdp: str) -> None:
        """Take the viewer's answer. Raises: InvalidError, ConflictError."""
        await self._require().accept(sdp)

    async def add_candidate(self, candidate: Candidate) -> None:
        """Raises: InvalidError, ConflictError."""
        await self._require().add_candidate(candidate.candidate, candidate.sdp_mid, candidate.sdp_m_line_index)

    def hide(self, hidden: bool) -> None:
        """Send nothing while it cannot be seen."""
        self._is_hidden = hidden
        if self._subscription is not None:
            self._subscription.rest(hidden)

    def viewer_reports(self) -> None:
        """The viewer tells by itself how it is doing, and knows more of it."""
        self._viewer_reports = True

    async def close(self) -> None:
        """Any number of times; where one was cancelled the next goes on with what is left."""
        self._turn += 1
        await cancel_and_wait(self._reporting)
        self._reporting = None
        if self._peer is not None:
            await self._peer.close()
            self._peer = None
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    async def _renew(self) -> Peer:
        await self.close()
        turn = self._turn
        self._peer = await self._parts.make_peer(
            self._session_id,
            self._subscribe,
            self._parts.settings.ice,
            lambda data: self._on_message(data, self._say),
            lambda state: self._take_state(turn, state),
            self._take_drop,
            self._who,
            self._seat.owner,
        )
        return self._peer

    def _subscribe(self, codec: Codec) -> Subscription:
        self._seat.transport_is(Transport.WEBRTC, codec, self._fallback_reason)
        self._subscription = PausableSubscription(
            lambda: self._seat.watch(codec, max_fps=self._max_fps), codec, resting=self._is_hidden
        )
        return self._subscription

    def _say(self, message: bytes) -> None:
        if self._peer is not None:
            self._peer.send(message)

    def _take_drop(self, why: str) -> None:
        if why != NOT_TAKEN:
            self._seat.dropped(why)

    def _require(self) -> Peer:
        if self._peer is None:
            raise ConflictError("there is no WebRTC connection yet", reason="not_negotiating")
        return self._peer

    def _take_state(self, turn: int, state: PeerState) -> None:
        if turn != self._turn:
            return
        if state is PeerState.CONNECTED and self._reporting is None and self._peer is not None:
            self._reporting = spawn(self._report(self._peer), name="live-report")
        self._on_state(state)

    async def _report(self, peer: Peer) -> None:
        every_s = self._parts.settings.report_every_s
        frames = peer.stats().frames
        while not self._viewer_reports:
            await asyncio.sleep(every_s)
            stats = peer.stats()
            fps, frames = max(0, stats.frames - frames) / every_s, stats.frames
            self._seat.reported(Report(fps=fps, rtt_ms=stats.rtt_ms, bits_per_second=stats.bits_per_second))
