"""The live WebSocket over real sockets: first words, pictures, input, WebRTC, and every way in which it ends."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloche.api.auth.tokens import TokenRole
from cloche.api.live.settings import LiveDoorSettings
from cloche.errors import BusyError, GoneError
from cloche.ids import SessionId, new_session_id
from cloche.live.messages import KeyDown, MouseDown, MouseMove
from cloche.live.model import Codec, Right, Transport
from cloche.live.webrtc.ice import IceSettings
from cloche.sessions.live.interface import LeaveReason
from cloche.sessions.model import EndReason
from cloche.testing.api import RunningApi, running_api
from cloche.testing.live import JPEG, FakeSeat, FakeSessionLive
from cloche.testing.live_peers import GOOD_SDP, FakePeers

HEAD = struct.Struct(">BBHHHIQ")


@dataclass
class Rig:
    api: RunningApi
    live: FakeSessionLive
    peers: FakePeers
    session_id: SessionId

    def url(self, role: TokenRole = TokenRole.CONTROL, *, lifetime_s: float = 600, query: str = "") -> str:
        expires_at = datetime.now(UTC) + timedelta(seconds=lifetime_s)
        token = self.api.signer.mint(self.session_id, role, expires_at)
        return f"{self.base}?token={token}{query}"

    @property
    def base(self) -> str:
        return f"ws://127.0.0.1:{self.api.port}/v1/sessions/{self.session_id}/live/ws"


@asynccontextmanager
async def rigged(**settings: Any) -> AsyncIterator[Rig]:
    peers = FakePeers()
    async with running_api(live=LiveDoorSettings(**settings), make_peer=peers) as api:
        live = FakeSessionLive()
        api.manager.session_live = live
        yield Rig(api, live, peers, await api.session_id())


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as made:
        yield made


class Viewer:
    """A viewer's side: what it is told, by type."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, type_: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": type_, **fields}))

    async def hear(self, type_: str) -> dict[str, Any]:
        """The next message of this type; others are passed over."""
        while True:
            message = await self.receive()
            if isinstance(message, dict) and message["type"] == type_:
                return message

    async def picture(self) -> tuple[tuple[int, ...], bytes]:
        while True:
            message = await self.receive()
            if isinstance(message, bytes):
                return HEAD.unpack(message[: HEAD.size]), message[HEAD.size :]

    async def receive(self) -> Any:
        async with asyncio.timeout(20):
            message = await self.connection.recv()
        return json.loads(message) if isinstance(message, str) else message


@asynccontextmanager
async def viewer(url: str, **options: Any) -> AsyncIterator[Viewer]:
    options = {"max_size": None, "proxy": None, "compression": None, "ping_interval": None} | options
    async with connect(url, **options) as connection:
        yield Viewer(connection)


@asynccontextmanager
async def seated(rig: Rig, url: str | None = None, **options: Any) -> AsyncIterator[tuple[Viewer, FakeSeat]]:
    async with viewer(url or rig.url(), **options) as each:
        await each.hear("hello")
        yield each, rig.live.seats[-1]


