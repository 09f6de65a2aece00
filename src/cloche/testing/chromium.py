"""A real little server that plays Chromium's DevTools port: `/json/…` over HTTP, WebSockets that echo.

It is as strict as Chromium where the door could get it wrong: a Host that is no address and any Origin are refused
with 403, an unknown endpoint with 404, `/json/new` wants PUT.
"""

import asyncio
import contextlib
import itertools
import json
from types import TracebackType
from typing import Any, Final, Self

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from cloche.concurrency.tasks import cancel_and_wait, spawn

HOST_IT_BELIEVES: Final = "127.0.0.1:9222"
PAGE_ID: Final = "4A5D8C1E0B7F4B0E9D3C2A1F5E6D7C8B"


class Visitor:
    """One WebSocket client of the fake."""

    def __init__(self, path: str, headers: list[tuple[str, str]], writer: asyncio.StreamWriter) -> None:
        self.path = path
        self.headers = headers
        self.writer = writer
        self.protocol = ServerProtocol(max_size=None)

    def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.writer.write(data)
            elif self.writer.can_write_eof():
                self.writer.write_eof()

    def send_raw(self, data: bytes) -> None:
        """Put any bytes on the wire, half a frame too."""
        self.writer.write(data)


class FakeChromium:
    """An async context manager. `restart` gives it a new browser path and drops everyone, as a new process would."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.browser_path = self._new_path()
        self.pages: dict[str, str] = {PAGE_ID: "about:blank"}
        self.visitors: list[Visitor] = []
        self.requests: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._visits = asyncio.Condition()
        self.json_overrides: dict[str, bytes] = {}
        """Whole raw HTTP answers for a path, for answers Chromium would not give."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await cancel_and_wait(*self._tasks)

    @property
    def address(self) -> tuple[str, int]:
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def visited(self, count: int = 1) -> Visitor:
        """Wait until there have been `count` WebSocket clients; returns the newest."""
        async with self._visits, asyncio.timeout(5):
            await self._visits.wait_for(lambda: len(self.visitors) >= count)
        return self.visitors[-1]

    def crash(self) -> None:
        """Drop every connection without a word."""
        for task in list(self._tasks):
            task.cancel()

    def restart(self) -> None:
        self.browser_path = self._new_path()
        self.crash()

    def _new_path(self) -> str:
        return f"/devtools/browser/00000000-0000-4000-8000-{next(self._numbers):012d}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = spawn(self._serve(reader, writer), name="fake-chromium")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            method, target, _ = line.split(" ")
            headers = [(name.lower(), value.strip()) for name, _, value in (each.partition(":") for each in lines)]
            self.requests.append(f"{method} {target}")
            if dict(headers).get("upgrade") == "websocket":
                await self._converse(head, Visitor(target, headers, writer), reader)
            else:
                writer.write(self.json_overrides.get(target) or self._json(method, target))
                await writer.drain()
        except (OSError, EOFError):
            pass  # the peer left, which is its right
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, head: bytes, visitor: Visitor, reader: asyncio.StreamReader) -> None:
        refusal = self._refusal(visitor)
        if refusal:
            visitor.writer.write(_http(refusal, b"no"))
            return
        visitor.protocol.receive_data(head)
        (request,) = visitor.protocol.events_received()
        assert isinstance(request, Request)
        visitor.protocol.send_response(visitor.protocol.accept(request))
        visitor.flush()
        async with self._visits:
            self.visitors.append(visitor)
            self._visits.notify_all()
        while data := await reader.read(1 << 20):
            visitor.protocol.receive_data(data)
            for frame in visitor.protocol.events_received():
                _echo(visitor, frame)
            visitor.flush()
            await visitor.writer.drain()

    def _refusal(self, visitor: Visitor) -> int:
        headers = dict(visitor.headers)
        if headers.get("host") != HOST_IT_BELIEVES or "origin" in headers:
            return 403
        known = {self.browser_path, *(f"/devtools/page/{page}" for page in self.pages)}
        return 0 if visitor.path in known else 404

    def _json(self, method: str, target: str) -> bytes:
        path, _, query = target.partition("?")
        kind, _, target_id = path.removeprefix("/json").strip("/").partition("/")
        if kind == "version":
            address = f"ws://{HOST_IT_BELIEVES}{self.browser_path}"
            return _ok({"Browser": "Chrome/156.0.0.0", "webSocketDebuggerUrl": address})
        if kind in ("", "list"):
            return _ok([self._entry(page) for page in self.pages])
        if kind == "protocol":
            return _ok({"version": {"major": "1", "minor": "3"}, "domains": []})
        if kind == "new":
            if method != "PUT":
                return _http(405, b"Using unsafe HTTP verb GET to invoke /json/new.")
            page = f"NEW{len(self.pages)}"
            self.pages[page] = query or "about:blank"
            return _ok(self._entry(page))
        if kind in ("activate", "close") and target_id in self.pages:
            if kind == "close":
                del self.pages[target_id]
            return _http(200, b"Target is closing")
        return _http(404, f"No such target id: {target_id}".encode())

    def _entry(self, page: str) -> dict[str, Any]:
        address = f"{HOST_IT_BELIEVES}/devtools/page/{page}"
        return {
            "id": page,
            "type": "page",
            "url": self.pages[page],
            "devtoolsFrontendUrl": f"https://frontend.invalid/serve_rev/@1/inspector.html?ws={address}",
            "webSocketDebuggerUrl": f"ws://{address}",
        }


def _echo(visitor: Visitor, frame: object) -> None:
    """Give text and binary back as they came; the text `{"send_bytes": n}` asks for one binary frame of n bytes."""
    assert isinstance(frame, Frame)
    data = bytes(frame.data)
    if frame.opcode is Opcode.TEXT and data.startswith(b'{"send_bytes"'):
        visitor.protocol.send_binary(bytes(json.loads(data)["send_bytes"]))
    elif frame.opcode is Opcode.TEXT:
        visitor.protocol.send_text(data, fin=frame.fin)
    elif frame.opcode is Opcode.BINARY:
        visitor.protocol.send_binary(data, fin=frame.fin)


def _ok(value: Any) -> bytes:
    return _http(200, json.dumps(value).encode())


def _http(status: int, body: bytes) -> bytes:
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
