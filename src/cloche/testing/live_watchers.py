"""Viewers of a real daemon's sessions: a raw client of the live WebSocket, and one that reads slowly or not at all."""

import asyncio
import contextlib
import json
import socket
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.daemon import DaemonProcess

Json = dict[str, Any]
PATIENCE_S: Final = 20.0
JPEG, H264, VP8 = 1, 2, 3
"""Kinds of pictures."""
HEAD_BYTES: Final = 20

MOVING: Final = (
    "data:text/html,<!doctype html><title>moving</title><style>body{margin:0;background:blue}</style>"
    "<script>globalThis.seen=[];let on=false;"
    "setInterval(()=>{on=!on;document.body.style.background=on?'lime':'blue'},50);"
    "for(const type of ['mousedown','mouseup','keydown','keyup'])"
    "addEventListener(type,e=>seen.push(type+' '+(e.code||e.clientX)),true)</script>"
)
"""A page that goes from blue to green and back all the time, and writes down what hands do."""
NOISE: Final = (
    "data:text/html,<!doctype html><title>noise</title><style>body{margin:0}canvas{width:100vw;height:100vh}</style>"
    "<canvas width=400 height=240></canvas><script>const c=document.querySelector('canvas').getContext('2d');"
    "const d=c.createImageData(400,240),w=new Uint32Array(d.data.buffer);"
    "setInterval(()=>{let x=Math.random()*2**32|1;for(let i=0;i<w.length;i++){x^=x<<13;x^=x>>>17;x^=x<<5;"
    "w[i]=x|0xff000000}c.putImageData(d,0,0)},60)</script>"
)
"""A page whose pictures are as large as they get."""


def live_ws(daemon: DaemonProcess, session: Json) -> str:
    return f"{daemon.base_url.replace('http', 'ws', 1)}/v1/sessions/{session['id']}/live/ws"


class RawViewer:
    """Reads all that comes, acknowledges pictures, and remembers. Made by `watching`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.hello: Json = {}
        self.state: Json = {}
        self.messages: list[Json] = []
        """All but pongs."""
        self.pictures: Counter[int] = Counter()
        """By kind."""
        self.received_bytes = 0
        self.newest = 0
        """`seq` of the last picture."""
        self.acknowledges = True
        self._news = asyncio.Event()
        self._reading = spawn(self._read(), name="raw-viewer")

    @property
    def id(self) -> str:
        return str(self.hello["viewer_id"])

    @property
    def closing(self) -> tuple[int | None, str | None]:
        return self._connection.close_code, self._connection.close_reason

    async def say(self, type_: str, **fields: Any) -> None:
        await self.say_text(json.dumps({"type": type_, **fields}))

    async def say_text(self, text: str | bytes) -> None:
        """Whatever it is. Nothing where the connection has ended."""
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send(text)

    async def until(self, true: Callable[["RawViewer"], bool], *, timeout_s: float = PATIENCE_S) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not true(self):
                    assert not self._reading.done(), f"closed with {self.closing} before it came: {self.told()}"
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"it has not come; what has: {self.told()}") from None

    async def pictured(self, kind: int, count: int = 1, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait for so many more pictures of a kind."""
        wanted = self.pictures[kind] + count
        await self.until(lambda viewer: viewer.pictures[kind] >= wanted, timeout_s=timeout_s)

    async def heard(self, type_: str, **fields: Any) -> Json:
        """Wait for a message, which may have come already."""

        def found() -> list[Json]:
            return [one for one in self.messages if one["type"] == type_ and fields.items() <= one.items()]

        await self.until(lambda _: bool(found()))
        return found()[0]

    async def closed(self, *, timeout_s: float = PATIENCE_S) -> tuple[int | None, str | None]:
        """Wait until the server has closed; return code and reason."""
        async with asyncio.timeout(timeout_s):
            await self._connection.wait_closed()
        return self.closing

    async def drop(self) -> None:
        """Go without a word."""
        self._connection.transport.abort()
        await self._connection.wait_closed()

    async def close(self) -> None:
        await self._connection.close()
        await cancel_and_wait(self._reading)

    def told(self) -> str:
        return f"{dict(self.pictures)} {json.dumps([m for m in self.messages if m['type'] != 'state'])[:2000]}"

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self._connection:
                if isinstance(message, bytes):
                    await self._pictured(message)
                else:
                    self._heard(json.loads(message))
                self._news.set()
        self._news.set()

    async def _pictured(self, message: bytes) -> None:
        self.pictures[message[0]] += 1
        self.received_bytes += len(message)
        self.newest = int.from_bytes(message[8:12], "big")
        if self.acknowledges:
            await self.say("ack", seq=self.newest)

    def _heard(self, message: Json) -> None:
        if message["type"] == "hello":
            self.hello = message
        elif message["type"] == "state":
            self.state |= {name: value for name, value in message.items() if name != "type"}
        if message["type"] != "pong":
            self.messages.append(message)


