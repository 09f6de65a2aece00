"""How a viewer on the WebSocket gets its pictures: not at all, in binary messages or over WebRTC; one at a time."""

import asyncio
from collections.abc import Callable
from typing import Final, assert_never

from cloche.api.live.conversation import Reply, StreamOrder, error_message
from cloche.api.live.hello import codecs_for, ice_user
from cloche.api.live.parts import LiveParts
from cloche.api.live.peer_link import PeerLink
from cloche.api.live.pictures import Pictures
from cloche.api.live.socket import LiveSocket, UnresponsiveError
from cloche.errors import ClocheError, ConflictError
from cloche.ids import SessionId
from cloche.live.messages import Answer, Candidate, Hidden, Offer, RequestOffer, Start, write_message
from cloche.live.model import Codec, Transport
from cloche.live.webrtc.model import PeerState
from cloche.sessions.live.interface import LiveSeat

MAX_ORDERS: Final = 64
"""That wait. The most that comes at once is an offer and its candidates."""


class SocketStreams:
    """Owned by the door. `run` carries out what `order` was given, one after the other; `close` ends all pictures."""

    def __init__(self, parts: LiveParts, session_id: SessionId, seat: LiveSeat, socket: LiveSocket) -> None:
        self._parts, self._session_id, self._seat, self._socket = parts, session_id, seat, socket
        self._orders: asyncio.Queue[StreamOrder] = asyncio.Queue(MAX_ORDERS)
        self._unresponsive = asyncio.Event()
        self._start: Start | None = None
        """What was last asked for and could be begun."""
        self._codec: Codec | None = None
        self._pictures: Pictures | None = None
        self._link: PeerLink | None = None
        self._is_hidden = False
        self.on_channel_message: Callable[[bytes, Reply], None] = lambda _data, _reply: None
        """Hears what comes by the data channel."""

    def order(self, order: StreamOrder) -> bool:
        try:
            self._orders.put_nowait(order)
        except asyncio.QueueFull:
            return False
        return True

    def acknowledge(self, seq: int) -> None:
        if self._pictures is not None:
            self._pictures.acknowledge(seq)

    def ask_key(self) -> None:
        if self._pictures is not None:
            self._pictures.ask_key()

    def viewer_reports(self) -> None:
        if self._link is not None:
            self._link.viewer_reports()

    async def run(self) -> None:
        """For ever. Raises: UnresponsiveError when the viewer does not take its pictures."""
        while True:
            order = await self._orders.get()
            try:
                await self._do(order)
            except ClocheError as error:
                self._complain(str(error.fields.get("reason") or error.code), error.detail)

    async def watch_patience(self) -> None:
        """Raises: UnresponsiveError when the viewer does not take its pictures."""
        await self._unresponsive.wait()
        raise UnresponsiveError

    async def close(self) -> None:
        await self._stop()

    async def _do(self, order: StreamOrder) -> None:
        match order:
            case Start():
                await self._begin(order)
            case Hidden():
                await self._hide(order.hidden)
            case Offer():
                self._socket.answer(write_message("answer", {"sdp": await self._require_link().answer(order.sdp)}))
            case Answer():
                await self._require_link().accept(order.sdp)
            case RequestOffer():
                codecs = codecs_for(order.codecs, self._parts.settings.codecs)
                self._socket.answer(write_message("offer", {"sdp": await self._require_link().offer(codecs)}))
            case Candidate():
                await self._require_link().add_candidate(order)
            case _:
                assert_never(order)

    async def _begin(self, start: Start) -> None:
        await self._stop()
        if start.transport == "none":
            self._seat.transport_is(None, None, start.reason)
            return self._say_started(start, None)
        settings = self._parts.settings
        transport = Transport(start.transport)
        if transport not in settings.transports:
            raise ConflictError("this server does not offer that transport", reason="transport_off")
        self._start = start
        if transport is Transport.WEBRTC:
            self._link = PeerLink(
                self._parts,
                self._session_id,
                self._seat,
                ice_user(self._session_id, self._seat.id),
                on_message=lambda data, reply: self.on_channel_message(data, reply),
                on_state=self._take_state,
                start=start,
            )
            self._link.hide(self._is_hidden)
            self._seat.transport_is(transport, None, start.reason)
            return self._say_started(start, None)
        codecs = [Codec.JPEG] if transport is Transport.JPEG else codecs_for(start.codecs, settings.codecs)
        if not codecs:
            self._start = None
            raise ConflictError("the viewer decodes nothing that this server sends", reason="no_common_codec")
        self._codec = codecs[0]
        self._seat.transport_is(transport, self._codec, start.reason)
        self._say_started(start, self._codec)
        if not self._is_hidden:
            self._watch()
        return None

    async def _hide(self, hidden: bool) -> None:
        if hidden == self._is_hidden:
            return
        self._is_hidden = hidden
        if self._link is not None:
            self._link.hide(hidden)
        elif hidden:
            await self._close_pictures()
        elif self._codec is not None:
            self._watch()

    def _watch(self) -> None:
        assert self._codec is not None and self._start is not None
        self._pictures = Pictures(
            self._seat.watch(self._codec, max_fps=self._start.max_fps, acknowledges=True),
            self._socket,
            on_end=self._take_end,
            on_unresponsive=self._unresponsive.set,
        )

    async def _stop(self) -> None:
        self._start, self._codec = None, None
        await self._close_pictures()
        # Each is forgotten once it is closed: whoever is cancelled here is followed by a `close`.
        if self._link is not None:
            await self._link.close()
            self._link = None

    async def _close_pictures(self) -> None:
        if self._pictures is not None:
            await self._pictures.close()
            self._pictures = None

    def _require_link(self) -> PeerLink:
        if self._link is None:
            raise ConflictError("start with the transport `webrtc` first", reason="not_started")
        return self._link

    def _take_end(self) -> None:
        """The stream has no more pictures for this viewer: it may ask for others."""
        is_video = self._codec is not Codec.JPEG
        code = "video_unavailable" if is_video else "pictures_ended"
        self._complain(code, "there is no video to be had" if is_video else "there are no more pictures")

    def _take_state(self, state: PeerState) -> None:
        if state is PeerState.FAILED:
            self._complain("webrtc_failed", "the WebRTC connection did not come about or was lost")

    def _say_started(self, start: Start, codec: Codec | None) -> None:
        fields = {"transport": start.transport, "codec": None if codec is None else codec.value}
        self._socket.answer(write_message("started", fields))

    def _complain(self, code: str, message: str) -> None:
        self._socket.answer(error_message(code, message))
