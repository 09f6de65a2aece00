"""A peer and another implementation of WebRTC (aiortc's own connection), over loopback.

What a peer leaves behind (sockets, tasks) fails each of these tests by itself: tests/conftest.py looks.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import aioice.ice
import pytest
from aioice.stun import Class, Message, Method
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription
from av import VideoFrame
from prometheus_client import CollectorRegistry

from cloche.concurrency.tasks import spawn
from cloche.errors import BusyError, ClocheError, ConflictError, InvalidError
from cloche.live.model import VIDEO, Codec
from cloche.live.webrtc import agent, peer
from cloche.live.webrtc.candidates import CallRule
from cloche.live.webrtc.ice import IceSettings, read_ice_settings
from cloche.live.webrtc.limits import PeerLimits
from cloche.live.webrtc.metrics import WebRtcMetrics
from cloche.live.webrtc.model import PeerState
from cloche.live.webrtc.peer import WebRtcPeer
from cloche.testing.turn import TurnServer
from cloche.testing.webrtc import ColourVideo

COLOUR: Final = (200, 30, 60)
PATIENCE_S: Final = 15.0
LOOPBACK: Final = read_ice_settings(loopback=True)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any other address: aioice never takes 127.0.0.1 by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    monkeypatch.setattr(agent, "get_host_addresses", lambda use_ipv4, use_ipv6: [])


class Host:
    """Our side."""

    def __init__(self, settings: IceSettings = LOOPBACK, *, connect_timeout_s: float = PATIENCE_S) -> None:
        self.videos: list[ColourVideo] = []
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.dropped: asyncio.Queue[str] = asyncio.Queue()
        self.states: list[PeerState] = []
        self.limits = PeerLimits()
        self.registry = CollectorRegistry()
        self.metrics = WebRtcMetrics(self.registry)
        self._told: asyncio.Queue[PeerState] = asyncio.Queue()
        self.peer = WebRtcPeer(
            self._subscribe,
            settings,
            self.messages.put_nowait,
            self._take,
            slot=self.limits.take("one"),
            metrics=self.metrics,
            on_dropped=self.dropped.put_nowait,
            connect_timeout_s=connect_timeout_s,
        )

    async def reaches(self, state: PeerState) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await self._told.get() is not state:
                pass

    def _take(self, state: PeerState) -> None:
        self.states.append(state)
        self._told.put_nowait(state)

    def _subscribe(self, codec: Codec) -> ColourVideo:
        self.videos.append(ColourVideo(codec, COLOUR))
        return self.videos[-1]


class Viewer:
    """Their side."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.track: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.heard: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.channel: asyncio.Future[RTCDataChannel] = asyncio.get_running_loop().create_future()
        self.pc.on("track", self.track.set_result)
        self.pc.on("datachannel", self._listen)

    async def offer(self, label: str = "input") -> str:
        self.pc.addTransceiver("video", direction="recvonly")
        self._listen(self.pc.createDataChannel(label))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def answer(self, sdp: str) -> str:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return str(self.pc.localDescription.sdp)

    async def frame(self) -> VideoFrame:
        async with asyncio.timeout(PATIENCE_S):
            return await (await self.track).recv()

    async def open_channel(self) -> RTCDataChannel:
        async with asyncio.timeout(PATIENCE_S):
            channel = await self.channel
            opened = asyncio.Event()
            channel.on("open", opened.set)
            if channel.readyState != "open":
                await opened.wait()
        return channel

    def _listen(self, channel: RTCDataChannel) -> None:
        channel.on("message", self.heard.put_nowait)
        self.channel.set_result(channel)


MakeHost = Callable[..., Host]


@pytest.fixture
async def hosts() -> AsyncIterator[MakeHost]:
    made: list[Host] = []

    def make(*args: Any, **options: Any) -> Host:
        made.append(Host(*args, **options))
        return made[-1]

    yield make
    for host in made:
        await host.peer.close()
        assert host.limits.peers == 0
        assert host.registry.get_sample_value("cloche_webrtc_peers") == 0


@pytest.fixture
async def viewer() -> AsyncIterator[Viewer]:
    made = Viewer()
    yield made
    await made.pc.close()
    # Tasks that aiortc started for itself end in the turns after.
    ours = asyncio.current_task()
    for _ in range(50):
        if not [t for t in asyncio.all_tasks() if t is not ours and "aiortc" in repr(t.get_coro())]:
            break
        await asyncio.sleep(0.01)


