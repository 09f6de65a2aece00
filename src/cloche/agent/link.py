"""The agent's side of the link: dial the host, register, write reports, read commands, and dial again.

One connection at a time. What was not yet written when one is lost is dropped: the next begins with `register`,
which holds the browser's present state, and a heartbeat, and who reports events is told that some may be lost. A host
that does not read for ten seconds loses its connection, since nobody can say which half of a line it has seen.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from socket import SHUT_RDWR, socket
from typing import Final

from cloche.agent import streams
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.outbox import Outbox
from cloche.wire.json_stream import JsonStreamDecoder
from cloche.wire.messages import Command, FromAgent, MessageError, Payload, agent_message, parse_command
from cloche.wire.ndjson import BadLine, Object, encode

_DIAL_TIMEOUT_S: Final = 5.0
_WRITE_TIMEOUT_S: Final = 10.0
_FIRST_DELAY_S: Final = 0.01
_MAX_DELAY_S: Final = 1.0
_BATCH_BYTES: Final = 64 * 1024

_PERIODIC: Final = frozenset({FromAgent.HEARTBEAT, FromAgent.METRICS})


class Link:
    """Owned by `lifecycle`: runs `run` as a task, sends through `send`, and ends it with `close`."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        path: str,
        session_id: str,
        registration: Callable[[], Payload],
        on_registered: Callable[[], None],
        on_command: Callable[[Command], None],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_lost` is called whenever a connection has ended: what was reported last may not have arrived."""
        self._loop, self._log, self._path, self._session_id = loop, log, path, session_id
        self._registration, self._on_registered, self._on_command = registration, on_registered, on_command
        self._on_lost = on_lost
        self._outbox = Outbox()
        self._wrote = Event(loop)
        self._queued = Event(loop)
        self._is_idle = True
        self._sock: socket | None = None
        self._closing = Event(loop)
        self.connected = Event(loop)

    def send(self, type_: FromAgent, payload: Payload, request_id: str | None = None) -> None:
        """Queue one message. Without a connection it is dropped: the next `register` tells what still matters."""
        if not self.connected.is_set():
            return
        message = agent_message(type_, self._session_id, datetime.now(UTC), payload, request_id)
        self._outbox.put(encode(message), is_periodic=type_ in _PERIODIC)
        self._queued.set()

    async def report(self, type_: FromAgent, payload: Payload) -> None:
        """Send one of any number of messages: wait for a host, and for as long as it takes no more.

        They share one quarter of the outbox, so a flood of them holds up neither replies nor beats.
        """
        while not (self.connected.is_set() and self._outbox.has_room_for_events):
            await (self._wrote.next() if self.connected.is_set() else self.connected.wait())
        self.send(type_, payload)

    async def run(self) -> None:
        """Keep a connection for as long as this task lives."""
        while True:
            self._sock = sock = await self._dial()
            self._log.info("link connected")
            try:
                await self._serve(sock)
            except OSError as error:
                self._log.warn("link failed", error=str(error))
            finally:
                self.connected.clear()
                self._sock = None
                sock.close()
                self._on_lost()
            self._log.info("link lost")
            # A host that accepts and hangs up at once must not make this a busy loop.
            await self._pause(_jittered(_FIRST_DELAY_S * 5))

    def redial(self) -> None:
        """Give up the connection there is, if any, and dial anew: after a sleep it may lead nowhere."""
        if self._sock is not None:
            with suppress(OSError):  # it may have ended by itself
                self._sock.shutdown(SHUT_RDWR)

    def stop_intake(self) -> None:
        """Read on, but do nothing that is asked from here on."""
        self._closing.set()

    async def close(self, payload: Payload, within_s: float) -> None:
        """Deregister: write what is queued, and wait no longer than `within_s` for it. After `stop_intake`."""
        deadline = time.monotonic() + within_s
        with suppress(TimeoutError):
            await self.connected.wait(deadline)
            self.send(FromAgent.DEREGISTER, payload)
            while self.connected.is_set() and not (self._is_idle and not len(self._outbox)):
                await self._wrote.next(deadline)

    async def _dial(self) -> socket:
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                return await streams.connect_unix(self._loop, self._path, time.monotonic() + _DIAL_TIMEOUT_S)
            except OSError as error:
                self._log.debug("dial failed", error=str(error))
            await self._pause(_jittered(delay_s))
            delay_s = min(_MAX_DELAY_S, delay_s * 2)

    async def _pause(self, delay_s: float) -> None:
        """Sleep, but not through `close`: what is left of its time goes into quick attempts."""
        if self._closing.is_set():
            await self._loop.sleep(_FIRST_DELAY_S)
            return
        with suppress(TimeoutError):
            await self._closing.wait(time.monotonic() + delay_s)

    async def _serve(self, sock: socket) -> None:
        self._outbox.clear()
        self.connected.set()
        self.send(FromAgent.REGISTER, self._registration())
        self._on_registered()
        writer = self._loop.spawn(self._write(sock), "link writer")
        try:
            await self._read(sock)
        finally:
            await self._loop.stop(writer)

    async def _write(self, sock: socket) -> None:
        try:
            while True:
                await self._queued.wait()
                self._is_idle = False
                while batch := self._outbox.take(_BATCH_BYTES):
                    await streams.send_all(self._loop, sock, batch, time.monotonic() + _WRITE_TIMEOUT_S)
                    self._wrote.pulse()
                self._is_idle = True
                self._queued.clear()
                self._wrote.pulse()
        except OSError as error:
            self._log.warn("link write failed", error=str(error) or "the host does not read")
        finally:
            self._is_idle = True
            self._wrote.pulse()
            # Lets the reader see the end of the stream: it is the one that gives the connection up.
            with suppress(OSError):
                sock.shutdown(SHUT_RDWR)

    async def _read(self, sock: socket) -> None:
        decoder = JsonStreamDecoder()
        while data := await streams.receive(self._loop, sock, 16 * 1024):
            for item in decoder.feed(data):
                while not self._outbox.has_room:
                    await self._wrote.next(time.monotonic() + 2 * _WRITE_TIMEOUT_S)
                if not self._closing.is_set():
                    self._take(item)

    def _take(self, item: Object | BadLine) -> None:
        if isinstance(item, BadLine):
            self._refuse(item.reason, None)
            return
        try:
            self._on_command(parse_command(item))
        except MessageError as error:
            self._refuse(str(error), error.request_id)
        except Exception as error:  # noqa: BLE001  # one command: its failure must not end the reading of others
            self._log.error("command failed", error=repr(error))
            self.send(FromAgent.ERROR, {"code": "internal", "message": "the command failed"})

    def _refuse(self, reason: str, request_id: str | None) -> None:
        self._log.warn("bad command", reason=reason)
        self.send(FromAgent.ERROR, {"code": "bad_command", "message": reason}, request_id)


def _jittered(delay_s: float) -> float:
    return delay_s * (0.5 + os.urandom(1)[0] / 510)
