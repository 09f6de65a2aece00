"""The door as uvicorn's WebSocket protocol class: one instance for each upgrade request."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, cast

import structlog
from uvicorn.server import ServerState

from cloche.api.auth.credentials import Credentials
from cloche.api.auth.failures import AuthFailures
from cloche.api.auth.guard import RequestGuard
from cloche.api.auth.revocation import until_revoked
from cloche.api.devtools_door.closing import KEY_REVOKED, SERVER_STOPPING, Closing
from cloche.api.devtools_door.head import END, Endpoint, Upgrade, parse_upgrade
from cloche.api.devtools_door.passage import Opening, carry, open_passage, open_process, tune
from cloche.api.devtools_door.reach import reach
from cloche.api.devtools_door.refusal import refuse
from cloche.api.problem import INTERNAL_DETAIL
from cloche.concurrency.splice import abort
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.data_plane.relay import RelaysOf
from cloche.data_plane.running import HereRelays
from cloche.errors import BusyError, ClocheError, GoneError, InternalError, SandboxError, UnauthenticatedError
from cloche.sessions.interface import Attachment, SessionManager
from cloche.sessions.principal import Principal

_log = structlog.get_logger(__name__)

DoorFactory = Callable[..., "Door"]


def door_factory(
    manager: SessionManager,
    credentials: Credentials,
    guard: RequestGuard,
    failures: AuthFailures | None = None,
    relays_of: RelaysOf | None = None,
) -> DoorFactory:
    """What uvicorn calls as its `ws` protocol class.

    `failures` is told of whom it does not let in; `relays_of` None: everything is relayed in this loop.
    """
    here = HereRelays()

    def make(*, config: Any, server_state: ServerState, app_state: dict[str, Any]) -> Door:
        return Door(manager, credentials, guard, server_state, failures, relays_of or (lambda _: here))

    return make


class Door(asyncio.Protocol):
    """Takes a connection over from uvicorn with the whole request head, and lives until the client has gone.

    uvicorn calls `connection_made`, then `data_received` with the head (and whatever came behind it), and `shutdown`
    when the server stops; it waits for every member of `server_state.connections`, which this is while it serves.
    """

    def __init__(
        self,
        manager: SessionManager,
        credentials: Credentials,
        guard: RequestGuard,
        server_state: ServerState,
        failures: AuthFailures | None,
        relays_of: RelaysOf,
    ) -> None:
        self._manager = manager
        self._failures, self._relays_of = failures, relays_of
        self._credentials = credentials
        self._guard = guard
        self._connections: set[Any] = server_state.connections
        self._stopping: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._serving: asyncio.Task[None] | None = None
        self._is_through = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being a subclass

    def data_received(self, data: bytes) -> None:
        """Begin. Called once: reading stops here, and the kernel keeps what comes until the splice reads it."""
        transport = self._transport
        assert transport is not None and self._serving is None
        transport.pause_reading()
        self._connections.add(self)
        self._serving = spawn(self._serve(transport, data), name="door")
        self._serving.add_done_callback(lambda _task: self._connections.discard(self))

    def shutdown(self) -> None:
        """The server stops: send those who are through home, turn those away who are not. Called by uvicorn."""
        self._send_home(SERVER_STOPPING)
        if not self._is_through and self._serving is not None:
            self._serving.cancel()

    def _send_home(self, why: Closing) -> None:
        if not self._stopping.done():
            self._stopping.set_result(why)

    async def _serve(self, transport: asyncio.Transport, data: bytes) -> None:
        head, _, early = data.partition(END)
        try:
            upgrade = parse_upgrade(head + END)
            self._guard.check(upgrade.head.all("host"), upgrade.head.all("origin"))
            fields = {name: upgrade.head.all(name)[0] for name, _ in upgrade.head.fields}
            if upgrade.endpoint is Endpoint.PROCESS:
                caller = await self._credentials.principal(fields)
                async with self._sent_home_with_its_key(fields):
                    await self._serve_process(transport, upgrade, caller, early)
                return
            access = await self._credentials.access(fields, upgrade.token, upgrade.session_id)
            by_key = self._sent_home_with_its_key(fields) if access.principal is not None else nullcontext()
            async with self._manager.attach(access.principal, upgrade.session_id) as attachment, by_key:
                await self._serve_browser(transport, upgrade, attachment, early)
        except ClocheError as error:
            if self._failures is not None and isinstance(error, UnauthenticatedError):
                self._failures.note(str((transport.get_extra_info("peername") or [""])[0]))
            refuse(transport, error)
        except asyncio.CancelledError:
            refuse(transport, BusyError("the server is stopping"))
            raise
        except Exception as error:  # noqa: BLE001  the top of a connection
            _log.error("door_failed", exc_info=error)
            refuse(transport, InternalError(INTERNAL_DETAIL))

    @asynccontextmanager
    async def _sent_home_with_its_key(self, fields: Mapping[str, str]) -> AsyncIterator[None]:
        """As long as the block lasts, the client goes once the key that it came with has been revoked."""
        watching = spawn(self._watch_key(fields), name="door-key")
        try:
            yield
        finally:
            await cancel_and_wait(watching)

    async def _watch_key(self, fields: Mapping[str, str]) -> None:
        await until_revoked(lambda: self._credentials.stands(fields))
        self._send_home(KEY_REVOKED)

    async def _serve_browser(
        self, transport: asyncio.Transport, upgrade: Upgrade, attachment: Attachment, early: bytes
    ) -> None:
        # The path is read after the dial: while a browser restarts, the dial waits and the path changes.
        browser, opening = await reach(
            attachment, lambda dialled: open_passage(dialled, upgrade, attachment.browser_path)
        )
        await self._let_through(transport, browser, opening, early, upgrade, attachment.ended)

    async def _serve_process(
        self, transport: asyncio.Transport, upgrade: Upgrade, caller: Principal, early: bytes
    ) -> None:
        machine = await self._manager.machine(caller, upgrade.session_id)
        async with machine.tunnel() as tunnel:
            agent = await tunnel.dial()
            try:
                opening = await open_process(agent, upgrade)
            except BaseException as error:
                abort(agent)
                if isinstance(error, SandboxError) and tunnel.ended.done():
                    raise GoneError("the session has ended", reason=tunnel.ended.result()) from None
                raise
            await self._let_through(transport, agent, opening, early, upgrade, tunnel.ended)

    async def _let_through(
        self,
        transport: asyncio.Transport,
        peer: socket.socket,
        opening: Opening,
        early: bytes,
        upgrade: Upgrade,
        ended: "asyncio.Future[str]",
    ) -> None:
        """Carry until it ends; `peer` is closed here."""
        try:
            with _take_socket(transport) as client:
                self._is_through = True
                told = await carry(
                    client,
                    peer,
                    opening,
                    early=early,
                    endpoint=upgrade.endpoint,
                    relays=self._relays_of(upgrade.session_id),
                    ended=ended,
                    stopping=self._stopping,
                )
            left = {"session": upgrade.session_id, "told": told.reason if told else None}
            _log.info("door_client_left", endpoint=upgrade.endpoint, **left)
        finally:
            abort(peer)


def _take_socket(transport: asyncio.Transport) -> socket.socket:
    """Take the connection out of the transport's hands: a descriptor of our own, then the transport may go.

    The connection stays open, because closing one of two descriptors of a socket sends nothing (close(2)).
    """
    theirs: socket.socket = transport.get_extra_info("socket")
    if transport.is_closing():
        raise BusyError("the client has gone")  # no one will read it; it only has to end the visit
    client = socket.socket(fileno=os.dup(theirs.fileno()))
    client.setblocking(False)
    tune(client)
    transport.abort()
    return client
