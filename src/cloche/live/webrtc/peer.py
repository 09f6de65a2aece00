"""One viewer's WebRTC connection, from its SDP to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import structlog
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import BusyError, ClocheError, ConflictError, InternalError, InvalidError
from cloche.live.model import VIDEO, Codec
from cloche.live.watching import StreamEndedError, Subscription
from cloche.live.webrtc.agent import IceAgent
from cloche.live.webrtc.candidates import MAX_CANDIDATES, Refusal, read_candidate
from cloche.live.webrtc.channel import InputChannel
from cloche.live.webrtc.describe import (
    Agreement,
    Ourselves,
    agree_to_answer,
    agree_to_offer,
    answer_sdp,
    offer_sdp,
)
from cloche.live.webrtc.ice import IceSettings
from cloche.live.webrtc.limits import PeerSlot
from cloche.live.webrtc.metrics import WebRtcMetrics
from cloche.live.webrtc.model import PeerState, PeerStats
from cloche.live.webrtc.sdp import read_sdp
from cloche.live.webrtc.sender import VideoSender
from cloche.live.webrtc.transports import InputSctp, VideoDtls

CONNECT_TIMEOUT_S: Final = 15.0
SILENCE_S: Final = 7.0
"""Either side asks the other every five seconds at the latest whether it may go on sending (RFC 7675)."""
TICK_S: Final = 1.0

_OFFERED_MIDS: Final = ("0", "1")
_log = structlog.get_logger(__name__)


class WebRtcPeer:
    """Owns sockets, tasks and a subscription, and gives all back when it ends: by `close`, or by itself when it does
    not connect in time, the viewer leaves or is not heard for half a minute. Either `answer`, or `offer` and then
    `accept`, and once only. What fails there ends it too.

    `subscribe` is called when the connection stands, with the codec that was agreed on. `on_message`: of the data
    channel `input`, at most 16 KiB each; `on_dropped`: one was not taken, and why. `on_state` is told each change, the
    last a final one. None of them may block or raise.
    """

    def __init__(
        self,
        subscribe: Callable[[Codec], Subscription],
        ice: IceSettings,
        on_message: Callable[[bytes], None],
        on_state: Callable[[PeerState], None],
        *,
        slot: PeerSlot,
        metrics: WebRtcMetrics,
        who: str = "cloche",
        on_dropped: Callable[[str], None] = lambda why: None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._subscribe = subscribe
        self._on_state = on_state
        self._on_dropped = on_dropped
        self._slot = slot
        self._metrics = metrics
        self._connect_timeout_s = connect_timeout_s
        self._agent = IceAgent(ice, who, self._left_out)
        self._dtls = VideoDtls(self._agent.transport, self._violated)
        self._sctp = InputSctp(self._dtls, self._violated)
        self._sender = VideoSender(self._dtls, metrics)
        self._channel = InputChannel(self._sctp, on_message, self._message_dropped)
        self._codecs: Sequence[Codec] = VIDEO
        self._agreement: Agreement | None = None
        self._mids: tuple[str, ...] | None = None
        self._is_waiting_for_answer = False
        self._candidates = 0
        self._subscription: Subscription | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self.state = PeerState.NEW
        metrics.peers.inc()
        self._dtls.on("statechange", self._transport_changed)
        self._agent.transport.on("statechange", self._transport_changed)

    @property
    def codec(self) -> Codec | None:
        """What was agreed on."""
        return self._agreement.video.codec if self._agreement else None

    async def answer(self, sdp: str, codecs: Sequence[Codec] = VIDEO) -> str:
        """Answer a viewer's offer, with the earliest of `codecs` that it has.

        Raises: InvalidError (`bad_sdp`, `bad_candidate`, `no_common_codec`), ConflictError, BusyError, InternalError.
        """
        self._begin()
        async with _Negotiation(self, "offer"):
            offer = read_sdp(sdp)
            agreement = agree_to_offer(offer, codecs)
            self._agreement, self._mids = agreement, agreement.mids
            us = await self._ourselves()
            await self._call_all(agreement.candidates)
            self._connect(agreement, controlling=False)
            return answer_sdp(offer, agreement, us)

    async def offer(self, codecs: Sequence[Codec] = VIDEO) -> str:
        """Make the offer; of `codecs` the viewer takes its choice. Raises: ConflictError, BusyError, InternalError."""
        self._begin()
        async with _Negotiation(self, "offer"):
            self._codecs = [codec for codec in codecs if codec in VIDEO] or VIDEO
            self._mids = _OFFERED_MIDS
            us = await self._ourselves()
            self._channel.make()
            self._is_waiting_for_answer = True
            self._watching = spawn(self._wait_for_answer(), name="webrtc-answer")
            return offer_sdp(self._codecs, us)

    async def accept(self, answer_sdp: str) -> None:
        """Take the viewer's answer to `offer`. Raises: InvalidError, as `answer`; ConflictError."""
        if not self._is_waiting_for_answer or self._ending is not None:
            raise ConflictError("no offer waits for an answer", reason="not_negotiating")
        self._is_waiting_for_answer = False
        async with _Negotiation(self, "answer"):
            await cancel_and_wait(self._watching)
            agreement = agree_to_answer(read_sdp(answer_sdp), self._codecs)
            self._agreement = agreement
            await self._call_all(agreement.candidates)
            self._connect(agreement, controlling=True)

    async def add_candidate(self, candidate: str, sdp_mid: str | None, sdp_m_line_index: int | None) -> None:
        """Take one that trickles in. Empty ones (the last) and ones that must not be called are passed over.

        Raises: InvalidError (`bad_candidate`, `too_many_candidates`), ConflictError (there was no SDP yet).
        """
        if self._ending is not None:
            return
        if self._mids is None:
            raise ConflictError("no offer was made yet", reason="not_negotiating")
        is_known = (sdp_mid is None or sdp_mid in self._mids) and 0 <= (sdp_m_line_index or 0) < len(self._mids)
        if not is_known:
            self._metrics.refused.labels("candidate").inc()
            raise InvalidError("the candidate belongs to no media section", reason="bad_candidate")
        if candidate.strip():
            await self._call_all([candidate])

    def send(self, data: bytes) -> bool:
        """Send a message of UTF-8 on the data channel; False where there is none, or it does not take more."""
        return self._channel.send(data)

    def stats(self) -> PeerStats:
        sender = self._sender
        local, remote = self._agent.pair()
        return PeerStats(
            rtt_ms=(sender.rtt_s or 0.0) * 1000,
            fraction_lost=sender.fraction_lost,
            packets_lost=sender.packets_lost,
            packets_sent=sender.packets_sent,
            bytes_sent=sender.bytes_sent,
            packets_resent=sender.packets_resent,
            bits_per_second=sender.bits_per_second,
            rate=sender.rate,
            frames=sender.frames,
            key_frames=sender.key_frames,
            key_requests=sender.key_requests,
            local_candidate=local,
            remote_candidate=remote,
        )

    async def close(self) -> None:
        """End it and wait until everything is freed. Any number of times; a caller that is cancelled does not stop
        it."""
        self._end(PeerState.CLOSED, "closed")
        assert self._ending is not None
        await asyncio.shield(self._ending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Negotiating

    def _begin(self) -> None:
        if self._mids is not None or self.state is not PeerState.NEW:
            raise ConflictError("this peer has been negotiated", reason="negotiated")
        self._mids = ()

    async def _ourselves(self) -> Ourselves:
        candidates = await self._agent.gather()
        if not candidates:
            raise BusyError("no address or port is left to be reached by", reason="no_candidates")
        return Ourselves(
            ufrag=self._agent.ufrag,
            password=self._agent.password,
            fingerprint=self._dtls.fingerprint,
            candidates=candidates,
            ssrc=self._sender.ssrc,
            retransmit_ssrc=self._sender.retransmit_ssrc,
            name=self._sender.name,
        )

    async def _call_all(self, candidates: Sequence[str]) -> None:
        for text in candidates:
            self._candidates += 1
            if self._candidates > MAX_CANDIDATES:
                self._metrics.refused.labels("candidate").inc()
                raise InvalidError("too many candidates", reason="too_many_candidates")
            try:
                candidate = read_candidate(text)
            except InvalidError:
                self._metrics.refused.labels("candidate").inc()
                raise
            await self._agent.call(candidate)

    async def _wait_for_answer(self) -> None:
        await asyncio.sleep(self._connect_timeout_s)
        self._end(PeerState.FAILED, "no_answer")

    def _connect(self, agreement: Agreement, *, controlling: bool) -> None:
        self._change(PeerState.CONNECTING)
        self._connecting = spawn(self._run(agreement, controlling=controlling), name="webrtc-peer")

    # Running

    async def _run(self, agreement: Agreement, *, controlling: bool) -> None:
        how = "failed"
        try:
            began = asyncio.get_running_loop().time()
            async with asyncio.timeout(self._connect_timeout_s):
                if not await self._handshake(agreement, controlling=controlling):
                    return
            self._slot.connected()
            self._metrics.connect_seconds.observe(asyncio.get_running_loop().time() - began)
            self._metrics.selected.labels(self._agent.pair()[0] or "unknown").inc()
            self._change(PeerState.CONNECTED)
            self._watching = spawn(self._watch(), name="webrtc-watch")
            self._subscription = self._subscribe(agreement.video.codec)
            await self._sender.run(agreement.video, self._subscription)
        except TimeoutError:
            how = "timeout"
            _log.info("webrtc_not_connected", ice=self._agent.transport.state, dtls=str(self._dtls.state))
        except StreamEndedError:
            how = "stream_ended"
        except (ConnectionError, ClocheError):
            how = "lost"
        except Exception as error:  # noqa: BLE001  The top of a task; aiortc raises what its parts raise.
            _log.warning("webrtc_peer_failed", error=type(error).__name__)
        finally:
            self._end(PeerState.FAILED, how)

    async def _handshake(self, agreement: Agreement, *, controlling: bool) -> bool:
        if not await self._agent.start(agreement.remote, controlling=controlling):
            return False
        # Where it is left to us we begin (active), as our answer says.
        self._dtls._set_role("server" if agreement.remote.setup == "active" else "client")
        fingerprints = [RTCDtlsFingerprint(name, value) for name, value in agreement.remote.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        if self._dtls.state != "connected":
            return False
        if agreement.data is not None:
            await self._sctp.start(RTCSctpCapabilities(agreement.data.max_message_bytes), agreement.data.port)
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            silent_s = asyncio.get_running_loop().time() - self._agent.heard_s
            self._change(PeerState.DISCONNECTED if silent_s > SILENCE_S else PeerState.CONNECTED)
            with suppress(ConnectionError):
                await self._sender.tick()

    def _transport_changed(self) -> None:
        """ICE has lost consent (half a minute of silence), or DTLS was closed by the viewer."""
        if self.state in (PeerState.CONNECTED, PeerState.DISCONNECTED) and (
            self._dtls.state in ("closed", "failed") or self._agent.transport.state == "failed"
        ):
            self._end(PeerState.FAILED, "left" if self._agent.transport.state == "completed" else "lost")

    def _left_out(self, why: Refusal) -> None:
        self._metrics.candidates_left_out.labels(why).inc()

    def _message_dropped(self, why: str) -> None:
        self._metrics.messages_dropped.labels(why).inc()
        self._on_dropped(why)

    def _violated(self, where: str) -> None:
        if self._ending is None:
            _log.info("webrtc_violation", where=where)
        self._end(PeerState.FAILED, "violation")

    # Ending

    def _change(self, state: PeerState) -> None:
        if state is not self.state and not self.state.is_final:
            self.state = state
            self._on_state(state)

    def _end(self, state: PeerState, how: str) -> None:
        if self._ending is None:
            self._ending = spawn(self._free(), name="webrtc-end")
            self._metrics.ended.labels(how).inc()
            self._change(state)

    async def _free(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
        await _quietly(self._sender.say_goodbye())
        await cancel_and_wait(self._connecting, self._watching)
        if self._subscription is not None:
            self._subscription.close()
        pump = self._dtls._task
        await _quietly(self._sctp.stop())
        await _quietly(self._dtls.stop())
        await _quietly(self._agent.stop())
        if pump is not None:
            await asyncio.wait([pump])
            if not pump.cancelled():
                pump.exception()  # taken, or asyncio would complain
        for emitter in (self._dtls, self._sctp, self._agent.transport):
            emitter.remove_all_listeners()
        self._slot.release()
        self._metrics.peers.dec()


class _Negotiation:
    """What fails in it ends the peer, and is told as one of our errors."""

    def __init__(self, peer: WebRtcPeer, what: str) -> None:
        self._peer = peer
        self._what = what

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        await self._peer.close()
        if isinstance(error, InvalidError):
            self._peer._metrics.refused.labels(self._what).inc()
        elif isinstance(error, Exception) and not isinstance(error, ClocheError):
            _log.warning("webrtc_negotiation_failed", error=type(error).__name__)
            raise InternalError("WebRTC could not be set up") from None


async def _quietly(step: Awaitable[None]) -> None:
    """A step of the way down. What fails there must not keep the next from being done."""
    try:
        await step
    except Exception as error:  # noqa: BLE001
        _log.debug("webrtc_end_step", error=type(error).__name__)
