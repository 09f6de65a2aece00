import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cloche.agent import guest, streams
from cloche.agent.guest import GuestSocket
from cloche.agent.journal import Journal
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.api import MachineApi, Surroundings
from cloche.agent.metrics import BrowserFacts, Metrics
from cloche.agent.population import Population
from cloche.wire.agent_config import AgentConfig


def new_guest_socket(
    loop: Loop, listener: socket.socket, converse: Callable[[socket.socket, bytes], Coroutine[Any, Any, None]]
) -> GuestSocket:
    population, log = Population(owns_namespace=False), Log("error")
    metrics = Metrics(
        population,
        workspace="/",
        memory_limit_bytes=0,
        browser=lambda: BrowserFacts(False, False, False, None, 0),
        worker_status=lambda: "idle",
        task_count=lambda: 0,
    )
    surroundings = Surroundings(loop, log, AgentConfig("s", "t"), metrics, population, None, Journal(loop))
    return GuestSocket(loop, log, listener, None, None, MachineApi(surroundings), converse)


def test_when_all_places_are_taken_the_next_is_served_as_soon_as_any_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest, "_MAX_STREAMS", 2)
    failures: list[object] = []
    loop = Loop(lambda *failure: failures.append(failure))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "guest.sock"))
    listener.listen()
    begun: list[int] = []

    async def converse(connection: socket.socket, _received: bytes) -> None:
        begun.append(len(begun))
        await streams.receive(loop, connection, 1, time.monotonic() + 5)

    async def open_stream() -> socket.socket:
        sock = await streams.connect_unix(loop, str(tmp_path / "guest.sock"), time.monotonic() + 5)
        await streams.send_all(loop, sock, b'{"stream":"guest"}\n')
        return sock

    async def main() -> None:
        guest_socket = new_guest_socket(loop, listener, converse)
        running = loop.spawn(guest_socket.run(), "guest socket")
        oldest, newest, waiting = [await open_stream() for _ in range(3)]
        for taken in (oldest, newest):
            assert await streams.receive(loop, taken, 100, time.monotonic() + 5) == b'{"ok":true}\n'
        with pytest.raises(TimeoutError):
            await streams.receive(loop, waiting, 100, time.monotonic())
        newest.close()
        assert await streams.receive(loop, waiting, 100, time.monotonic() + 5) == b'{"ok":true}\n'
        await loop.stop(running)
        await guest_socket.stop_conversations()
        assert await streams.receive(loop, oldest, 100, time.monotonic() + 5) == b""
        await guest_socket.stop()
        oldest.close()
        waiting.close()

    loop.run(main())
    assert not failures
    assert begun == [0, 1, 2]


def test_who_asks_for_a_conversation_when_they_have_ended_is_refused(tmp_path: Path) -> None:
    failures: list[object] = []
    loop = Loop(lambda *failure: failures.append(failure))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "guest.sock"))
    listener.listen()
    begun: list[bytes] = []

    async def converse(_connection: socket.socket, received: bytes) -> None:
        begun.append(received)

    async def main() -> None:
        guest_socket = new_guest_socket(loop, listener, converse)
        running = loop.spawn(guest_socket.run(), "guest socket")
        deadline = time.monotonic() + 5
        early, late = [await streams.connect_unix(loop, str(tmp_path / "guest.sock"), deadline) for _ in range(2)]
        await streams.send_all(loop, late, b'{"stream":')
        await streams.send_all(loop, early, b'{"stream":"guest"}\n')
        assert await streams.receive(loop, early, 100, deadline) == b'{"ok":true}\n'
        assert await streams.receive(loop, early, 100, deadline) == b""
        await loop.stop(running)
        await guest_socket.stop_conversations()
        await streams.send_all(loop, late, b'"guest"}\n')
        assert b'"code":"unsupported"' in await streams.receive(loop, late, 200, deadline)
        assert await streams.receive(loop, late, 100, deadline) == b""
        await guest_socket.stop()
        early.close()
        late.close()

    loop.run(main())
    assert len(begun) == 1
    assert not failures
