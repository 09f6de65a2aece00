"""A real Chromium page decodes what a peer sends, whoever makes the offer.

Chromium hides its addresses behind names that only multicast DNS knows, so it is found by the packets it sends.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry

from cloche.live.model import Codec
from cloche.live.webrtc.ice import read_ice_settings
from cloche.live.webrtc.limits import PeerLimits
from cloche.live.webrtc.metrics import WebRtcMetrics
from cloche.live.webrtc.model import PeerState
from cloche.live.webrtc.peer import WebRtcPeer
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.web.server import LocalWeb
from cloche.testing.webrtc import ColourVideo

COLOUR: Final = (200, 30, 60)
PATIENCE_S: Final = 20.0

VIEWER: Final = """
(() => {
  const pc = new RTCPeerConnection({iceServers: []});
  const v = globalThis.viewer = {pc, candidates: [], heard: [], said: [], stamps: []};
  const video = v.video = document.createElement('video');
  video.muted = true; video.autoplay = true;
  document.body.append(video);
  pc.onicecandidate = event => event.candidate && v.candidates.push(event.candidate.toJSON());
  pc.ontrack = event => {
    video.srcObject = new MediaStream([event.track]);
    video.play();
    const next = (now, frame) => {
      v.stamps.push([frame.rtpTimestamp, Date.now()]);
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  };
  const listen = channel => {
    v.channel = channel;
    channel.onmessage = event => v.heard.push(event.data);
    channel.onopen = () => channel.send('{"type":"ping","t":1}');
    if (channel.readyState === 'open') channel.onopen();
  };
  pc.ondatachannel = event => listen(event.channel);
  v.offer = async () => {
    pc.addTransceiver('video', {direction: 'recvonly'});
    listen(pc.createDataChannel('input'));
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  };
  v.accept = sdp => pc.setRemoteDescription({type: 'answer', sdp});
  v.answer = async sdp => {
    await pc.setRemoteDescription({type: 'offer', sdp});
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  };
  v.inbound = async () => [...(await pc.getStats()).values()].find(s => s.type === 'inbound-rtp') || {};
  v.codec = async () => {
    const stats = await pc.getStats();
    const inbound = [...stats.values()].find(s => s.type === 'inbound-rtp');
    return stats.get(inbound.codecId).mimeType;
  };
  v.pixel = () => {
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    return [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
  };
})()
"""


class Viewer:
    """The page, and the calls of the script above."""

    def __init__(self, page: CdpPage) -> None:
        self._page = page

    async def call(self, expression: str) -> Any:
        answer = await self._page.send(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
            timeout_s=2 * PATIENCE_S,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Ask, with the page's own pauses, until it is true."""
        waiting = f"""new Promise(async (done, fail) => {{
          for (let tries = 0; tries < 400; tries++) {{
            const value = await ({expression});
            if (value) return done(value);
            await new Promise(r => setTimeout(r, 50));
          }}
          fail(new Error('never: ' + {json.dumps(expression)}));
        }})"""
        return await self.call(waiting)


@pytest.fixture(scope="module")
def chromium_of_viewers(_web: LocalWeb) -> Iterator[BareChromium]:
    """With the wire of the local web in place, so that there is an interface besides loopback."""
    with BareChromium("--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required") as chromium:
        yield chromium


@pytest.fixture
async def viewer(chromium_of_viewers: BareChromium) -> AsyncIterator[Viewer]:
    """A page as any: its candidates are names."""
    async with await CdpClient.connect(chromium_of_viewers.websocket_url) as client:
        page = await client.new_page()
        made = Viewer(page)
        await made.call(VIEWER)
        yield made
        await client.send("Target.closeTarget", {"targetId": page.target_id})


@pytest.fixture
async def trusted_viewer(chromium_of_viewers: BareChromium) -> AsyncIterator[Viewer]:
    """A page that may use the camera: Chromium does not hide its addresses then. It is also the only way to have WebRTC
    in Chromium on a machine that has nothing but a loopback interface, where multicast DNS goes nowhere."""
    async with await CdpClient.connect(chromium_of_viewers.websocket_url) as client:
        context = (await client.send("Target.createBrowserContext"))["browserContextId"]
        permissions = {"browserContextId": context, "permissions": ["audioCapture", "videoCapture"]}
        await client.send("Browser.grantPermissions", permissions)
        target = await client.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        made = Viewer(await client.attach(target["targetId"]))
        await made.call(VIEWER)
        yield made
        await client.send("Target.disposeBrowserContext", {"browserContextId": context})


class Host:
    """Our side."""

    def __init__(self) -> None:
        self.videos: list[ColourVideo] = []
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.states: list[PeerState] = []
        self.limits = PeerLimits()
        self.peer = WebRtcPeer(
            self._subscribe,
            read_ice_settings(loopback=True),
            self.messages.put_nowait,
            self.states.append,
            slot=self.limits.take("one"),
            metrics=WebRtcMetrics(CollectorRegistry()),
        )

    def _subscribe(self, codec: Codec) -> ColourVideo:
        self.videos.append(ColourVideo(codec, COLOUR))
        return self.videos[-1]


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    made = Host()
    yield made
    await made.peer.close()
    assert made.limits.peers == 0


async def viewer_offers(viewer: Viewer, host: Host, codec: Codec) -> None:
    answer = await host.peer.answer(await viewer.call("viewer.offer()"), [codec])
    await viewer.call(f"viewer.accept({json.dumps(answer)})")


async def host_offers(viewer: Viewer, host: Host, codec: Codec) -> None:
    offer = await host.peer.offer([codec])
    await host.peer.accept(await viewer.call(f"viewer.answer({json.dumps(offer)})"))


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8])
@pytest.mark.parametrize("offering", [viewer_offers, host_offers])
async def test_chromium_decodes_and_shows_the_video(viewer: Viewer, host: Host, offering: Any, codec: Codec) -> None:
    await offering(viewer, host, codec)
    for candidate in await viewer.call("viewer.candidates"):
        await host.peer.add_candidate(candidate["candidate"], candidate["sdpMid"], candidate["sdpMLineIndex"])

    await viewer.until("viewer.inbound().then(s => s.framesDecoded > 30)")
    assert await viewer.call("viewer.codec()") == ("video/H264" if codec is Codec.H264 else "video/VP8")
    pixel = await viewer.call("viewer.pixel()")
    assert all(abs(seen - sent) <= 12 for seen, sent in zip(pixel, COLOUR, strict=True)), pixel

    async with asyncio.timeout(PATIENCE_S):
        assert await host.messages.get() == b'{"type":"ping","t":1}'
    assert host.peer.send(b'{"type":"pong","t":1}')
    assert await viewer.until("viewer.heard.length && viewer.heard") == ['{"type":"pong","t":1}']