@asynccontextmanager
async def watching(
    url: str, *, key: str = "", transport: str = "", codecs: tuple[str, ...] = ("h264", "vp8")
) -> AsyncGenerator[RawViewer]:
    """A viewer that has been greeted; one that has asked for pictures by `transport`, where that is given. What it does
    before there are any is lost: nothing is shown yet."""
    async with contextlib.AsyncExitStack() as stack:
        connection = await connect(
            url,
            additional_headers={"X-API-Key": key} if key else None,
            max_size=None,
            max_queue=None,
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE_S,
            close_timeout=2,
            proxy=None,
        )
        viewer = RawViewer(connection)
        stack.push_async_callback(viewer.close)
        await viewer.until(lambda one: bool(one.hello and one.state))
        if transport:
            await viewer.say("start", transport=transport, codecs=codecs)
        yield viewer


class SlowViewer:
    """A WebSocket whose bytes are read when a test says so. `open` it; `close` ends it."""

    def __init__(self, url: str, key: str) -> None:
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)
        self._key = key
        self._socket = socket.socket()
        # As little as the kernel gives: what is not read stays the sender's.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setblocking(False)
        self.pictures = 0
        self.received_bytes = 0
        self.has_ended = False
        self.closing: tuple[int, str] | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        uri = self._protocol.uri
        await loop.sock_connect(self._socket, (uri.host, uri.port))
        request = self._protocol.connect()
        request.headers["X-API-Key"] = self._key
        self._protocol.send_request(request)
        await self._transmit()
        while not any(isinstance(event, Response) for event in await self._receive(4096)):
            assert not self.has_ended, "the upgrade was refused"

    async def say(self, type_: str, **fields: Any) -> None:
        self._protocol.send_text(json.dumps({"type": type_, **fields}).encode())
        await self._transmit()

    async def read(self, bytes_per_second: int) -> None:
        """Read so fast, acknowledging pictures, until the connection ends or this is cancelled."""
        began, taken = time.monotonic(), 0
        while not self.has_ended:
            for event in await self._receive(2048):
                taken += await self._take(event)
            self.received_bytes = taken
            await asyncio.sleep(max(0.0, began + taken / bytes_per_second - time.monotonic()))

    async def _take(self, event: object) -> int:
        if not isinstance(event, Frame):
            return 0
        if event.opcode is Opcode.BINARY:
            self.pictures += 1
            await self.say("ack", seq=int.from_bytes(event.data[8:12], "big"))
        return len(event.data)

    async def drain(self) -> None:
        """Read all that is left, to the connection's end."""
        while not self.has_ended:
            await self._receive(1 << 16)

    async def _receive(self, most: int) -> list[object]:
        try:
            data = await asyncio.get_running_loop().sock_recv(self._socket, most)
        except ConnectionError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self.has_ended = True
            with contextlib.suppress(EOFError):
                self._protocol.receive_eof()
        if self._protocol.close_rcvd is not None:
            self.closing = (self._protocol.close_rcvd.code, self._protocol.close_rcvd.reason)
        await self._transmit()
        return list(self._protocol.events_received())

    async def _transmit(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                with contextlib.suppress(ConnectionError):
                    await asyncio.get_running_loop().sock_sendall(self._socket, data)

    def close(self) -> None:
        self._socket.close()
