"""The guest socket: streams that the host opens to the inside, each announced by one preface line.

The host bound this socket and handed it over, so nothing in the sandbox can stand in for it, and only the host can
connect to it. Still no peer can hold up another: each has its own task, few seconds for its preface, and a place
among those that wait which it loses to a newcomer when all are taken.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from socket import SHUT_WR, socket
from typing import Final

from cloche.agent import streams
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop, Task
from cloche.agent.machine.api import MachineApi
from cloche.agent.supervisor import Supervisor
from cloche.wire.preface import MAX_PREFACE_BYTES, Answer, Preface, PrefaceError, StreamKind, parse_preface

MAX_WAITING: Final = 64
_MAX_STREAMS: Final = 256
_PREFACE_S: Final = 5.0
_ANSWER_S: Final = 5.0
_CONNECT_S: Final = 5.0
_ACCEPT_AGAIN_S: Final = 0.1


class GuestSocket:
    """Owned by `lifecycle`, which runs `run` as a task and calls `stop` at the end."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        listener: socket,
        supervisor: Supervisor | None,
        egress: socket | None,
        api: MachineApi,
        converse: Callable[[socket, bytes], Awaitable[None]],
    ) -> None:
        """`converse` holds a conversation of the guest protocol, given what has been read of it already."""
        listener.setblocking(False)
        self._loop, self._log, self._listener = loop, log, listener
        self._supervisor, self._egress, self._api, self._converse = supervisor, egress, api, converse
        self._waiting: dict[int, Task] = {}
        self._streams: dict[int, Task] = {}
        self._conversing: dict[int, Task] = {}
        self._takes_conversations = True
        self._ended = Event(loop)
        """Pulsed whenever a stream has."""

    async def run(self) -> None:
        while True:
            try:
                connection = await streams.accept(self._loop, self._listener)
            except OSError as error:  # out of descriptors, say: those that end will free some
                self._log.error("accept failed", error=str(error))
                await self._loop.sleep(_ACCEPT_AGAIN_S)
                continue
            while len(self._streams) >= _MAX_STREAMS:
                await self._ended.next()
            if len(self._waiting) >= MAX_WAITING:
                await self._loop.stop(next(iter(self._waiting.values())))
            key = connection.fileno()
            task = self._loop.spawn(self._serve(connection, key), "guest stream")
            self._waiting[key] = self._streams[key] = task

    async def stop_conversations(self) -> None:
        """End what asks things of the agent itself, and whatever runs for it; who asks later is refused."""
        self._takes_conversations = False
        await self._loop.stop(*self._conversing.values())

    async def stop(self) -> None:
        """Close the socket and every stream. `run` must have ended."""
        self._listener.close()
        await self._loop.stop(*self._streams.values())

    async def _serve(self, connection: socket, key: int) -> None:
        try:
            line, rest = await self._preface(connection)
            await self._open(connection, key, parse_preface(line), rest)
        except PrefaceError as error:
            with suppress(OSError):
                await self._refuse(connection, "bad_preface", str(error))
        except OSError as error:  # it hung up, or let its time pass
            self._log.debug("guest stream ended", error=str(error) or type(error).__name__)
        finally:
            connection.close()
            for kept in (self._waiting, self._streams, self._conversing):
                kept.pop(key, None)
            self._ended.pulse()

    async def _preface(self, connection: socket) -> tuple[bytes, bytes]:
        """Return the first line, and what came after it in the same breath."""
        deadline = time.monotonic() + _PREFACE_S
        received = b""
        while b"\n" not in received:
            if len(received) > MAX_PREFACE_BYTES:
                raise PrefaceError("line too long")
            data = await streams.receive(self._loop, connection, MAX_PREFACE_BYTES + 1, deadline)
            if not data:
                raise PrefaceError("no line")
            received += data
        line, _, rest = received.partition(b"\n")
        return line, rest

    async def _open(self, connection: socket, key: int, preface: Preface, rest: bytes) -> None:
        if preface.kind is StreamKind.EGRESS:
            await self._hand_over_egress(connection, preface)
        elif preface.kind is StreamKind.HTTP:
            await self._answer(connection, Answer(ok=True))
            # Once the request has come its own limits hold: it may last, and a newcomer does not take its place.
            await self._api.serve(connection, rest, on_head=lambda: self._waiting.pop(key, None))
        elif preface.kind is StreamKind.DEVTOOLS:
            await self._open_devtools(connection, key, preface, rest)
        elif preface.kind is StreamKind.GUEST:
            await self._hold_conversation(connection, key, rest)

    async def _hand_over_egress(self, connection: socket, preface: Preface) -> None:
        if self._egress is None or not preface.passes_descriptor:
            await self._refuse(connection, "unsupported", "there is no listening socket to pass")
            return
        await self._pass(connection, self._egress, Answer(ok=True))

    async def _hold_conversation(self, connection: socket, key: int, rest: bytes) -> None:
        if not self._takes_conversations:
            await self._refuse(connection, "unsupported", "the agent is ending")
            return
        await self._answer(connection, Answer(ok=True))
        # From here on its own limits hold: it may last, and a newcomer does not take its place.
        self._waiting.pop(key, None)
        self._conversing[key] = self._streams[key]
        await self._converse(connection, rest)

    async def _open_devtools(self, connection: socket, key: int, preface: Preface, rest: bytes) -> None:
        found = await self._connect_browser(preface.wait_s)
        if found is None:
            if self._supervisor is not None and self._supervisor.is_stopped:
                await self._refuse(connection, "browser_stopped", "the browser was stopped, and waits to be started")
            else:
                await self._refuse(connection, "browser_unavailable", "no browser is ready")
            return
        browser, answer = found
        try:
            if preface.passes_descriptor:
                await self._pass(connection, browser, answer)
                return
            await self._answer(connection, answer)
            self._waiting.pop(key, None)
            await streams.send_all(self._loop, browser, rest)
            await streams.copy_both_ways(self._loop, connection, browser)
        finally:
            browser.close()

    async def _connect_browser(self, wait_s: float) -> tuple[socket, Answer] | None:
        """Connect to a browser that is ready within `wait_s`; give the connection and where on it the browser is."""
        supervisor, deadline = self._supervisor, time.monotonic() + wait_s
        while supervisor is not None and not supervisor.ended.is_set() and not supervisor.is_stopped:
            try:
                await supervisor.ready.wait(deadline)
                if supervisor.devtools is None:
                    continue  # woken because it has ended
                answer = Answer(ok=True, devtools_path=supervisor.devtools.path)
                connect_by = max(deadline, time.monotonic() + _CONNECT_S)
                return await streams.connect_loopback(self._loop, supervisor.devtools.port, connect_by), answer
            except TimeoutError:
                return None
            except OSError:
                # It has just died, and its supervisor has not seen it yet.
                if time.monotonic() >= deadline:
                    return None
                await self._loop.sleep(0.005)
        return None

    async def _pass(self, connection: socket, passed: socket, answer: Answer) -> None:
        deadline = time.monotonic() + _ANSWER_S
        await streams.send_descriptor(self._loop, connection, answer.encode(), passed.fileno(), deadline)
        connection.shutdown(SHUT_WR)

    async def _answer(self, connection: socket, answer: Answer) -> None:
        await streams.send_all(self._loop, connection, answer.encode(), time.monotonic() + _ANSWER_S)

    async def _refuse(self, connection: socket, code: str, message: str) -> None:
        await self._answer(connection, Answer(False, code, message))