async def test_loopback_alone_carries_it_where_chromium_may_use_it(trusted_viewer: Viewer, host: Host) -> None:
    answer = await host.peer.answer(await trusted_viewer.call("viewer.offer()"))
    only_loopback = [
        line for line in answer.split("\r\n") if not line.startswith("a=candidate") or " 127.0.0.1 " in line
    ]
    await trusted_viewer.call(f"viewer.accept({json.dumps(chr(10).join(only_loopback))})")
    await trusted_viewer.until("viewer.inbound().then(s => s.framesDecoded > 30)")


async def test_a_picture_tells_in_chromium_when_it_was_taken(viewer: Viewer, host: Host) -> None:
    await viewer_offers(viewer, host, Codec.H264)
    stamps = await viewer.until("viewer.stamps.length > 10 && viewer.stamps")
    taken = {chunk.taken_at_ms * 90 % (1 << 32) for chunk in host.videos[0].chunks}
    assert {stamp for stamp, _ in stamps} <= taken


def lose_the_next_packets(peer: WebRtcPeer, count: int = 5) -> None:
    """Neither sent nor to be had again."""
    dtls, sender = peer._dtls, peer._sender
    send, lost = dtls._send_rtp, list(range(count))

    async def lose(data: bytes) -> None:
        if not lost:
            dtls._send_rtp = send
            await send(data)
            return
        lost.pop()
        sender._history.clear()

    dtls._send_rtp = lose


async def test_chromium_asks_for_a_key_frame_and_gets_one(viewer: Viewer, host: Host) -> None:
    await viewer_offers(viewer, host, Codec.VP8)
    await viewer.until("viewer.inbound().then(s => s.framesDecoded > 5)")
    lose_the_next_packets(host.peer)
    await viewer.until("viewer.inbound().then(s => s.pliCount > 0 && s.keyFramesDecoded > 1)")
    assert host.videos[0].keys_asked
    assert host.peer.stats().key_requests


async def test_the_end_is_told_when_the_page_closes_its_side(viewer: Viewer, host: Host) -> None:
    await viewer_offers(viewer, host, Codec.VP8)
    await viewer.until("viewer.inbound().then(s => s.framesDecoded > 0)")
    await viewer.call("viewer.pc.close()")
    async with asyncio.timeout(PATIENCE_S):
        while not host.states[-1].is_final:
            await asyncio.sleep(0.02)
    assert host.states == [PeerState.CONNECTING, PeerState.CONNECTED, PeerState.FAILED]
    await host.peer.close()
    assert host.videos[0].closes
