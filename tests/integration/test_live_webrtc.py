"""The live view over real WebRTC, with aiortc as the viewer: both ways to offer, input, and the end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.client import connect

from cloche.api.live.settings import LiveDoorSettings
from cloche.ids import SessionId
from cloche.live.messages import MouseDown, MouseMove
from cloche.live.model import Codec, Transport
from cloche.live.webrtc.ice import IceSettings
from cloche.testing.api import RunningApi, running_api
from cloche.testing.live import FakeSessionLive


class Rig:
    def __init__(self, api: RunningApi, session_id: SessionId) -> None:
        self.api, self.id, self.live = api, session_id, FakeSessionLive()
        self.live.shows_at_once = False
        api.manager.session_live = self.live


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    settings = LiveDoorSettings(ice=IceSettings(loopback=True))
    async with running_api(live=settings) as api:
        yield Rig(api, await api.session_id())


@asynccontextmanager
async def viewer() -> AsyncIterator[tuple[RTCPeerConnection, RTCDataChannel]]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", direction="recvonly")
    channel = connection.createDataChannel("input")
    await connection.setLocalDescription(await connection.createOffer())
    try:
        yield connection, channel
    finally:
        await connection.close()


async def opened(channel: RTCDataChannel) -> None:
    is_open = asyncio.Event()
    channel.on("open", is_open.set)
    if channel.readyState == "open":
        return
    async with asyncio.timeout(20):
        await is_open.wait()


def answer_of(told: dict[str, Any]) -> RTCSessionDescription:
    return RTCSessionDescription(sdp=told["sdp"], type="answer")


async def test_an_offer_by_http_connects_and_its_channel_takes_input(rig: Rig) -> None:
    async with viewer() as (connection, channel), rig.api.http(rig.api.user_key) as client:
        offer = {"type": "offer", "sdp": connection.localDescription.sdp}
        answer = await client.post(f"/v1/sessions/{rig.id}/live/offer", json=offer)
        assert answer.status_code == 200, answer.text
        await connection.setRemoteDescription(answer_of(answer.json()))
        await opened(channel)
        heard: asyncio.Queue[str] = asyncio.Queue()
        channel.on("message", heard.put_nowait)
        channel.send('{"type": "mousemove", "x": 1, "y": 2}')
        channel.send("garbage")
        channel.send('{"type": "ping", "t": 3}')
        (seat,) = rig.live.seats
        await rig.live.until(lambda: seat.taken and seat.drops)
        assert isinstance(seat.taken[0], MouseMove)
        async with asyncio.timeout(20):
            told = [json.loads(await heard.get())["type"] for _ in range(2)]
        assert told == ["error", "pong"]
        await rig.live.until(lambda: seat.subscriptions)
        transport, codec, _ = seat.transports[-1]
        assert transport is Transport.WEBRTC and codec in (Codec.H264, Codec.VP8)
    async with asyncio.timeout(60):
        await seat.ended  # the viewer has closed its side
    await rig.live.until(lambda: not rig.live.seats)
    assert seat.subscriptions[0].is_closed


async def test_the_isolation_api_understands_its_own_messages_over_webrtc(rig: Rig) -> None:
    async with viewer() as (connection, channel), rig.api.http(rig.api.user_key) as client:
        offer = {"type": "offer", "sdp": connection.localDescription.sdp}
        answer = await client.post(f"/api/sessions/{rig.id}/offer", json=offer)
        assert answer.status_code == 200, answer.text
        await connection.setRemoteDescription(answer_of(answer.json()))
        await opened(channel)
        channel.send('{"type": "mousedown", "x": 1, "y": 2, "button": "left"}')
        (seat,) = rig.live.seats
        await rig.live.until(lambda: seat.taken)
        assert isinstance(seat.taken[0], MouseDown)


async def test_the_server_offers_when_asked_on_the_websocket(rig: Rig) -> None:
    url = f"ws://127.0.0.1:{rig.api.port}/v1/sessions/{rig.id}/live/ws"
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channels: asyncio.Queue[RTCDataChannel] = asyncio.Queue()
    connection.on("datachannel", channels.put_nowait)
    async with connect(url, proxy=None, additional_headers={"X-API-Key": rig.api.user_key}) as socket:

        async def hear(type_: str) -> dict[str, Any]:
            async with asyncio.timeout(20):
                while True:
                    told: dict[str, Any] = json.loads(await socket.recv())
                    if told["type"] == type_:
                        return told

        await socket.send('{"type": "start", "transport": "webrtc"}')
        await socket.send('{"type": "request_offer", "codecs": ["vp8"]}')
        offer = await hear("offer")
        await connection.setRemoteDescription(RTCSessionDescription(sdp=offer["sdp"], type="offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        await socket.send(json.dumps({"type": "answer", "sdp": connection.localDescription.sdp}))
        async with asyncio.timeout(20):
            channel = await channels.get()
        await opened(channel)
        channel.send('{"type": "mousemove", "x": 1, "y": 2}')
        (seat,) = rig.live.seats
        await rig.live.until(lambda: seat.taken and seat.subscriptions)
        assert seat.transports[-1][:2] == (Transport.WEBRTC, Codec.VP8)
        await socket.send('{"type": "start", "transport": "jpeg", "reason": "no_frames"}')
        await rig.live.until(lambda: len(seat.subscriptions) == 2)
        assert seat.subscriptions[0].is_closed
    await connection.close()


@pytest.mark.parametrize("sdp", ["v=0", "x" * 60_000, "v=0\r\n" * 10_000, "\x00", "☃" * 1000], ids=range(5))
async def test_garbage_is_refused_by_the_real_thing_too(rig: Rig, sdp: str) -> None:
    async with rig.api.http(rig.api.user_key) as client:
        answer = await client.post(f"/v1/sessions/{rig.id}/live/offer", json={"type": "offer", "sdp": sdp})
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_request"
    await rig.live.until(lambda: not rig.live.seats)


async def test_hundreds_of_real_offers_at_once_are_all_answered(rig: Rig) -> None:
    rig.live.max_viewers = 1000
    async with viewer() as (connection, _), rig.api.http(rig.api.user_key) as client:
        offer = {"type": "offer", "sdp": connection.localDescription.sdp}
        path = f"/v1/sessions/{rig.id}/live/offer"
        answers = await asyncio.gather(*(client.post(path, json=offer) for _ in range(200)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 429} and 1 <= statuses.count(200) <= 4
