"""What shows a viewer pictures ends with its place, at whatever moment that comes."""

import asyncio
from contextlib import suppress
from typing import cast

import pytest

from cloche.api.live.parts import LiveParts
from cloche.api.live.settings import LiveDoorSettings
from cloche.api.live.socket import LiveSocket
from cloche.api.live.streams import SocketStreams
from cloche.concurrency.tasks import spawn
from cloche.ids import new_session_id
from cloche.live.messages import Offer, Start
from cloche.live.model import Right
from cloche.sessions.live.interface import Joining
from cloche.testing.live import FakeSessionLive
from cloche.testing.live_peers import GOOD_SDP, FakePeers


class Parts:
    """As much of `LiveParts` as streams take."""

    def __init__(self, peers: FakePeers) -> None:
        self.settings = LiveDoorSettings()
        self.make_peer = peers


class Mouth:
    """As much of `LiveSocket` as streams take."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    def answer(self, text: bytes) -> None:
        self.said.append(text)


@pytest.mark.parametrize("steps", range(12))
async def test_a_place_that_ends_while_a_viewer_changes_its_transport_leaves_no_webrtc_behind(steps: int) -> None:
    peers, mouth = FakePeers(), Mouth()
    async with FakeSessionLive().join(Joining(right=Right.VIEW)) as seat:
        streams = SocketStreams(cast(LiveParts, Parts(peers)), new_session_id(), seat, cast(LiveSocket, mouth))
        running = spawn(streams.run(), name="running")
        streams.order(Start(transport="webrtc"))
        streams.order(Offer(sdp=GOOD_SDP))
        peer = await peers.coming.get()
        peer.connect()
        await asyncio.sleep(0.01)
        streams.order(Start(transport="none"))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await streams.close()
    assert peer.is_closed and peers.limits.peers == 0
