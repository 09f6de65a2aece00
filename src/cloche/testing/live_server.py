"""A server of the live protocol without a session behind it, for tests of viewers: it says what it is told to say,
shows the pictures it is given, and remembers all it hears.

It speaks the whole of docs/reference/live-protocol.md: JSON and binary messages, WebRTC (through aiortc), close codes,
and over HTTP the page, its modules and `…/live/ice`.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from fractions import Fraction
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.packet import Packet
from starlette.responses import Response as StarletteResponse
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cloche.api.pages.live_modules import MODULES
from cloche.api.pages.render import NOT_EMBEDDED, LiveEmbed, live_page
from cloche.ids import SessionId
from cloche.live.binary import binary_message
from cloche.live.model import Chunk, Codec
from cloche.testing.live_pictures import VideoMaker

Json = dict[str, Any]

SESSION: Final = SessionId("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV")
PATIENCE_S: Final = 20.0
HELLO: Final[Json] = {
    "protocol": 1,
    "session_id": SESSION,
    "transports": ["webrtc", "webcodecs", "jpeg"],
    "codecs": ["vp8", "h264"],
    "webrtc_timeout_s": 15,
    "ice_servers": [],
    "devices": ["Pixel 8", "iPad"],
    "clipboard": "both",
    "max_message_bytes": 262144,
    "expires_at": None,
}
STATE: Final[Json] = {
    "control": {"state": "free", "holder": "", "mine": False, "requests": []},
    "viewers": [],
    "tabs": [{"id": "t1", "title": "First", "url": "https://first.test/", "active": True}],
    "page": {
        "url": "https://first.test/",
        "title": "First",
        "loading": False,
        "can_go_back": False,
        "can_go_forward": False,
    },
    "viewport": {"width": 640, "height": 360, "scale": 1, "device": ""},
    "cursor": "default",
    "editing": False,
    "dialog": None,
    "browser": "up",
    "recording": None,
    "clipboard": "both",
}
_PATH: Final = f"/v1/sessions/{SESSION}/live"
_PRESENT: Final = 0.1
"""How often the newest picture is sent again over WebRTC, in seconds: RTP has no other way to mend a loss here."""


class Peer:
    """One viewer's WebSocket."""

    def __init__(self, number: int, right: str, socket: ServerConnection) -> None:
        self.id = f"v{number}"
        self.right = right
        self.socket = socket
        self.transport = "none"
        self.codec = ""
        self.video: VideoMaker | None = None
        self.connection: RTCPeerConnection | None = None

    async def say(self, message: Json) -> None:
        with suppress(ConnectionClosed):
            await self.socket.send(json.dumps(message))


