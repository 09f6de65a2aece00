"""WebRTC connections that are none: for doors without browsers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from cloche.errors import InvalidError
from cloche.ids import SessionId
from cloche.live.model import VIDEO, Codec
from cloche.live.watching import Subscription
from cloche.live.webrtc.ice import IceSettings
from cloche.live.webrtc.limits import PeerLimits, PeerSlot
from cloche.live.webrtc.model import PeerState, PeerStats

GOOD_SDP: Final = "v=0\r\nfake\r\n"


class FakePeer:
    """Keeps the contract of `cloche.api.live.peers.Peer`. Connects when a test says so; only `GOOD_SDP` is SDP."""

    def __init__(
        self,
        slot: PeerSlot,
        subscribe: Callable[[Codec], Subscription],
        on_message: Callable[[bytes], None],
        on_state: Callable[[PeerState], None],
        on_dropped: Callable[[str], None],
        who: str,
    ) -> None:
        self.who = who
        self.say = on_message
        """What the viewer says on its data channel."""
        self.drop = on_dropped
        self.sent: list[bytes] = []
        self.candidates: list[str] = []
        self.codecs: Sequence[Codec] = VIDEO
        self.subscription: Subscription | None = None
        self.is_closed = False
        self._slot, self._subscribe, self._on_state = slot, subscribe, on_state

    async def answer(self, sdp: str, codecs: Sequence[Codec] = VIDEO) -> str:
        if sdp != GOOD_SDP:
            await self.close()
            raise InvalidError("this is no SDP", reason="bad_sdp")
        self.codecs = codecs
        return "v=0\r\nanswer\r\n"

    async def offer(self, codecs: Sequence[Codec] = VIDEO) -> str:
        self.codecs = codecs
        return "v=0\r\noffer\r\n"

    async def accept(self, answer_sdp: str) -> None:
        if answer_sdp != GOOD_SDP:
            await self.close()
            raise InvalidError("this is no SDP", reason="bad_sdp")

    async def add_candidate(self, candidate: str, sdp_mid: str | None, sdp_m_line_index: int | None) -> None:
        if not candidate.startswith("candidate:"):
            raise InvalidError("not an ICE candidate", reason="bad_candidate")
        self.candidates.append(candidate)

    def send(self, data: bytes) -> bool:
        self.sent.append(data)
        return True

    def stats(self) -> PeerStats:
        return PeerStats(
            rtt_ms=12.5,
            fraction_lost=0,
            packets_lost=0,
            packets_sent=10,
            bytes_sent=1000,
            packets_resent=0,
            bits_per_second=8000,
            rate=None,
            frames=3,
            key_frames=1,
            key_requests=0,
            local_candidate="host",
            remote_candidate="host",
        )

    def connect(self) -> None:
        """ICE and DTLS have come about."""
        self._slot.connected()
        self._on_state(PeerState.CONNECTED)
        self.subscription = self._subscribe(self.codecs[0])

    async def fail(self) -> None:
        await self.close(PeerState.FAILED)

    async def close(self, state: PeerState = PeerState.CLOSED) -> None:
        if not self.is_closed:
            self.is_closed = True
            if self.subscription is not None:
                self.subscription.close()
            self._slot.release()
            self._on_state(state)


class FakePeers:
    """Keeps the contract of `MakePeer`, with the real limits."""

    def __init__(self) -> None:
        self.made: list[FakePeer] = []
        self.limits = PeerLimits()
        self.coming: asyncio.Queue[FakePeer] = asyncio.Queue()
        """Each as it is made, for a test that waits for one."""

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
    ) -> FakePeer:
        peer = FakePeer(self.limits.take(session_id, owner), subscribe, on_message, on_state, on_dropped, who)
        self.made.append(peer)
        self.coming.put_nowait(peer)
        return peer
