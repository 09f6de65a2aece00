"""The host's end of one session's agent link: listen, check who dials, hand on what it says, keep its lease alive."""

import asyncio
import contextlib
import errno
import hashlib
import hmac
import os
import socket
import struct
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from cloche.agent_link.outgoing import Outgoing
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import AgentError, DeadlineError, StartError
from cloche.wire.messages import (
    AgentMessage,
    FromAgent,
    MessageError,
    Payload,
    ToAgent,
    command,
    parse_agent_message,
)
from cloche.wire.ndjson import BadLine, LineDecoder, encode

REGISTER_TIMEOUT_S: Final = 5.0
MAX_BAD_LINES: Final = 32
"""Lines that are no messages before a connection is dropped; the agent may dial again."""
MAX_CONNECTIONS: Final = 8
"""Connections of one sandbox, the registered one included. Anything in it can dial; none of it may pile up here."""
LINGER_S: Final = 0.5
"""How long an ended connection keeps its place among `MAX_CONNECTIONS`: who dials in a loop gets few turns a second."""
FLOOD_MESSAGES: Final = 256
FLOOD_WINDOW_S: Final = 1.0
"""Above this many messages in this time the reader pauses, and the flood waits in the agent's own socket buffer."""

_log = structlog.get_logger(__name__)


class LinkHandler(Protocol):
    """What the owner of a link wants to hear. Called on the loop, in order; must not block."""

    def agent_registered(self, payload: Payload) -> None: ...

    def agent_said(self, message: AgentMessage) -> None: ...

    def agent_lost(self) -> None:
        """The registered connection has ended. The agent may dial again."""
        ...

    def agent_misspoke(self, reason: str) -> None:
        """Something that is no message came in and was dropped."""
        ...


def hash_token(token: str) -> str:
    """What may be stored of an agent's token."""
    # JSON can hold half a surrogate pair, which plain UTF-8 cannot: a wrong token like any other.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


