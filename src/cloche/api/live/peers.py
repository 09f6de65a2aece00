"""What the doors need of a WebRTC connection, and where they get the real one."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from cloche.ids import SessionId
from cloche.live.model import Codec
from cloche.live.watching import Subscription
from cloche.live.webrtc.ice import IceSettings
from cloche.live.webrtc.limits import PeerLimits
from cloche.live.webrtc.metrics import WebRtcMetrics
from cloche.live.webrtc.model import PeerState, PeerStats


class Peer(Protocol):
    """One viewer's, as `live.webrtc.peer.WebRtcPeer` is it: either `answer`, or `offer` and then `accept`, once.

    Ends by itself when it does not connect in time, or is lost.
    """

    async def answer(self, sdp: str, codecs: Sequence[Codec] = ...) -> str:
        """Raises: InvalidError (`bad_sdp`, …), BusyError, InternalError."""
        ...

    async def offer(self, codecs: Sequence[Codec] = ...) -> str:
        """Raises: BusyError, InternalError."""
        ...

    async def accept(self, answer_sdp: str) -> None:
        """Raises: InvalidError, ConflictError."""
        ...

    async def add_candidate(self, candidate: str, sdp_mid: str | None, sdp_m_line_index: int | None) -> None:
        """Raises: InvalidError, ConflictError."""
        ...

    def send(self, data: bytes) -> bool:
        """A text on the data channel; False where there is none with room for it."""
        ...

    def stats(self) -> PeerStats: ...

    async def close(self) -> None: ...


class MakePeer(Protocol):
    async def __call__(
        self,
        session_id: SessionId,
        subscribe: Callable[[Codec], Subscription],
        ice: IceSettings,
        on_message: Callable[[bytes], None],
        on_state: Callable[[PeerState], None],
        on_dropped: Callable[[str], None],
        who: str,
        owner: str,
    ) -> Peer:
        """`subscribe` is called when the connection stands; `who`: as the TURN server knows the viewer; `owner`: whose
        session it is.

        Raises: BusyError: as many as there may be, or as many on their way to be.
        """
        ...


class WebRtcPeers:
    """Makes real ones. aiortc and what it needs take 40 MB and a good part of a second: they are loaded, in a thread,
    for the first viewer who comes by WebRTC."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._limits = PeerLimits()
        self._metrics = WebRtcMetrics(registry)

    async def __call__(
        self,
        session_id: SessionId,
        subscribe: Callable[[Codec], Subscription],
        ice: IceSettings,
        on_message: Callable[[bytes], None],
        on_state: Callable[[PeerState], None],
        on_dropped: Callable[[str], None],
        who: str,
        owner: str,
    ) -> Peer:
        slot = self._limits.take(session_id, owner)
        try:
            make = await asyncio.to_thread(_load)
            peer: Peer = make(
                subscribe,
                ice,
                on_message,
                on_state,
                slot=slot,
                metrics=self._metrics,
                who=who,
                on_dropped=on_dropped,
            )
        except BaseException:
            slot.release()
            raise
        return peer


def _load() -> Callable[..., Any]:
    from cloche.live.webrtc.peer import WebRtcPeer

    return WebRtcPeer
