"""uvicorn's HTTP/1.1 protocol with the limits it lacks, and a door that gets every byte."""

import asyncio
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 64
HEAD_TIMEOUT_S = 20.0
"""From the connection, or the first byte of a later request, to the end of a head."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """Adds to uvicorn's protocol: a bound on the size of a head (uvicorn has none), on the time it may take (a client
    that never finishes one would hold its connection for ever), and what came behind an upgrade's head, which
    uvicorn drops."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_bytes = 0
        self._is_over_limit = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stop_timer()
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            # uvicorn's own answer to a broken request; ours for one that broke a limit.
            self.send_400_response("Request head too large." if self._is_over_limit else "Invalid HTTP request.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        if self._head_timer is None:
            self._start_timer()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        raise AssertionError("data_received hands upgrades to _upgrade")

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES or len(self.headers) >= MAX_FIELDS:
            self._is_over_limit = True
            raise ValueError("head too large")  # httptools turns it into an HttpParserCallbackError

    def _upgrade(self, behind: bytes) -> None:
        """Hand the connection to the door, if it asks for a WebSocket and no earlier answer is still on its way."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if self._get_upgrade() != b"websocket" or busy or self.ws_protocol_class is None:
            self.send_400_response("Unsupported upgrade request.")
            return
        self.connections.discard(self)
        lines = [self.scope["method"].encode() + b" " + self.url + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers]
        door: Any = self.ws_protocol_class(config=self.config, server_state=self.server_state, app_state=self.app_state)  # type: ignore[call-arg]
        door.connection_made(self.transport)
        self.transport.set_protocol(door)
        door.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + behind)

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