class FakeLiveServer:
    """An async context manager, on a port of its own.

    `hello` and `state` are what a new viewer is told, apart from its id and its right, which is `view` where the
    token begins with that word; change them at will. `transports_dead`: answered with `started`, and no picture comes.
    """

    def __init__(self, *, embed: LiveEmbed = NOT_EMBEDDED) -> None:
        self.hello: Json = deepcopy(HELLO)
        self.state: Json = deepcopy(STATE)
        self.transports_dead: set[str] = set()
        self.refusal: int | None = None
        """An HTTP status for all who come, in place of what they asked for."""
        self.is_deaf = False
        """Let nobody in, without an answer to their WebSocket."""
        self.is_mute = False
        """Answer no ping."""
        self.received: list[Json] = []
        self.visits = 0
        self.peers: list[Peer] = []
        self.picture: bytes | None = None
        self.has_picture = asyncio.Event()
        self._embed = embed
        self._changed = asyncio.Condition()
        self._numbers = itertools.count(1)
        self._seq = itertools.count(1)
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._converse,
            "127.0.0.1",
            0,
            process_request=self._http,
            compression=None,
            max_size=1 << 20,
            open_timeout=60,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    def page_url(self, right: str = "control", query: str = "") -> str:
        return f"{self.origin}{_PATH}?token={right}-token{query}"

    async def heard(self, fits: str | Callable[[Json], bool], *, after: int = 0) -> Json:
        """The first message of this type, or of which this holds; waits for it."""
        if isinstance(fits, str):
            type_ = fits
            return await self.heard(lambda message: message["type"] == type_, after=after)
        async with self._changed, asyncio.timeout(PATIENCE_S):
            while True:
                for message in self.received[after:]:
                    if fits(message):
                        return message
                await self._changed.wait()

    async def visited(self, count: int) -> None:
        """Wait until the WebSocket has been dialled so often."""
        async with self._changed, asyncio.timeout(PATIENCE_S):
            await self._changed.wait_for(lambda: self.visits >= count)

    def of_type(self, *types: str) -> list[Json]:
        return [message for message in self.received if message["type"] in types]

    async def say(self, **message: Any) -> None:
        """Tell all viewers."""
        for peer in list(self.peers):
            await peer.say(message)

    async def change(self, **fields: Any) -> None:
        """Change the state and tell it."""
        self.state.update(fields)
        await self.say(type="state", **fields)

    async def show(self, jpeg: bytes) -> None:
        """A new picture, to all who watch and to all who come."""
        self.picture = jpeg
        self.has_picture.set()
        for peer in list(self.peers):
            await self._send_picture(peer)

    async def close_all(self, code: int, reason: str) -> None:
        for peer in list(self.peers):
            await peer.socket.close(code, reason)

    async def cut(self) -> None:
        """Drop every connection without a word."""
        for peer in list(self.peers):
            peer.socket.transport.abort()

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        path, query = urlsplit(request.path).path, urlsplit(request.path).query
        if self.refusal is not None:
            return connection.respond(HTTPStatus(self.refusal), "no\n")
        if path == f"{_PATH}/ws":
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "no\n") if self.is_deaf else None
        if path == _PATH:
            return _answer(live_page(SESSION, self._ws_url(query), embed=self._embed))
        if path == f"{_PATH}/ice":
            return _answer(StarletteResponse('{"iceServers":[]}', media_type="application/json"))
        content = MODULES.content.get(path.removeprefix("/live/"))
        if content is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "no\n")
        allow = {"access-control-allow-origin": "*"}
        return _answer(StarletteResponse(content, media_type="text/javascript", headers=allow))

    def _ws_url(self, query: str) -> str:
        return f"{self.origin.replace('http', 'ws', 1)}{_PATH}/ws?token={parse_qs(query)['token'][0]}"

    async def _converse(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        token = parse_qs(urlsplit(socket.request.path).query).get("token", [""])[0]
        peer = Peer(next(self._numbers), "view" if token.startswith("view") else "control", socket)
        self.peers.append(peer)
        self.visits += 1
        try:
            await peer.say({"type": "hello", **self.hello, "viewer_id": peer.id, "right": peer.right})
            await peer.say({"type": "state", **self.state})
            async for message in socket:
                await self._hear(peer, json.loads(message))
        except ConnectionClosed:
            pass
        finally:
            self.peers.remove(peer)
            if peer.connection is not None:
                await peer.connection.close()

    async def _hear(self, peer: Peer, message: Json) -> None:
        async with self._changed:
            self.received.append(message)
            self._changed.notify_all()
        match message["type"]:
            case "ping" if not self.is_mute:
                await peer.say({"type": "pong", "t": message["t"], "server_ms": time.time() * 1000})
            case "start":
                await self._start(peer, message)
            case "offer":
                await self._answer_offer(peer, message["sdp"])
            case "need_key" if peer.video is not None:
                peer.video = VideoMaker(Codec(peer.codec))

    async def _start(self, peer: Peer, message: Json) -> None:
        peer.transport = message["transport"]
        peer.codec = "jpeg" if peer.transport == "jpeg" else (message["codecs"] or [""])[0]
        peer.video = VideoMaker(Codec(peer.codec)) if peer.transport in ("webcodecs", "webrtc") else None
        await peer.say({"type": "started", "transport": peer.transport, "codec": peer.codec})
        await self._send_picture(peer)

    async def _send_picture(self, peer: Peer) -> None:
        if self.picture is None or peer.transport in self.transports_dead:
            return
        if peer.transport == "jpeg":
            await self._send_chunk(peer, self._chunk(Codec.JPEG, self.picture, is_key=True))
        elif peer.transport == "webcodecs" and peer.video is not None:
            for data, is_key in peer.video.encode(self.picture):
                await self._send_chunk(peer, self._chunk(peer.video.codec, data, is_key=is_key))

    def _chunk(self, codec: Codec, data: bytes, *, is_key: bool) -> Chunk:
        now_ms = int(time.time() * 1000)
        return Chunk(codec, next(self._seq), data, is_key=is_key, taken_at_ms=now_ms, width=0, height=0)

    async def _send_chunk(self, peer: Peer, chunk: Chunk) -> None:
        with suppress(ConnectionClosed):
            await peer.socket.send(binary_message(chunk))

    async def _answer_offer(self, peer: Peer, sdp: str) -> None:
        if "webrtc" in self.transports_dead:
            return
        connection = peer.connection = RTCPeerConnection()

        @connection.on("datachannel")  # type: ignore[untyped-decorator, unused-ignore]
        def opened(channel: Any) -> None:
            @channel.on("message")  # type: ignore[untyped-decorator, unused-ignore]
            async def heard(text: str) -> None:
                async with self._changed:
                    self.received.append(json.loads(text) | {"over": "data channel"})
                    self._changed.notify_all()

        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        connection.addTrack(_PictureTrack(self, peer))
        await connection.setLocalDescription(await connection.createAnswer())
        await peer.say({"type": "answer", "sdp": connection.localDescription.sdp})


class _PictureTrack(MediaStreamTrack):
    """The newest picture ten times a second, each a key frame."""

    kind = "video"

    def __init__(self, server: FakeLiveServer, peer: Peer) -> None:
        super().__init__()
        self._server = server
        self._codec = Codec(peer.codec)
        self._pts = 0

    async def recv(self) -> "Packet[Any]":
        await asyncio.sleep(_PRESENT)
        await self._server.has_picture.wait()
        if self.readyState != "live" or self._server.picture is None:
            raise MediaStreamError
        ((data, _),) = VideoMaker(self._codec).encode(self._server.picture)
        packet: Packet[Any] = Packet(data)
        self._pts += int(_PRESENT * 90_000)
        packet.pts, packet.time_base = self._pts, Fraction(1, 90_000)
        return packet


def _answer(response: StarletteResponse) -> Response:
    fields = [(name.decode(), value.decode()) for name, value in response.raw_headers]
    return Response(response.status_code, "OK", Headers([*fields, ("connection", "close")]), bytes(response.body))