async def viewer_offers(viewer: Viewer, host: Host, *codecs: Codec) -> None:
    await viewer.accept(await host.peer.answer(await viewer.offer(), codecs or VIDEO))


async def host_offers(viewer: Viewer, host: Host, *codecs: Codec) -> None:
    await host.peer.accept(await viewer.answer(await host.peer.offer(codecs or VIDEO)))


OFFERING = pytest.mark.parametrize("offering", [viewer_offers, host_offers])


@OFFERING
@pytest.mark.parametrize("codec", VIDEO)
async def test_video_arrives_whoever_offers(
    hosts: MakeHost, viewer: Viewer, offering: Callable[..., Awaitable[None]], codec: Codec
) -> None:
    host = hosts()
    await offering(viewer, host, codec)
    for _ in range(10):
        frame = await viewer.frame()
    rgb = bytes(frame.reformat(format="rgb24").planes[0])[:3]
    assert all(abs(seen - sent) <= 12 for seen, sent in zip(rgb, COLOUR, strict=True))
    assert host.peer.codec is codec
    assert host.states == [PeerState.CONNECTING, PeerState.CONNECTED]
    stats = host.peer.stats()
    assert (stats.frames >= 10, stats.key_frames) == (True, 1)
    assert stats.local_candidate == "host"
    await host.peer.close()
    assert host.states[-1] is PeerState.CLOSED
    assert host.videos[0].closes


@OFFERING
async def test_messages_go_both_ways(hosts: MakeHost, viewer: Viewer, offering: Callable[..., Awaitable[None]]) -> None:
    host = hosts()
    assert not host.peer.send(b"too early")
    await offering(viewer, host)
    channel = await viewer.open_channel()
    channel.send('{"type":"ping"}')
    channel.send(b'{"type":"as bytes"}')
    async with asyncio.timeout(PATIENCE_S):
        assert [await host.messages.get(), await host.messages.get()] == [b'{"type":"ping"}', b'{"type":"as bytes"}']
        assert host.peer.send('{"type":"pong","text":"é"}'.encode())
        assert await viewer.heard.get() == '{"type":"pong","text":"é"}'


