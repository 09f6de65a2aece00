"""What the fake driver runs in place of an agent: enough of one to register, serve the guest socket and shut down."""

import asyncio
import contextlib
import json
import socket
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.guest_answers import GuestAnswers
from cloche.wire import ndjson
from cloche.wire.agent_config import AgentConfig
from cloche.wire.messages import AGENT_VERSION, BrowserState, FromAgent, ToAgent, agent_message
from cloche.wire.preface import Answer, Preface, PrefaceError, StreamKind, parse_preface

DEVTOOLS_PATH: Final = "/devtools/browser/00000000-0000-4000-8000-000000000000"
PRODUCT: Final = "HeadlessChrome/1.2.3.4"


class FakeAgent:
    """Owns its tasks and its egress listener. `run` lasts until it is told to end or is cancelled."""

    def __init__(self, config: AgentConfig, link: Path, guest: socket.socket, devtools: tuple[str, int] | None) -> None:
        self._config = config
        self._link = link
        self._guest = guest
        self._devtools = devtools
        self._egress: socket.socket | None = None
        self._answers = GuestAnswers(exec_enabled=config.exec_enabled and config.exec_allowed)
        self._streams: set[asyncio.Task[None]] = set()

    async def run(self, *, registers: bool) -> None:
        """Serve until the host asks for a shutdown; then say goodbye and return."""
        with socket.create_server(("127.0.0.1", 0)) as self._egress:
            serving = spawn(self._serve_guest(), name="fake-agent-guest")
            try:
                if registers and self._link.exists():
                    await self._talk()
                else:
                    await asyncio.get_running_loop().create_future()
            finally:
                await cancel_and_wait(serving, *self._streams)

    async def _talk(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._link)
        try:
            for type_, payload in self._opening():
                writer.write(self._message(type_, payload))
            while line := await reader.readline():
                if json.loads(line).get("type") == ToAgent.SHUTDOWN:
                    writer.write(self._message(FromAgent.DEREGISTER, {"reason": "shutdown"}))
                    await writer.drain()
                    return
            # The host has gone: a real agent would dial again until its lease runs out.
            await asyncio.get_running_loop().create_future()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _opening(self) -> list[tuple[FromAgent, dict[str, Any]]]:
        ready = {
            "state": str(BrowserState.READY),
            "pid": 3,
            "devtools_path": DEVTOOLS_PATH,
            "product": PRODUCT,
            "start_ms": 1,
        }
        register = {
            "version": AGENT_VERSION,
            "workspace": self._config.workspace,
            "pid": 2,
            "token": self._config.token,
            "protocol": 1,
        }
        return [(FromAgent.REGISTER, register), (FromAgent.BROWSER, ready)]

    def _message(self, type_: FromAgent, payload: dict[str, Any]) -> bytes:
        return ndjson.encode(agent_message(type_, self._config.session_id, datetime.now(UTC), payload))

    async def _serve_guest(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(self._guest)
            stream = spawn(self._serve_stream(accepted), name="fake-agent-stream")
            self._streams.add(stream)
            stream.add_done_callback(self._streams.discard)
            # Also where the task is cancelled before its first step.
            stream.add_done_callback(partial(_close, accepted))

    async def _serve_stream(self, stream: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with stream, contextlib.suppress(ConnectionError):
            line = b""
            while not line.endswith(b"\n"):
                piece = await loop.sock_recv(stream, 1024)
                if not piece:
                    return
                line += piece
            try:
                preface = parse_preface(line.rstrip())
            except PrefaceError as error:
                await loop.sock_sendall(stream, Answer(False, "invalid", str(error)).encode())
                return
            await self._answer(stream, preface)

    async def _answer(self, stream: socket.socket, preface: Preface) -> None:
        if preface.kind is StreamKind.GUEST:
            await asyncio.get_running_loop().sock_sendall(stream, Answer(True).encode())
            await self._answers.serve(stream)
            return
        passed = await self._open(preface)
        if passed is None:
            answer = Answer(False, "browser_unavailable", "there is no browser here")
            await asyncio.get_running_loop().sock_sendall(stream, answer.encode())
            return
        socket.send_fds(stream, [Answer(True).encode()], [passed.fileno()])
        if passed is not self._egress:
            passed.close()

    async def _open(self, preface: Preface) -> socket.socket | None:
        if preface.kind is StreamKind.EGRESS:
            return self._egress
        if preface.kind is StreamKind.DEVTOOLS and self._devtools is not None:
            connected = socket.socket()
            connected.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connected, self._devtools)
            return connected
        return None


def _close(stream: socket.socket, _task: "asyncio.Task[None]") -> None:
    stream.close()
