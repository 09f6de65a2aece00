"""The agent's HTTP on one end of socket pairs, and a client on the other, on one loop."""

import base64
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast
from urllib.parse import quote_from_bytes

from cloche.agent import streams
from cloche.agent.journal import Journal
from cloche.agent.log import Log
from cloche.agent.loop import Loop, Task
from cloche.agent.machine.api import Loaded, MachineApi, Surroundings
from cloche.agent.metrics import BrowserFacts, Metrics
from cloche.agent.population import Population
from cloche.agent.supervisor import Supervisor
from cloche.wire.agent_config import AgentConfig

PATIENCE_S = 5.0


class Reply(NamedTuple):
    status: int
    fields: dict[str, str]
    body: bytes
    is_whole: bool
    """As much as was announced has come, or the last chunk."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def refusal(self) -> str:
        """Status and code of one: `400 bad_archive`."""
        return f"{self.status} {self.code}"

    @property
    def type(self) -> str:
        return self.fields.get("content-type", "")


class StandInBrowser:
    """Stands in for the supervisor, of which the machine API asks only this."""

    def __init__(self) -> None:
        self.is_alive = self.is_held = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False

    @property
    def is_at_rest(self) -> bool:
        return not self.is_alive

    def facts(self) -> BrowserFacts:
        return BrowserFacts(True, self.is_alive, self.is_alive, None, 0)


def surroundings_of(loop: Loop, log: Log, config: AgentConfig, browser: StandInBrowser | None = None) -> Surroundings:
    """What the machine API works with, without a browser unless there is one that stands in for it."""
    population = Population(owns_namespace=False)
    metrics = Metrics(
        population,
        workspace=config.workspace,
        memory_limit_bytes=0,
        browser=browser.facts if browser is not None else lambda: BrowserFacts(False, False, False, None, 0),
        worker_status=lambda: "idle",
        task_count=lambda: 0,
    )
    supervisor = cast("Supervisor | None", browser)
    return Surroundings(loop, log, config, metrics, population, supervisor, Journal(loop))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def encode(
    method: str,
    target: str,
    body: bytes | None = None,
    fields: Mapping[str, str] | None = None,
    *,
    query: Mapping[str, bytes] | None = None,
    announced: int | None = None,
) -> bytes:
    """`announced`: a Content-Length other than the body's own."""
    if query:
        target += "?" + "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in query.items())
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: agent",
        *(f"{name}: {value}" for name, value in (fields or {}).items()),
    ]
    if body is not None:
        lines.append(f"Content-Length: {len(body) if announced is None else announced}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def decode(answer: bytes) -> Reply:
    head, end, body = answer.partition(b"\r\n\r\n")
    assert end, f"no answer: {answer!r}"
    first, *lines = head.decode().split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    status = int(first.split(" ")[1])
    if "transfer-encoding" not in fields:
        return Reply(status, fields, body, len(body) == int(fields["content-length"]))
    whole, at, is_whole = bytearray(), 0, False
    while not is_whole and (line_end := body.find(b"\r\n", at)) >= 0:
        size, at = int(body[at:line_end], 16), line_end + 2
        whole += body[at : at + size]
        is_whole, at = size == 0, at + size + 2
    return Reply(status, fields, bytes(whole), is_whole and at == len(body))


def parse_events(body: bytes) -> list[dict[str, Any]]:
    """Whole server-sent events, each with its `id`."""
    found = []
    for block in body.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            found.append(json.loads(fields["data"]) | {"id": fields.get("id", "")})
    return found


class Connection:
    """One stream to the agent, seen by its client."""

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self.loop, self.sock, self.received = loop, sock, b""

    async def send(self, data: bytes) -> None:
        await streams.send_all(self.loop, self.sock, data, time.monotonic() + PATIENCE_S)

    async def receive(self) -> bytes:
        """What comes next; empty at the end."""
        data = await streams.receive(self.loop, self.sock, 1 << 18, time.monotonic() + PATIENCE_S)
        self.received += data
        return data

    async def reply(self) -> Reply:
        """The answer, once the agent has said all of it."""
        while await self.receive():
            continue
        return decode(self.received)

    async def until(self, part: bytes) -> None:
        while part not in self.received:
            assert await self.receive(), f"it ended: {self.received!r}"

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Server-sent events as they come, until the stream is over."""
        given = 0
        while True:
            found = parse_events(decode(self.received).body) if b"\r\n\r\n" in self.received else []
            for event in found[given:]:
                yield event
            given = len(found)
            if not await self.receive():
                return

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()


class Client:
    """Asks the machine API, each request on a connection of its own."""

    def __init__(self, loop: Loop, api: MachineApi) -> None:
        self.loop, self.api = loop, api
        self.heads = 0
        """Requests whose head has been read."""
        self.serving: list[Task] = []
        self._connections: list[Connection] = []

    def connect(self, received: bytes = b"") -> Connection:
        """`received`: what the agent has read of the request already."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._connections.append(Connection(self.loop, ours))
        self.serving = [task for task in self.serving if not task.done.is_set()]
        self.serving.append(self.loop.spawn(self._serve(theirs, received), "test connection"))
        return self._connections[-1]

    async def open(
        self, method: str, target: str, body: bytes | None = None, fields: Mapping[str, str] | None = None
    ) -> Connection:
        connection = self.connect()
        await connection.send(encode(method, target, body, fields))
        return connection

    async def ask(
        self,
        method: str,
        target: str,
        json_: object = None,
        *,
        body: bytes | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Reply:
        connection = await self.open(method, target, json.dumps(json_).encode() if json_ is not None else body, fields)
        try:
            return await connection.reply()
        finally:
            connection.close()

    async def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline
            await self.loop.sleep(0.002)

    async def close(self) -> None:
        for connection in self._connections:
            connection.close()
        for task in self.serving:
            await self.loop.stop(task)

    async def _serve(self, connection: socket.socket, received: bytes) -> None:
        def count() -> None:
            self.heads += 1

        try:
            await self.api.serve(connection, received, on_head=count)
        except OSError:
            pass  # as the guest socket does: the answer was broken off, or the client was
        finally:
            connection.close()


def run(
    scenario: Callable[[Client], Awaitable[None]],
    load: Callable[[Surroundings], Loaded],
    *,
    workspace: str = "/",
    env: Mapping[str, str] | None = None,
    may_log_errors: bool = False,
) -> None:
    """Run a scenario against a machine API that consists of what `load` gives. Nothing of it may be left at its end."""
    failures: list[str] = []
    loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))
    log_fd = os.memfd_create("log")
    config = AgentConfig("s", "t", workspace=workspace, machine=True, machine_env=dict(env or {}))
    log = Log("debug", fd=log_fd)
    api = MachineApi(surroundings_of(loop, log, config), load)

    async def main() -> None:
        client = Client(loop, api)
        try:
            await scenario(client)
        finally:
            await api.stop()
            await client.close()
        await client.until(lambda: loop.task_count == 1)

    try:
        loop.run(main())
        assert not failures
        assert may_log_errors or b'"error"' not in os.pread(log_fd, 1 << 20, 0)
    finally:
        os.close(log_fd)