async def test_a_message_too_large_is_dropped_and_told(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    channel = await viewer.open_channel()
    # It does as if it had not read what our SDP says.
    channel.transport._remote_max_message_size = 1 << 20
    channel.send("x" * (17 << 10))
    channel.send("small")
    async with asyncio.timeout(PATIENCE_S):
        assert await host.messages.get() == b"small"
        assert await host.dropped.get() == "too_large"


async def test_what_a_viewer_does_not_take_does_not_pile_up(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    await viewer.open_channel()
    async with asyncio.timeout(PATIENCE_S):
        while not host.peer.send(b"x"):
            await asyncio.sleep(0.01)
    sent = sum(host.peer.send(b"x" * 10_000) for _ in range(100))
    assert sent <= 26
    assert host.dropped.get_nowait() == "not_taken"


async def test_channels_of_other_names_are_closed(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer.accept(await host.peer.answer(await viewer.offer("other")))
    channel = await viewer.open_channel()
    closed = asyncio.Event()
    channel.on("close", closed.set)
    async with asyncio.timeout(PATIENCE_S):
        if channel.readyState != "closed":
            await closed.wait()
    assert not host.peer.send(b"x")


async def test_a_viewer_that_opens_channel_after_channel_is_thrown_out(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    await viewer.open_channel()
    for number in range(20):
        viewer.pc.createDataChannel(f"c{number}")
    await host.reaches(PeerState.FAILED)
    assert host.registry.get_sample_value("cloche_webrtc_ended_total", {"how": "violation"}) == 1


async def test_fragments_without_end_are_not_kept(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    channel = await viewer.open_channel()
    channel.transport._remote_max_message_size = 0
    channel.send("x" * (1 << 20))
    await host.reaches(PeerState.FAILED)


async def test_a_key_frame_is_asked_for_where_the_viewer_asks(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    await viewer.frame()
    receiver = viewer.pc.getReceivers()[0]
    await receiver._send_rtcp_pli(host.peer._sender.ssrc)
    async with asyncio.timeout(PATIENCE_S):
        while host.videos[0].keys_asked == 0:
            await viewer.frame()


async def test_the_subscription_ends_with_the_viewer(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    await viewer.frame()
    await viewer.pc.close()
    await host.reaches(PeerState.FAILED)
    await host.peer.close()
    assert host.states[-1] is PeerState.FAILED
    assert host.videos[0].closes


async def test_the_peer_ends_with_its_pictures(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    await viewer.frame()
    host.videos[0].close()
    await host.reaches(PeerState.FAILED)
    assert host.registry.get_sample_value("cloche_webrtc_ended_total", {"how": "stream_ended"}) == 1


async def test_silence_is_told_and_is_not_the_end(
    hosts: MakeHost, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The viewer's reports come about once a second.
    monkeypatch.setattr(peer, "SILENCE_S", 0.1)
    monkeypatch.setattr(peer, "TICK_S", 0.02)
    host = hosts()
    await viewer_offers(viewer, host)
    await host.reaches(PeerState.DISCONNECTED)
    await host.reaches(PeerState.CONNECTED)


async def test_an_offer_that_nobody_follows_up_ends(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts(connect_timeout_s=0.2)
    offer = await viewer.offer()
    quiet = "\r\n".join(line for line in offer.splitlines() if "candidate" not in line)
    await host.peer.answer(quiet)
    await host.reaches(PeerState.FAILED)
    await host.peer.close()
    assert host.states == [PeerState.CONNECTING, PeerState.FAILED]
    assert not host.videos


async def test_an_offer_of_ours_that_nobody_answers_ends(hosts: MakeHost) -> None:
    host = hosts(connect_timeout_s=0.2)
    await host.peer.offer()
    await host.reaches(PeerState.FAILED)
    with pytest.raises(ConflictError):
        await host.peer.accept("v=0")


@pytest.mark.parametrize("sdp", ["", "garbage", "v=0\n" * 3000, "v=0\r\nm=video 9 X 96\r\n", "v=0\n" + "x" * 70_000])
async def test_garbage_is_refused_and_frees_everything(hosts: MakeHost, sdp: str) -> None:
    host = hosts()
    with pytest.raises(InvalidError) as caught:
        await host.peer.answer(sdp)
    assert caught.value.fields["reason"] == "bad_sdp"
    assert host.limits.peers == 0
    assert host.registry.get_sample_value("cloche_webrtc_refused_total", {"what": "offer"}) == 1


async def test_a_garbled_answer_is_refused_and_frees_everything(hosts: MakeHost) -> None:
    host = hosts()
    offer = await host.peer.offer()
    with pytest.raises(InvalidError):
        await host.peer.accept(offer)
    assert host.limits.peers == 0


async def test_a_peer_is_negotiated_once(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    offer = await viewer.offer()
    answer = await host.peer.answer(offer)
    for again in (host.peer.answer(offer), host.peer.offer(), host.peer.accept(answer)):
        with pytest.raises(ConflictError):
            await again


async def test_candidates_trickle_in(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    offer = await viewer.offer()
    found = [line.removeprefix("a=") for line in offer.splitlines() if line.startswith("a=candidate")]
    bare = "\r\n".join(line for line in offer.splitlines() if "candidate" not in line)
    answer = await host.peer.answer(bare)
    # Theirs does not call us: we have to.
    await viewer.accept("\r\n".join(line for line in answer.splitlines() if "candidate" not in line) + "\r\n")
    await host.peer.add_candidate("candidate:1 1 udp 1 5f7a0ae3-2b6a-4e8e.local 50000 typ host", "0", 0)
    await host.peer.add_candidate("", "0", 0)
    for line in found:
        await host.peer.add_candidate(line, "0", 0)
    await viewer.frame()
    assert host.registry.get_sample_value("cloche_webrtc_candidates_left_out_total", {"reason": "name"}) == 1


async def test_candidates_are_bounded_and_belong_somewhere(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    line = "candidate:1 1 udp 1 93.184.215.14 50000 typ host"
    with pytest.raises(ConflictError):
        await host.peer.add_candidate(line, "0", 0)
    await host.peer.answer(await viewer.offer())
    for wrong in (("7", None), (None, 9), (None, -1)):
        with pytest.raises(InvalidError):
            await host.peer.add_candidate(line, *wrong)
    with pytest.raises(InvalidError):
        await host.peer.add_candidate("candidate:garbage", "0", 0)
    with pytest.raises(InvalidError) as caught:
        for _ in range(65):
            await host.peer.add_candidate(line, None, None)
    assert caught.value.fields["reason"] == "too_many_candidates"
    await host.peer.close()
    await host.peer.add_candidate(line, "0", 0)


async def test_no_packet_goes_to_an_address_that_must_not_be_called(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    with bound("169.254.169.254") as metadata, bound("127.0.0.1") as allowed:
        offer = await viewer.offer()
        bare = "\r\n".join(line for line in offer.splitlines() if "candidate" not in line)
        await host.peer.answer(bare)
        for sock in (metadata, allowed):
            address, port = sock.getsockname()
            await host.peer.add_candidate(f"candidate:1 1 udp 1 {address} {port} typ host", "0", 0)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().sock_recv(allowed, 2048)
        with pytest.raises(BlockingIOError):
            metadata.recv(2048)


def bound(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((address, 0))
    return sock


async def test_a_strangers_datagrams_do_no_harm(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    answer = await host.peer.answer(await viewer.offer())
    await viewer.accept(answer)
    await viewer.frame()
    ports = [one.port for one in SessionDescription.parse(answer).media[0].ice_candidates if one.ip == "127.0.0.1"]
    with bound("127.0.0.1") as stranger:
        for data in (b"", b"\x16\xfe\xfd", b"\x80\xc9" + bytes(30), b"\0\1\0\4" + bytes(20), b"\x80" * 9000):
            for port in ports:
                stranger.sendto(data, ("127.0.0.1", port))
    for _ in range(10):
        await viewer.frame()
    assert host.states[-1] is PeerState.CONNECTED


async def test_ports_are_taken_from_the_range_and_it_may_be_full(hosts: MakeHost, viewer: Viewer) -> None:
    settings = read_ice_settings(loopback=True, udp_ports="40100-40101")
    peers = [hosts(settings) for _ in range(3)]
    offers = [await one.peer.offer() for one in peers[:2]]
    ports = {one.port for offer in offers for one in SessionDescription.parse(offer).media[0].ice_candidates}
    assert ports == {40100, 40101}
    with pytest.raises(BusyError) as caught:
        await peers[2].peer.offer()
    assert caught.value.fields["reason"] == "no_candidates"


async def test_the_public_address_stands_in_our_description(hosts: MakeHost) -> None:
    offer = await hosts(read_ice_settings(loopback=True, public_address="93.184.215.99")).peer.offer()
    ips = [one.ip for one in SessionDescription.parse(offer).media[0].ice_candidates]
    assert "93.184.215.99" in ips
    assert "127.0.0.1" not in ips


async def test_loopback_is_not_offered_where_the_daemon_is_not_bound_to_it(
    hosts: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.2", "93.184.215.20"])
    offer = await hosts(read_ice_settings()).peer.offer()
    assert [one.ip for one in SessionDescription.parse(offer).media[0].ice_candidates] == ["93.184.215.20"]


async def test_servers_that_do_not_answer_hold_nothing_up_for_long(hosts: MakeHost) -> None:
    with bound("127.0.0.1") as deaf:
        number = deaf.getsockname()[1]
        settings = IceSettings(
            stun=f"stun:127.0.0.1:{number}",
            turn_urls=(f"turn:127.0.0.1:{number}",),
            turn_secret="secret",
            loopback=True,
            gather_timeout_s=0.2,
        )
        host = hosts(settings)
        assert SessionDescription.parse(await host.peer.offer()).media[0].ice_candidates
        asked = [deaf.recv(2048)[:2] for _ in range(2)]
        assert sorted(asked) == [b"\0\1", b"\0\3"]


async def test_video_is_relayed_with_credentials_that_expire(hosts: MakeHost, viewer: Viewer) -> None:
    async with TurnServer("the secret") as turn:
        host = hosts(relayed_by(turn, "the secret"))
        answer = await host.peer.answer(await viewer.offer())
        assert [one.type for one in SessionDescription.parse(answer).media[0].ice_candidates] == ["relay"]
        await viewer.accept(answer)
        for _ in range(10):
            await viewer.frame()
        assert host.peer.stats().local_candidate == "relay"
        assert turn.relayed > 10
        await host.peer.close()
        assert turn.allocations == 0


async def test_without_the_right_secret_nothing_is_relayed(hosts: MakeHost) -> None:
    async with TurnServer("the secret") as turn:
        host = hosts(relayed_by(turn, "another"))
        with pytest.raises(BusyError) as caught:
            await host.peer.offer()
        assert caught.value.fields["reason"] == "no_candidates"
        assert (turn.allocations, turn.refused) == (0, 2)


async def test_a_turn_server_that_dies_does_not_keep_a_peer_from_ending(
    hosts: MakeHost, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "STOP_TIMEOUT_S", 0.2)
    async with TurnServer("the secret") as turn:
        host = hosts(relayed_by(turn, "the secret"))
        await viewer.accept(await host.peer.answer(await viewer.offer()))
        await viewer.frame()
    async with asyncio.timeout(PATIENCE_S):
        await host.peer.close()


def relayed_by(turn: TurnServer, secret: str) -> IceSettings:
    return read_ice_settings(
        turn_urls=(f"turn:127.0.0.1:{turn.port}",), turn_secret=secret, relay_only=True, loopback=True
    )


async def test_closing_again_or_while_cancelled_frees_everything(hosts: MakeHost, viewer: Viewer) -> None:
    host = hosts()
    await viewer_offers(viewer, host)
    await viewer.frame()
    closing = [spawn(host.peer.close(), name="close") for _ in range(3)]
    await asyncio.sleep(0)
    closing[0].cancel()
    with suppress(asyncio.CancelledError):
        await closing[0]
    await asyncio.gather(*closing[1:])
    assert host.limits.peers == 0
    assert host.states.count(PeerState.CLOSED) == 1


async def test_hundreds_of_offers_at_once_are_turned_away(hosts: MakeHost, viewer: Viewer) -> None:
    limits = PeerLimits()
    offer = await viewer.offer()
    answered = 0
    refused = 0
    peers: list[WebRtcPeer] = []

    async def one() -> None:
        nonlocal answered, refused
        try:
            slot = limits.take("one")
        except BusyError:
            refused += 1
            return
        made = WebRtcPeer(
            lambda codec: ColourVideo(codec),
            LOOPBACK,
            bytes,
            bool,
            slot=slot,
            metrics=WebRtcMetrics(CollectorRegistry()),
        )
        peers.append(made)
        with suppress(ClocheError):
            await made.answer(offer)
            answered += 1

    await asyncio.gather(*(one() for _ in range(300)))
    assert (answered, refused) == (4, 296)
    for made in peers:
        await made.close()
    assert limits.peers == 0


async def _answers_check(connection: agent.ViewerConnection, source: str) -> bool:
    """Whether a check that proves to be the viewer's, from that address, is answered."""
    (ours,) = connection._protocols
    check = Message(message_method=Method.BINDING, message_class=Class.REQUEST)
    check.attributes["USERNAME"] = f"{connection.local_username}:them"
    check.attributes["PRIORITY"] = 1
    check.attributes["ICE-CONTROLLING"] = 1
    check.add_message_integrity(connection.local_password.encode())
    viewer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    viewer.setblocking(False)
    with viewer:
        viewer.bind((source, 0))
        viewer.sendto(bytes(check), (ours.local_candidate.host, ours.local_candidate.port))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                return bool(await asyncio.get_running_loop().sock_recv(viewer, 2048))
    return False


async def test_who_must_not_be_called_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answered viewer takes the pair for a good one and tries no other, on which it would have been called."""
    here, elsewhere, private = "93.184.215.20", "93.184.215.21", "172.20.77.5"
    monkeypatch.setattr(agent, "get_host_addresses", lambda use_ipv4, use_ipv6: [here])
    connection = agent.ViewerConnection(IceSettings(), CallRule(loopback=False, private=False), "somebody")
    await connection.gather_candidates()
    assert not await _answers_check(connection, private)
    assert await _answers_check(connection, elsewhere)
    await connection.close()
