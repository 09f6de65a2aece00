"""Sends one viewer's video: chunks into packets, packets at an even pace, lost packets again.

Key frames are bursts: a hundred packets at once overrun the buffers of slow links. So after some packets there is a
short pause, and all pauses of a frame together stay below `PACE_S`. What was sent is kept for a while; what the viewer
misses (NACK, RFC 4585) is sent again, within a budget, as the viewer may ask for whatever it likes. What it cannot get
again it asks a key frame for (PLI).
"""

import asyncio
import secrets
import time
from collections import deque
from typing import Final

from aiortc import rtp
from aiortc.rtcrtpparameters import RTCRtpSendParameters

from cloche.live.model import Chunk
from cloche.live.watching import Subscription
from cloche.live.webrtc import packets
from cloche.live.webrtc.describe import MID, PLAYOUT_DELAY, SEND_TIME, VideoRoute
from cloche.live.webrtc.metrics import WebRtcMetrics
from cloche.live.webrtc.payloads import payloads_of
from cloche.live.webrtc.rate import Rate
from cloche.live.webrtc.transports import VideoDtls

HISTORY: Final = 512
"""Packets that can be sent again: about 600 KB."""
BURST: Final = 16
PAUSES: Final = 10
"""Of one frame, at most."""
PAUSE_S: Final = 0.001
PACE_S: Final = 0.012
RESEND_SHARE: Final = 0.5
"""Of the packets sent, and what `RESEND_BURST` allows: so much may be sent again."""
RESEND_BURST: Final = 256.0
RATE_STEP: Final = 0.03
"""Changes of the rate smaller than that are not worth telling."""
_NO_DELAY: Final = bytes(3)
"""playout-delay: minimum and maximum 0, show at once."""