class AgentLink:
    """Listens on one unix socket for one session's agent. Owned by the session's runner: `listen`, then `close`.

    A connection counts from the moment its first message is a `register` with the right token and session id. A newer
    registered connection replaces the older one, because an agent dials again only when it takes the old one for dead.
    """

    def __init__(self, *, session_id: str, token_hash: str, lease_s: float, handler: LinkHandler) -> None:
        self._session_id = session_id
        self._token_hash = token_hash
        self._lease_s = lease_s
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._peer_uid: int | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None
        self._outgoing: Outgoing | None = None
        self._lease_is_due = asyncio.Event()
        self._is_held = False
        self._registered = asyncio.Event()
        self._lease_task: asyncio.Task[None] | None = None
        self._commands = 0
        self._path: Path | None = None
        self._closed = False

    @property
    def is_up(self) -> bool:
        return self._writer is not None

    async def listen(self, path: Path, *, peer_uid: int | None) -> None:
        """Bind `path` for `peer_uid` alone. An older socket there is replaced: it belonged to an earlier daemon.

        Raises:
            StartError: `run_dir_full`, or `run_dir_unwritable`.
        """
        try:
            listener = _bind(path, peer_uid)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "run_dir_full" if full else "run_dir_unwritable"
            raise StartError("the session's link has no place in the server's run directory", reason=reason) from error
        self._peer_uid, self._path = peer_uid, path
        # In two steps: the server is known here, and so closed, before anything can cut this short.
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=64 * 1024, start_serving=False
        )
        await self._server.start_serving()
        self._lease_task = spawn(self._keep_lease(), name=f"lease:{self._session_id}")

    async def registered(self, *, timeout_s: float) -> None:
        """Wait for an agent. Raises: DeadlineError."""
        try:
            async with asyncio.timeout(timeout_s):  # not `wait_for`, which can forget a cancellation in Python 3.11
                await self._registered.wait()
        except TimeoutError:
            raise DeadlineError("the agent did not register in time") from None

    async def send(self, type_: ToAgent, payload: Payload | None = None) -> None:
        """Send a command. Raises: AgentError when no agent is there or it does not read."""
        writer, outgoing = self._writer, self._outgoing
        if writer is None or outgoing is None:
            raise AgentError("no agent is connected")
        self._commands += 1
        try:
            await outgoing.send(encode(command(type_, f"host-{self._commands}", payload)))
        except TimeoutError as error:
            writer.transport.abort()  # a peer that does not read is as good as gone
            raise AgentError("the agent does not read") from error

    def hold(self) -> None:
        """The agent stands still: what is said to it would only fill the socket, and then look like an agent that
        does not read. Its lease waits."""
        self._is_held = True

    def go_on(self) -> None:
        """It stands still no more, and gets its lease at once."""
        self._is_held = False
        self._lease_is_due.set()

    def drop(self) -> None:
        """Cut the registered connection; the agent may dial again."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def close(self) -> None:
        self._closed = True
        if self._server is not None:
            self._server.close()
        await cancel_and_wait(self._lease_task, *self._connections)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed or len(self._connections) >= MAX_CONNECTIONS or not self._may_dial(writer):
            writer.transport.abort()
            return
        task = spawn(self._converse(reader, writer), name=f"link:{self._session_id}")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # A task that is cancelled before its first step never gets to close what it was given.
        task.add_done_callback(lambda _: writer.transport.abort())

    def _may_dial(self, writer: asyncio.StreamWriter) -> bool:
        """Compare the peer's uid as the kernel recorded it at connect (SO_PEERCRED, unix(7))."""
        if self._peer_uid is None:
            return True
        peer: socket.socket = writer.get_extra_info("socket")
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", credentials)
        return bool(uid == self._peer_uid)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder, pending = LineDecoder(), list[dict[str, Any] | BadLine]()
        try:
            async with asyncio.timeout(REGISTER_TIMEOUT_S):
                while not pending:
                    pending = decoder.feed(await self._read(reader))
            self._register(pending.pop(0), writer)
            await self._listen_on(reader, decoder, pending)
        except (TimeoutError, OSError, EOFError, MessageError) as error:
            _log.info("agent_link_ended", session=self._session_id, cause=type(error).__name__, detail=str(error))
        finally:
            writer.transport.abort()
            self._release(writer)
        await asyncio.sleep(LINGER_S)

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        data = await reader.read(64 * 1024)
        if not data:
            raise EOFError("the agent closed the link")
        return data

    def _register(self, first: dict[str, Any] | BadLine, writer: asyncio.StreamWriter) -> None:
        if isinstance(first, BadLine):
            raise MessageError(first.reason)
        message = parse_agent_message(first)
        if message.type != FromAgent.REGISTER or message.session_id != self._session_id:
            raise MessageError("the first message must be this session's register")
        token = message.payload.get("token")
        if not isinstance(token, str) or not hmac.compare_digest(hash_token(token), self._token_hash):
            raise MessageError("wrong token")
        if self._writer is not None and self._outgoing is not None:
            self._writer.transport.abort()
            self._outgoing.hang_up()
        self._writer, self._outgoing = writer, Outgoing(writer.get_extra_info("socket"))
        self._registered.set()
        self._handler.agent_registered(message.payload)
        self._lease_is_due.set()

    async def _listen_on(
        self, reader: asyncio.StreamReader, decoder: LineDecoder, pending: list[dict[str, Any] | BadLine]
    ) -> None:
        loop = asyncio.get_running_loop()
        bad, count, window_end = 0, 0, loop.time() + FLOOD_WINDOW_S
        while True:
            for item in pending:
                bad += not self._hand_on(item)
                count += 1
                if bad > MAX_BAD_LINES:  # asked at each: one chunk can hold twenty thousand of them
                    raise MessageError("too many bad lines")
            if loop.time() >= window_end:
                count, window_end = 0, loop.time() + FLOOD_WINDOW_S
            elif count > FLOOD_MESSAGES:
                await asyncio.sleep(window_end - loop.time())
            pending = decoder.feed(await self._read(reader))

    def _hand_on(self, item: dict[str, Any] | BadLine) -> bool:
        """Give one message to the handler; False when it was none."""
        try:
            if isinstance(item, BadLine):
                raise MessageError(item.reason)
            message = parse_agent_message(item)
            if message.session_id != self._session_id:
                raise MessageError("another session's message")
        except MessageError as error:
            self._handler.agent_misspoke(str(error))
            return False
        self._handler.agent_said(message)
        return True

    def _release(self, writer: asyncio.StreamWriter) -> None:
        if self._writer is writer and self._outgoing is not None:
            self._outgoing.hang_up()
            self._writer = self._outgoing = None
            self._registered.clear()
            self._handler.agent_lost()

    async def _keep_lease(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._lease_s / 3):
                    await self._lease_is_due.wait()
            self._lease_is_due.clear()
            if self._is_held:
                continue
            with contextlib.suppress(AgentError):  # no agent now: it gets a lease when it registers
                await self.send(ToAgent.LEASE, {"ttl_s": self._lease_s})


def _bind(path: Path, peer_uid: int | None) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # The file that bind(2) makes takes the socket's mode; a chmod after it would follow whatever is there then.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        if peer_uid is not None and peer_uid != os.geteuid():
            os.chown(path, peer_uid, -1, follow_symlinks=False)
    except BaseException:
        listener.close()
        raise
    return listener
