"""A session's files behind the agent's HTTP, and a client on the other end of a socket pair, on one loop."""

import json
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloche.agent import streams
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.api import Loaded, MachineApi
from cloche.agent.machine.files.api import FileApi
from cloche.agent.machine.files.watches import Watches
from cloche.agent.watch.changes import Timing
from cloche.testing.agent_http import (
    PATIENCE_S,
    Reply,
    StandInBrowser,
    b64,
    decode,
    encode,
    parse_events,
    surroundings_of,
)
from cloche.wire.agent_config import AgentConfig, BrowserConfig

QUICK = Timing(quiet_s=0.004, longest_s=0.05, poll_s=0.02)


class Reader:
    """Reads a stream of events as it comes."""

    def __init__(self, client: "Client", connection: socket.socket) -> None:
        self._client, self._connection, self._received = client, connection, b""

    async def events(self, count: int) -> list[dict[str, Any]]:
        """The first so many, each with its `id`."""
        while len(found := self._parsed()) < count:
            data = await streams.receive(self._client.loop, self._connection, 1 << 16, time.monotonic() + PATIENCE_S)
            assert data, f"it ended; told: {found}"
            self._received += data
        return found[:count]

    async def rest(self) -> list[dict[str, Any]]:
        """All, when the stream has ended."""
        while data := await streams.receive(
            self._client.loop, self._connection, 1 << 16, time.monotonic() + PATIENCE_S
        ):
            self._received += data
        assert decode(self._received).is_whole
        return self._parsed()

    async def until(self, type_: str, path: str) -> dict[str, Any]:
        count = 1
        while True:
            event = (await self.events(count))[-1]
            if (event["type"], event["path"]) == (type_, path):
                return event
            count += 1

    def close(self) -> None:
        self._connection.close()

    def _parsed(self) -> list[dict[str, Any]]:
        body = decode(self._received).body if b"\r\n\r\n" in self._received else b""
        return [event | {"id": int(event["id"])} for event in parse_events(body)]


class Client:
    """Asks the machine API, each request on a connection of its own."""

    def __init__(self, loop: Loop, api: MachineApi, files: FileApi, watches: Watches) -> None:
        self.loop, self._api, self._files, self.watches = loop, api, files, watches
        self._connections: list[socket.socket] = []

    async def ask(
        self,
        method: str,
        route: str,
        *,
        json_: dict[str, Any] | None = None,
        body: bytes | None = None,
        announced: int | None = None,
        fields: dict[str, str] | None = None,
        **query: bytes,
    ) -> Reply:
        body = json.dumps(json_).encode() if json_ is not None else body
        connection = self.connect()
        sending = self.loop.spawn(
            self._send(
                connection, encode(method, route, body, fields, query=query, announced=announced), announced is not None
            ),
            "test request",
        )
        received = b""
        while data := await streams.receive(self.loop, connection, 1 << 20, time.monotonic() + PATIENCE_S):
            received += data
        await self.loop.stop(sending)
        connection.close()
        return decode(received)

    async def _send(self, connection: socket.socket, data: bytes, breaks_off: bool) -> None:
        try:
            await streams.send_all(self.loop, connection, data, time.monotonic() + PATIENCE_S)
            if breaks_off:
                connection.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass  # it has been answered before all of it was read

    async def read_events(self, watch_id: str, *, last_event_id: str = "", **query: bytes) -> Reader:
        connection = self.connect()
        fields = {"Last-Event-ID": last_event_id} if last_event_id else {}
        request = encode("GET", f"/fs/watch/{watch_id}/events", fields=fields, query=query)
        await streams.send_all(self.loop, connection, request)
        return Reader(self, connection)

    def connect(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._connections.append(ours)
        self.loop.spawn(self._serve(theirs), "test connection")
        return ours

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await self._api.serve(connection, b"", on_head=lambda: None)
        except OSError:
            pass  # as the guest socket does: the answer was broken off, or the client was
        finally:
            connection.close()

    def close(self) -> None:
        """When the loop has ended: closed before, what waits on a connection would wait for ever."""
        for connection in self._connections:
            connection.close()


class Session:
    """Where the files lie. `run` a scenario, or ask `once`."""

    def __init__(self, workspace: Path, profile: Path) -> None:
        self.workspace, self.profile = workspace, profile
        self.browser, self.has_browser = StandInBrowser(), True
        self.watch_options: dict[str, Any] = {"timing": QUICK}

    def run(self, scenario: Callable[[Client], Awaitable[None]]) -> None:
        failures: list[str] = []
        loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))
        log_fd = os.memfd_create("log")

        client = self._client(loop, Log("debug", fd=log_fd))

        async def main() -> None:
            await scenario(client)

        try:
            loop.run(main())
            assert not failures
            assert b'"level": "error"' not in os.pread(log_fd, 1 << 20, 0)
        finally:
            client.close()
            os.close(log_fd)

    def once(self, method: str, route: str, **request: Any) -> Reply:
        replies = []

        async def scenario(client: Client) -> None:
            replies.append(await client.ask(method, route, **request))

        self.run(scenario)
        return replies[0]

    def put(self, name: str, **fields: Any) -> Reply:
        """One of the requests with a JSON body; bytes in it go as base64."""
        json_ = {
            f"{k}_b64" if isinstance(v, bytes) else k: b64(v) if isinstance(v, bytes) else v for k, v in fields.items()
        }
        return self.once("PUT", f"/fs/{name}", json_=json_)

    def write(self, path: bytes, body: bytes = b"", **request: Any) -> Reply:
        return self.once("PUT", "/fs/write_file", path=path, body=body, **request)

    def read(self, path: bytes, **query: bytes) -> Reply:
        return self.once("GET", "/fs/read_file", path=path, **query)

    def names(self) -> list[str]:
        """Everything in the workspace."""
        return sorted(str(path.relative_to(self.workspace)) for path in self.workspace.rglob("*"))

    def _client(self, loop: Loop, log: Log) -> Client:
        config = AgentConfig(
            session_id="s",
            token="t",
            workspace=str(self.workspace),
            machine=True,
            browser=BrowserConfig(user_data_dir=str(self.profile)) if self.has_browser else None,
        )
        surroundings = surroundings_of(loop, log, config, self.browser)
        watches = Watches(loop, log, **self.watch_options)
        files = FileApi(surroundings, watches=watches)
        api = MachineApi(
            surroundings, lambda _surroundings: Loaded(files.routes(), None)
        )  # the rest is not needed here
        return Client(loop, api, files, watches)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    workspace, profile = tmp_path / "workspace", tmp_path / "profile"
    workspace.mkdir()
    profile.mkdir()
    (tmp_path / "canary").write_text("untouched")
    yield Session(workspace, profile)
    assert (tmp_path / "canary").read_text() == "untouched"
    assert not list(tmp_path.rglob(".cloche-*")), "something unfinished was left behind"