class VideoSender:
    """One per peer. `run` sends until the subscription ends or is closed; `tick` is called every second."""

    def __init__(self, dtls: VideoDtls, metrics: WebRtcMetrics) -> None:
        self._dtls = dtls
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._ssrc = 1 + secrets.randbelow((1 << 32) - 1)  # aiortc's router reads it
        self.retransmit_ssrc = self._ssrc ^ 0x5A5A5A5A or 1
        self.name = secrets.token_hex(8)
        self._route: VideoRoute | None = None
        self._subscription: Subscription | None = None
        self._history: dict[int, tuple[bytes, int]] = {}
        # In the lower half: SRTP's rollover counter must not be guessed wrong at the start (RFC 3711, section 3.3.1).
        self._sequence = secrets.randbelow(packets.SEQUENCES // 2)
        self._resend_sequence = secrets.randbelow(packets.SEQUENCES // 2)
        self._resend_budget = RESEND_BURST
        self._picture_id = secrets.randbelow(1 << 15)
        self._last_ms = 0
        self._sent_lately: deque[tuple[float, int]] = deque(maxlen=3)
        self._rate = Rate(self._loop.time())
        self._told_rate: int | None = None
        self._highest: int | None = None
        self.rtt_s: float | None = None
        self.fraction_lost = 0.0
        self.packets_lost = 0
        self.packets_sent = 0
        self.bytes_sent = 0
        self.packets_resent = 0
        self.frames = 0
        self.key_frames = 0
        self.key_requests = 0

    @property
    def ssrc(self) -> int:
        return self._ssrc

    @property
    def rate(self) -> int | None:
        return self._rate.bits_per_second

    @property
    def bits_per_second(self) -> float:
        if len(self._sent_lately) < 2:
            return 0.0
        (began, before), (ended, after) = self._sent_lately[0], self._sent_lately[-1]
        return (after - before) * 8 / max(ended - began, 0.001)

    async def run(self, route: VideoRoute, subscription: Subscription) -> None:
        """Send. Raises: StreamEndedError, ConnectionError."""
        self._route, self._subscription = route, subscription
        self._rate = Rate(self._loop.time())
        self._dtls._register_rtp_sender(self, RTCRtpSendParameters())
        while True:
            chunk = await subscription.next()
            if chunk.codec is route.codec and chunk.data:
                await self._send(route, chunk)

    async def tick(self) -> None:
        """Every second while connected: report to the viewer, and judge the rate."""
        self._sent_lately.append((self._loop.time(), self.bytes_sent))
        self._rate.sent(self.bits_per_second)
        self._tell_rate()
        if self.packets_sent:
            report = packets.sender_report(
                ssrc=self._ssrc,
                now_s=time.time(),
                packets=self.packets_sent,
                octets=self.bytes_sent,
                name=self.name,
            )
            await self._dtls._send_rtp(report)

    async def say_goodbye(self) -> None:
        if self.packets_sent and self._dtls.state == "connected":
            await self._dtls._send_rtp(packets.goodbye(self._ssrc))

    async def _send(self, route: VideoRoute, chunk: Chunk) -> None:
        payloads = payloads_of(route.codec, chunk.data, self._picture_id)
        self._picture_id += 1
        self.frames += 1
        self.key_frames += chunk.is_key
        timestamp = packets.timestamp_of(self._in_order(chunk.taken_at_ms))
        burst = max(BURST, -(-len(payloads) // PAUSES))
        began = self._loop.time()
        for index, payload in enumerate(payloads, 1):
            is_last = index == len(payloads)
            await self._send_packet(route, payload, timestamp, is_first=index == 1, is_last=is_last)
            if index % burst == 0 and not is_last and self._loop.time() - began < PACE_S:
                await asyncio.sleep(PAUSE_S)

    async def _send_packet(
        self, route: VideoRoute, payload: bytes, timestamp: int, *, is_first: bool, is_last: bool
    ) -> None:
        extensions = self._extensions(route, is_first=is_first)
        packet = packets.rtp_packet(
            payload_type=route.payload_type,
            is_last=is_last,
            sequence=self._sequence,
            timestamp=timestamp,
            ssrc=self._ssrc,
            extensions=extensions,
            payload=payload,
        )
        self._history[self._sequence % HISTORY] = packet, 12 + len(extensions)
        self._sequence = (self._sequence + 1) % packets.SEQUENCES
        self._resend_budget = min(self._resend_budget + RESEND_SHARE, RESEND_BURST)
        self.packets_sent += 1
        self.bytes_sent += len(packet)
        await self._dtls._send_rtp(packet)

    def _extensions(self, route: VideoRoute, *, is_first: bool) -> bytes:
        elements: list[tuple[int, bytes]] = []
        if (number := route.extensions.get(SEND_TIME)) is not None:
            elements.append((number, packets.send_time_of(time.time())))
        if is_first and (number := route.extensions.get(PLAYOUT_DELAY)) is not None:
            elements.append((number, _NO_DELAY))
        # Only until the viewer has surely learned which section the stream belongs to (RFC 8843, section 9.2).
        if self.packets_sent < 200 and (number := route.extensions.get(MID)) is not None:
            elements.append((number, route.mid.encode()[:16]))
        return packets.header_extensions(elements)

    def _in_order(self, taken_at_ms: int) -> int:
        """Timestamps of frames grow, whatever the browser says, and are of no time to come."""
        self._last_ms = max(min(taken_at_ms, int(time.time() * 1000)), self._last_ms + 1)
        return self._last_ms

    async def _handle_rtcp_packet(self, packet: rtp.AnyRtcpPacket) -> None:
        """Called by aiortc with what the viewer reports. Bounded work for each."""
        if isinstance(packet, rtp.RtcpRrPacket | rtp.RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self._take_report(report)
        elif isinstance(packet, rtp.RtcpRtpfbPacket) and packet.fmt == rtp.RTCP_RTPFB_NACK:
            for sequence in packet.lost:
                await self._resend(sequence % packets.SEQUENCES)
        elif isinstance(packet, rtp.RtcpPsfbPacket):
            self._take_feedback(packet)
        self._tell_rate()

    def _take_report(self, report: rtp.RtcpReceiverInfo) -> None:
        self.fraction_lost = report.fraction_lost / 256
        self.packets_lost = report.packets_lost
        rtt_s = packets.round_trip_s(now_s=time.time(), last_report=report.lsr, delay=report.dlsr)
        if rtt_s is not None:
            self.rtt_s = rtt_s if self.rtt_s is None else 0.8 * self.rtt_s + 0.2 * rtt_s
        came = 0 if self._highest is None else (report.highest_sequence - self._highest) & 0xFFFF
        self._highest = report.highest_sequence
        self._rate.report(fraction_lost=self.fraction_lost, packets=came, rtt_s=rtt_s, now_s=self._loop.time())

    def _take_feedback(self, packet: rtp.RtcpPsfbPacket) -> None:
        if packet.fmt in (rtp.RTCP_PSFB_PLI, rtp.RTCP_PSFB_FIR):
            self.key_requests += 1
            self._metrics.key_requests.inc()
            if self._subscription is not None:
                self._subscription.ask_key()
        elif packet.fmt == rtp.RTCP_PSFB_APP:
            bits_per_second, ssrcs = rtp.unpack_remb_fci(packet.fci)
            if self._ssrc in ssrcs:
                self._rate.remb(bits_per_second, self._loop.time())

    async def _resend(self, sequence: int) -> None:
        packet, head_bytes = self._history.get(sequence % HISTORY, (b"", 0))
        if packet[2:4] != sequence.to_bytes(2, "big") or self._resend_budget < 1 or self._route is None:
            return
        self._resend_budget -= 1
        self.packets_resent += 1
        self._metrics.resent.inc()
        if self._route.retransmit_type is not None:
            packet = packets.retransmission(
                packet,
                head_bytes=head_bytes,
                payload_type=self._route.retransmit_type,
                sequence=self._resend_sequence,
                ssrc=self.retransmit_ssrc,
            )
            self._resend_sequence = (self._resend_sequence + 1) % packets.SEQUENCES
        await self._dtls._send_rtp(packet)

    def _tell_rate(self) -> None:
        rate, told = self._rate.bits_per_second, self._told_rate
        if self._subscription is None or rate == told:
            return
        if rate is None or told is None or abs(rate - told) > RATE_STEP * told:
            self._told_rate = rate
            self._subscription.set_rate(rate)