async def close_of(connection: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(20):
        with pytest.raises(ConnectionClosed) as raised:
            while True:
                await connection.recv()
    frame = raised.value.rcvd
    return (frame.code, frame.reason) if frame else (1006, "")


async def status_of(url: str, **options: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as raised:
        async with viewer(url, **options):
            raise AssertionError("the door let it in")
    response = raised.value.response
    return response.status_code, json.loads(bytes(response.body or b"{}"))


# First words


async def test_the_first_words_are_hello_and_the_whole_state(rig: Rig) -> None:
    async with viewer(rig.url(lifetime_s=600)) as each:
        hello = await each.receive()
        assert hello["type"] == "hello" and hello["protocol"] == 1 and hello["viewer_id"] == "v1"
        assert hello["right"] == "control" and hello["session_id"] == rig.session_id
        assert hello["transports"] == ["webrtc", "webcodecs", "jpeg"] and hello["codecs"] == ["h264", "vp8"]
        assert hello["ice_servers"] == [] and hello["clipboard"] == "in" and "Pixel 8" in hello["devices"]
        assert datetime.fromisoformat(hello["expires_at"]) > datetime.now(UTC)
        assert await each.receive() == {"type": "state", "viewers": [], "tabs": []}


async def test_a_view_link_gives_the_right_to_watch_and_a_key_the_right_to_act(rig: Rig) -> None:
    async with seated(rig, rig.url(TokenRole.VIEW, query="&name=Ann%07a")) as (_, seat):
        assert seat.right is Right.VIEW and seat.joining.principal is None and seat.joining.name == "Anna"
    async with viewer(rig.base, additional_headers={"X-API-Key": rig.api.user_key}) as each:
        assert (await each.hear("hello"))["expires_at"] is None
        seat = rig.live.seats[-1]
        assert seat.right is Right.CONTROL
        assert seat.joining.principal is not None and seat.joining.principal.name == "alice"


async def test_turn_credentials_in_hello_are_the_viewers_own_and_end() -> None:
    ice = IceSettings(turn_urls=("turn:turn.test:3478",), turn_secret="s" * 20, stun="stun:stun.test:3478")
    async with rigged(ice=ice) as rig, viewer(rig.url()) as each:
        servers = (await each.hear("hello"))["ice_servers"]
        assert servers[0] == {"urls": ["stun:stun.test:3478"]}
        assert servers[1]["username"].partition(":")[2].endswith(".v1") and servers[1]["credential"]


# Who is not let in


async def test_who_has_no_right_to_the_live_view_is_refused_before_the_upgrade(rig: Rig) -> None:
    drive = rig.api.signer.mint(rig.session_id, TokenRole.DRIVE)
    assert (await status_of(f"{rig.base}?token={drive}"))[0] == 403
    assert (await status_of(rig.base))[0] == 401
    assert (await status_of(f"{rig.base}?token=nonsense"))[0] == 401
    other = rig.api.signer.mint(new_session_id(), TokenRole.VIEW)
    assert (await status_of(f"{rig.base}?token={other}"))[0] == 401
    assert (await status_of(rig.base, additional_headers={"X-API-Key": rig.api.other_key}))[0] == 404
    assert rig.live.everyone == []


async def test_a_page_of_another_origin_is_refused(rig: Rig) -> None:
    status, problem = await status_of(rig.url(), origin="https://evil.test")
    assert status == 403 and problem["code"] == "denied"
    async with seated(rig, origin=f"http://127.0.0.1:{rig.api.port}"):
        pass


async def test_an_expired_link_is_told_so_in_a_close_code(rig: Rig) -> None:
    async with viewer(rig.url(lifetime_s=-5)) as each:
        assert await close_of(each.connection) == (4401, "link_expired")
    assert rig.live.everyone == []


async def test_a_full_or_ended_session_is_told_in_a_close_code(rig: Rig) -> None:
    rig.live.max_viewers = 1
    async with seated(rig), viewer(rig.url()) as second:
        assert await close_of(second.connection) == (4429, "viewers_full")
    rig.live.join_error = GoneError("it has ended", reason="closed_by_user")
    async with viewer(rig.url()) as each:
        assert await close_of(each.connection) == (4410, "session_ended")
    rig.live.join_error = BusyError("no", reason="viewers_full")
    await rig.api.manager.end(rig.session_id, EndReason.CLOSED_BY_USER)
    async with viewer(rig.url()) as each:
        assert await close_of(each.connection) == (4410, "session_ended")


async def test_what_is_no_upgrade_or_no_path_of_the_door_is_an_http_answer(rig: Rig) -> None:
    assert (await status_of(rig.base + "x"))[0] == 404
    async with rig.api.http(rig.api.user_key) as client:
        answer = await client.get(f"/v1/sessions/{rig.session_id}/live/ws")
    assert answer.status_code == 404


# Pictures


async def test_video_comes_in_binary_messages_with_their_head(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="webcodecs", codecs=["vp8", "h264"], reason="webrtc_timeout")
        assert await each.hear("started") == {"type": "started", "transport": "webcodecs", "codec": "vp8"}
        head, data = await each.picture()
        assert head == (3, 1, 640, 360, 0, 1, 1_700_000_000_001) and data == JPEG
        assert seat.transports == [(Transport.WEBCODECS, Codec.VP8, "webrtc_timeout")]
        await each.say("ack", seq=1)
        await each.say("need_key")
        await rig.live.until(lambda: seat.subscriptions[0].acknowledged == [1])
        await rig.live.until(lambda: seat.subscriptions[0].keys_asked == 1)


async def test_a_change_of_transport_ends_what_was_before(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="webcodecs", codecs=["h264"])
        assert (await each.picture())[0][0] == 2
        await each.say("start", transport="jpeg", reason="decoder_failed")
        assert (await each.hear("started"))["codec"] == "jpeg"
        assert (await each.picture())[0][0] == 1
        assert [each.is_closed for each in seat.subscriptions] == [True, False]
        await each.say("start", transport="none")
        assert (await each.hear("started")) == {"type": "started", "transport": "none", "codec": None}
        assert seat.subscriptions[-1].is_closed and seat.transports[-1] == (None, None, "")
    await rig.live.until(lambda: not rig.live.seats)


async def test_without_an_encoder_the_viewer_is_told_to_fall_back(rig: Rig) -> None:
    rig.live.codecs = (Codec.JPEG,)
    async with seated(rig) as (each, _):
        await each.say("start", transport="webcodecs", codecs=["h264"])
        assert (await each.hear("error"))["code"] == "video_unavailable"
        await each.say("start", transport="jpeg", reason="video_unavailable")
        assert (await each.picture())[1] == JPEG


async def test_what_this_server_does_not_offer_is_refused() -> None:
    async with rigged(transports=(Transport.WEBCODECS,), codecs=(Codec.VP8,)) as rig, seated(rig) as (each, seat):
        await each.say("start", transport="jpeg")
        assert (await each.hear("error"))["code"] == "transport_off"
        await each.say("start", transport="webcodecs", codecs=["h264"])
        assert (await each.hear("error"))["code"] == "no_common_codec"
        await each.say("offer", sdp=GOOD_SDP)
        assert (await each.hear("error"))["code"] == "not_started"
        assert seat.subscriptions == []


async def test_nothing_is_captured_for_a_page_that_is_hidden(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="jpeg")
        await each.picture()
        await each.say("hidden", hidden=True)
        await rig.live.until(lambda: seat.subscriptions[0].is_closed)
        await each.say("hidden", hidden=False)
        await each.picture()
        assert len(seat.subscriptions) == 2 and not seat.subscriptions[1].is_closed


async def test_without_acknowledgements_only_a_few_pictures_are_sent(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="jpeg")
        seqs = [(await each.picture())[0][5]]
        stream = seat.subscriptions[0]
        for _ in range(7):
            stream.show()
            seqs.append((await each.picture())[0][5])
        stream.show()
        await each.say("ping", t=1)
        await each.hear("pong")
        assert len(stream.taken) == 8
        await each.say("ack", seq=seqs[-1])
        assert (await each.picture())[0][5] == stream.taken[-1] == 9
        await each.say("ack", seq=4_000_000_000)  # never sent: means nothing
        await each.say("ping", t=2)
        await each.hear("pong")
        assert stream.acknowledged == [seqs[-1]]


# What viewers say


async def test_input_goes_to_the_seat_in_order(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("mousemove", x=1, y=2)
        await each.say("mousedown", x=1, y=2, button="left")
        await each.say("keydown", key="a", code="KeyA")
        await rig.live.until(lambda: len(seat.taken) == 3)
        assert [type(message) for message in seat.taken] == [MouseMove, MouseDown, KeyDown]


async def test_a_ping_comes_back_with_the_servers_clock(rig: Rig) -> None:
    async with seated(rig) as (each, _):
        await each.say("ping", t=123.5)
        pong = await each.hear("pong")
        assert pong["t"] == 123.5
        assert abs(pong["server_ms"] / 1000 - datetime.now(UTC).timestamp()) < 60


async def test_news_reach_the_viewer_and_reports_the_seat(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.hear("state")
        seat.tell("notice", {"code": "view_only", "message": "no"})
        assert (await each.hear("notice"))["code"] == "view_only"
        await each.say("report", fps=30, rtt_ms=5)
        await rig.live.until(lambda: seat.reports)
        assert seat.reports[0].fps == 30


@pytest.mark.parametrize(
    "message",
    [
        "",
        "nonsense",
        "[]",
        '{"type": "teleport"}',
        '{"type": "mousemove", "x": NaN, "y": 1}',
        '{"type": "mousemove", "x": 1e309, "y": 1}',
        '{"type": "mousemove", "x": 10000000, "y": 1}',
        '{"type": "mousemove", "x": "1", "y": 1}',
        '{"type": "mousedown", "x": 1, "y": 1, "button": "paw"}',
        '{"type": "start", "transport": "pigeon"}',
        '{"type": "touch", "phase": "start", "points": ' + "[" * 500 + "]" * 500 + "}",
        '{"type": "text", "text": "' + "x" * 300_000 + '"}',
        b"\x00\x01",
        b"x" * 300_000,
    ],
    ids=lambda message: repr(message)[:40],
)
async def test_what_is_no_message_is_dropped_and_counted_and_the_connection_goes_on(
    rig: Rig, message: str | bytes
) -> None:
    async with seated(rig) as (each, seat):
        await each.connection.send(message)
        assert (await each.hear("error"))["code"] == "malformed_message"
        await each.say("mousemove", x=1, y=1)
        await rig.live.until(lambda: seat.taken)
        assert len(seat.drops) == 1


async def test_a_message_in_many_fragments_is_one_message_and_a_too_large_one_is_none(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.connection.send(iter(['{"type": "mous', 'emove", "x": 1,', ' "y": 2}']))
        await rig.live.until(lambda: seat.taken)
        await each.connection.send(iter(["x" * 100_000] * 4))
        await each.say("mousemove", x=3, y=4)
        await rig.live.until(lambda: len(seat.taken) == 2)
        assert len(seat.drops) == 1


async def test_a_flood_of_malformed_messages_closes_with_a_reason(rig: Rig) -> None:
    async with seated(rig) as (each, _):
        for _ in range(200):
            await each.connection.send("nonsense")
        assert await close_of(each.connection) == (1008, "flood")


async def test_a_flood_of_pings_is_dropped_and_closes_with_a_reason(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        for _ in range(5000):
            await each.say("ping", t=1)
        assert await close_of(each.connection) == (1008, "flood")
        assert set(seat.drops) == {"flood"}


async def test_a_peer_that_breaks_the_protocol_is_told_so(rig: Rig) -> None:
    async with seated(rig) as (each, _):
        each.connection.transport.write(b"\x81\x05hello")  # without a mask
        assert (await close_of(each.connection))[0] == 1002
    await rig.live.until(lambda: not rig.live.seats)


# WebRTC


async def test_an_offer_on_the_websocket_gets_an_answer_and_pictures_flow_when_it_connects(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="webrtc")
        assert (await each.hear("started"))["transport"] == "webrtc"
        await each.say("offer", sdp=GOOD_SDP)
        assert "answer" in (await each.hear("answer"))["sdp"]
        await each.say("candidate", candidate="candidate:1 1 udp 1 127.0.0.1 5000 typ host", sdp_mid="0")
        await each.say("candidate", candidate="garbage")
        assert (await each.hear("error"))["code"] == "bad_candidate"
        (peer,) = rig.peers.made
        assert len(peer.candidates) == 1
        peer.connect()
        assert seat.transports[-1] == (Transport.WEBRTC, Codec.H264, "")
        assert peer.subscription is not None and (await peer.subscription.next()).seq == 1


async def test_the_server_makes_the_offer_when_asked_to(rig: Rig) -> None:
    async with seated(rig) as (each, _):
        await each.say("start", transport="webrtc")
        await each.say("request_offer", codecs=["vp8"])
        assert "offer" in (await each.hear("offer"))["sdp"]
        await each.say("answer", sdp=GOOD_SDP)
        await each.say("answer", sdp="garbage")
        assert (await each.hear("error"))["code"] == "bad_sdp"
        assert rig.peers.made[0].codecs == [Codec.VP8]


async def test_garbage_in_place_of_sdp_is_an_error_and_the_connection_goes_on(rig: Rig) -> None:
    async with seated(rig) as (each, _):
        await each.say("start", transport="webrtc")
        await each.say("offer", sdp="garbage")
        assert (await each.hear("error"))["code"] == "bad_sdp"
        await each.say("candidate", candidate="garbage")
        assert (await each.hear("error"))["code"] == "bad_candidate"
        await each.say("start", transport="jpeg", reason="webrtc_failed")
        await each.picture()
        assert rig.peers.made[0].is_closed


async def test_a_connection_that_fails_is_told_and_one_that_was_replaced_is_not(rig: Rig) -> None:
    async with seated(rig) as (each, _):
        await each.say("start", transport="webrtc")
        await each.say("offer", sdp=GOOD_SDP)
        await each.hear("answer")
        await each.say("offer", sdp=GOOD_SDP)
        await each.hear("answer")
        first, second = rig.peers.made
        assert first.is_closed
        second.connect()
        await second.fail()
        assert (await each.hear("error"))["code"] == "webrtc_failed"


async def test_the_data_channel_takes_input_but_nothing_about_webrtc(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="webrtc")
        await each.say("offer", sdp=GOOD_SDP)
        await each.hear("answer")
        (peer,) = rig.peers.made
        peer.connect()
        peer.say(b'{"type": "mousemove", "x": 1, "y": 2}')
        peer.say(b'{"type": "ping", "t": 7}')
        peer.say(b'{"type": "offer", "sdp": "v=0"}')
        assert [type(message) for message in seat.taken] == [MouseMove]
        assert json.loads(peer.sent[0])["t"] == 7 and json.loads(peer.sent[1])["type"] == "error"
        assert len(seat.drops) == 1 and len(rig.peers.made) == 1


async def test_a_hidden_page_gets_nothing_over_webrtc_either(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="webrtc")
        await each.say("offer", sdp=GOOD_SDP)
        await each.hear("answer")
        (peer,) = rig.peers.made
        peer.connect()
        peer.say(b'{"type": "hidden", "hidden": true}')
        await rig.live.until(lambda: seat.subscriptions[0].is_closed)
        peer.say(b'{"type": "hidden", "hidden": false}')
        await rig.live.until(lambda: len(seat.subscriptions) == 2)
        assert peer.subscription is not None and (await peer.subscription.next()).seq == 1
        await each.say("start", transport="none")
        await each.hear("started")
        assert peer.is_closed and seat.subscriptions[1].is_closed


async def test_a_connections_own_figures_are_told_to_the_session() -> None:
    async with rigged(report_every_s=0.01) as rig, seated(rig) as (each, seat):
        await each.say("start", transport="webrtc")
        await each.say("offer", sdp=GOOD_SDP)
        await each.hear("answer")
        rig.peers.made[0].connect()
        await rig.live.until(lambda: seat.reports)
        assert seat.reports[0].rtt_ms == 12.5 and seat.reports[0].bits_per_second == 8000


# Ends


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (LeaveReason.LEFT, 1000),
        (LeaveReason.FLOOD, 1008),
        (LeaveReason.LINK_EXPIRED, 4401),
        (LeaveReason.REMOVED, 4403),
        (LeaveReason.SESSION_ENDED, 4410),
        (LeaveReason.SERVER_STOPPING, 1001),
    ],
)
async def test_the_end_of_a_place_is_told_in_the_close_code(rig: Rig, reason: LeaveReason, code: int) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="jpeg")
        await each.picture()
        seat.end(reason)
        assert await close_of(each.connection) == (code, reason.value)
        assert seat.subscriptions[0].is_closed
    await rig.live.until(lambda: not rig.live.seats)


async def test_a_link_that_ends_while_it_is_watched_closes_with_4401(rig: Rig) -> None:
    async with viewer(rig.url(lifetime_s=2)) as each:
        await each.hear("hello")
        assert await close_of(each.connection) == (4401, "link_expired")


async def test_a_viewer_that_leaves_gives_its_place_back(rig: Rig) -> None:
    async with seated(rig) as (each, seat):
        await each.say("start", transport="webrtc")
        await each.say("offer", sdp=GOOD_SDP)
        await each.hear("answer")
        rig.peers.made[0].connect()
    await rig.live.until(lambda: not rig.live.seats)
    assert await seat.ended is LeaveReason.LEFT
    assert rig.peers.made[0].is_closed and rig.peers.limits.peers == 0
    async with seated(rig) as (each, seat):
        each.connection.transport.abort()
    await rig.live.until(lambda: not rig.live.seats)


async def test_a_viewer_that_never_reads_costs_little_and_is_given_up() -> None:
    async with rigged(patience_s=0.5) as rig, seated(rig, max_queue=1) as (each, seat):
        await each.say("start", transport="jpeg")
        each.connection.transport.pause_reading()
        await rig.live.until(lambda: seat.subscriptions)
        stream = seat.subscriptions[0]
        big = bytes(4 << 20)
        while not seat.ended.done():
            stream.show(big)
            seat.tell("state", {"tabs": []})
            await asyncio.sleep(0.02)
        assert await seat.ended is LeaveReason.UNRESPONSIVE
        assert len(stream.taken) < 8
        each.connection.transport.abort()
    assert rig.live.seats == []


async def test_who_gives_no_sign_of_life_is_given_up() -> None:
    async with rigged(ping_every_s=0.1) as rig:
        async with seated(rig) as (each, seat):
            each.connection.transport.pause_reading()
            async with asyncio.timeout(20):
                assert await seat.ended is LeaveReason.UNRESPONSIVE
            each.connection.transport.abort()
        async with seated(rig) as (each, seat):  # who answers pings stays
            for _ in range(8):
                await each.connection.ping()
                await asyncio.sleep(0.05)
            assert not seat.ended.done()


async def test_the_server_says_goodbye_when_it_stops() -> None:
    async with rigged() as rig:
        url = rig.url()
        connection = await connect(url, proxy=None, compression=None, ping_interval=None)
    assert await close_of(connection) == (1001, "server_stopping")


async def test_fifty_viewers_at_once_each_get_theirs(rig: Rig) -> None:
    rig.live.max_viewers = 100

    async def watch() -> str:
        async with viewer(rig.url(TokenRole.VIEW)) as each:
            hello = await each.hear("hello")
            await each.say("start", transport="jpeg")
            await each.picture()
            return str(hello["viewer_id"])

    ids = await asyncio.gather(*(watch() for _ in range(50)))
    assert len(set(ids)) == 50
    await rig.live.until(lambda: not rig.live.seats)
