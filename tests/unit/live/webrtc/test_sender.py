"""What the sender puts on the wire, on a wire that only remembers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiortc import rtp
from prometheus_client import CollectorRegistry

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.live.model import Chunk, Codec
from cloche.live.watching import StreamEndedError
from cloche.live.webrtc import packets
from cloche.live.webrtc.describe import MID, PLAYOUT_DELAY, SEND_TIME, VideoRoute
from cloche.live.webrtc.metrics import WebRtcMetrics
from cloche.live.webrtc.rate import WARM_UP_S
from cloche.live.webrtc.sender import HISTORY, RESEND_BURST, VideoSender

ROUTE = VideoRoute(Codec.VP8, "0", 96, 97, {MID: 1, SEND_TIME: 2, PLAYOUT_DELAY: 3}, {})
NOW_MS = 1_700_000_000_000


class Wire:
    state = "connected"

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def _send_rtp(self, data: bytes) -> None:
        self.sent.append(data)

    def _register_rtp_sender(self, sender: object, parameters: object) -> None:
        pass

    def video(self) -> list[rtp.RtpPacket]:
        return [rtp.RtpPacket.parse(data) for data in self.sent if not rtp.is_rtcp(data)]


class Given:
    """A subscription with what it is given."""

    codec = Codec.VP8
    dropped = 0

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Chunk] = asyncio.Queue()
        self.taken = asyncio.Condition()
        self.keys_asked = 0
        self.rates: list[int | None] = []

    async def next(self) -> Chunk:
        return await self.queue.get()

    def ask_key(self) -> None:
        self.keys_asked += 1

    def set_rate(self, bits_per_second: int | None) -> None:
        self.rates.append(bits_per_second)

    def acknowledge(self, seq: int) -> None:
        raise AssertionError

    def close(self) -> None:
        pass


class Stage:
    def __init__(self) -> None:
        self.wire: Any = Wire()
        self.given = Given()
        self.sender = VideoSender(self.wire, WebRtcMetrics(CollectorRegistry()))
        self.task = spawn(self.sender.run(ROUTE, self.given), name="sender")

    async def send(self, data: bytes, *, taken_at_ms: int = NOW_MS, codec: Codec = Codec.VP8) -> None:
        """Have one frame sent, and wait until it is."""
        frames = self.sender.frames
        self.given.queue.put_nowait(Chunk(codec, 1, data, True, taken_at_ms, 320, 240))
        async with asyncio.timeout(10):
            while not self.given.queue.empty() or (codec is Codec.VP8 and self.sender.frames == frames):
                await asyncio.sleep(0)
            while self.wire.sent and not self.wire.video()[-1].marker:
                await asyncio.sleep(0)

    async def feedback(self, packet: Any) -> None:
        await self.sender._handle_rtcp_packet(packet)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await cancel_and_wait(made.task)


async def test_a_frame_is_packets_of_one_timestamp_of_which_the_last_is_marked(stage: Stage) -> None:
    await stage.send(b"x" * 5000)
    sent = stage.wire.video()
    assert len(sent) == 5
    assert {packet.timestamp for packet in sent} == {packets.timestamp_of(NOW_MS)}
    assert [packet.marker for packet in sent] == [0, 0, 0, 0, 1]
    first = sent[0].sequence_number
    assert [packet.sequence_number - first for packet in sent] == [0, 1, 2, 3, 4]
    assert {packet.payload_type for packet in sent} == {96}


async def test_timestamps_grow_and_are_of_no_time_to_come(stage: Stage) -> None:
    for taken_at_ms in (NOW_MS, NOW_MS, NOW_MS - 500, NOW_MS * 2):
        await stage.send(b"x", taken_at_ms=taken_at_ms)
    first, second, third, last = (packet.timestamp for packet in stage.wire.video())
    assert (second - first, third - second) == (90, 90)
    assert last != packets.timestamp_of(NOW_MS * 2)


async def test_a_large_frame_is_sent_whole_and_others_run_meanwhile(stage: Stage) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = spawn(count(), name="count")
    await stage.send(b"x" * 400_000)
    await cancel_and_wait(counting)
    assert len(stage.wire.video()) == -(-400_000 // 1156)
    assert turns > 5


async def test_chunks_of_another_codec_are_not_sent(stage: Stage) -> None:
    await stage.send(b"jpeg", codec=Codec.JPEG)
    assert not stage.wire.sent


async def test_a_lost_packet_is_sent_again_in_the_stream_for_that(stage: Stage) -> None:
    await stage.send(b"x" * 5000)
    lost = stage.wire.video()[2]
    await stage.feedback(rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[lost.sequence_number]))
    again = stage.wire.video()[-1]
    assert (again.payload_type, again.ssrc) == (97, stage.sender.retransmit_ssrc)
    assert rtp.unwrap_rtx(again, payload_type=96, ssrc=stage.sender.ssrc).payload == lost.payload
    assert stage.sender.packets_resent == 1


async def test_a_whole_key_frame_can_be_had_again(stage: Stage) -> None:
    await stage.send(b"x" * 250_000)
    numbers = [packet.sequence_number for packet in stage.wire.video()]
    assert 128 < len(numbers) < HISTORY
    await stage.feedback(rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=numbers))
    assert stage.sender.packets_resent == len(numbers)


async def test_who_asks_for_everything_again_and_again_does_not_get_it(stage: Stage) -> None:
    await stage.send(b"x" * 50_000)
    numbers = [packet.sequence_number for packet in stage.wire.video()]
    for _ in range(100):
        await stage.feedback(rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=numbers))
    assert stage.sender.packets_resent <= RESEND_BURST


async def test_packets_that_were_never_sent_are_not_sent_again(stage: Stage) -> None:
    await stage.send(b"x")
    number = stage.wire.video()[0].sequence_number
    await stage.feedback(rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[number + HISTORY, number + 1, 70_000]))
    assert stage.sender.packets_resent == 0


async def test_a_picture_loss_asks_for_a_key_frame(stage: Stage) -> None:
    await stage.send(b"x")
    await stage.feedback(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI, ssrc=1, media_ssrc=stage.sender.ssrc))
    await stage.feedback(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_FIR, ssrc=1, media_ssrc=stage.sender.ssrc))
    assert stage.given.keys_asked == stage.sender.key_requests == 2


def report(stage: Stage, *, fraction_lost: int, highest: int) -> rtp.RtcpRrPacket:
    info = rtp.RtcpReceiverInfo(
        ssrc=stage.sender.ssrc,
        fraction_lost=fraction_lost,
        packets_lost=7,
        highest_sequence=highest,
        jitter=0,
        lsr=0,
        dlsr=0,
    )
    return rtp.RtcpRrPacket(ssrc=1, reports=[info])


async def test_losses_reach_the_subscription_as_a_rate(stage: Stage) -> None:
    await stage.send(b"x" * 100_000)
    await stage.sender.tick()
    await stage.feedback(report(stage, fraction_lost=0, highest=1000))
    assert stage.given.rates == []
    await stage.feedback(report(stage, fraction_lost=128, highest=1100))
    assert len(stage.given.rates) == 1
    assert (stage.sender.fraction_lost, stage.sender.packets_lost) == (0.5, 7)


async def test_remb_is_taken_from_those_that_name_our_stream(stage: Stage) -> None:
    await stage.send(b"x" * 100_000)
    # As if it had gone on for a while at two megabits.
    stage.sender._rate._began_s -= WARM_UP_S + 1
    stage.sender._rate.sent(2_000_000)

    async def remb(bits_per_second: int, ssrc: int) -> None:
        fci = rtp.pack_remb_fci(bits_per_second, [ssrc])
        await stage.feedback(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci))

    await remb(1_800_000, 12345)
    await remb(1_200_000, 12345)
    assert stage.given.rates == []
    await remb(1_800_000, stage.sender.ssrc)
    await remb(1_200_000, stage.sender.ssrc)
    assert stage.given.rates == [1_200_000]


async def test_reports_are_sent_once_there_was_video(stage: Stage) -> None:
    await stage.sender.tick()
    assert not stage.wire.sent
    await stage.send(b"x")
    await stage.sender.tick()
    (sent, _) = rtp.RtcpPacket.parse(stage.wire.sent[-1])
    assert isinstance(sent, rtp.RtcpSrPacket)
    assert sent.ssrc == stage.sender.ssrc
    await stage.sender.say_goodbye()
    assert isinstance(rtp.RtcpPacket.parse(stage.wire.sent[-1])[0], rtp.RtcpByePacket)


async def test_the_end_of_the_stream_is_told() -> None:
    stage = Stage()

    async def ended() -> Chunk:
        raise StreamEndedError

    stage.given.next = ended  # type: ignore[method-assign]
    with pytest.raises(StreamEndedError):
        await stage.task
