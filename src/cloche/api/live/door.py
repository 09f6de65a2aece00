"""The live door as uvicorn's WebSocket protocol class: one instance for each upgrade request on one of its paths."""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final, cast

import structlog
from uvicorn.server import ServerState

from cloche.api.auth.credentials import LiveAccess
from cloche.api.devtools_door.closing import Closing
from cloche.api.devtools_door.head import END, Asked, opening, parse_asked
from cloche.api.devtools_door.refusal import answer, refuse
from cloche.api.live.closing import closing_of
from cloche.api.live.isolation import older_error, older_problem, show_frames
from cloche.api.live.parts import LiveParts
from cloche.api.live.socket import LiveSocket
from cloche.api.live.viewer import serve_viewer
from cloche.api.live.visit import left_when_revoked
from cloche.api.problem import INTERNAL_DETAIL
from cloche.concurrency.tasks import spawn
from cloche.errors import BusyError, ClocheError, InternalError, NotFoundError, UnauthenticatedError
from cloche.ids import SessionId, parse_session_id
from cloche.sessions.live.interface import Joining

_log = structlog.get_logger(__name__)

_PATH: Final = re.compile(r"/v1/sessions/(?P<id>[^/]{1,64})/live/ws/?|/ws/sessions/(?P<older>[^/]{1,64})/?")
_NAME_CHARS: Final = 64
_FAILED: Final = Closing(1011, "internal")


def is_live_path(target: bytes) -> bool:
    """Whether a request target is for this door. Any bytes will do."""
    return _PATH.fullmatch(target.partition(b"?")[0].decode("latin-1")) is not None


def live_door_factory(parts: LiveParts) -> Callable[..., "LiveDoor"]:
    """What makes one for each upgrade request."""

    def make(*, config: Any, server_state: ServerState, app_state: dict[str, Any]) -> LiveDoor:
        return LiveDoor(parts, server_state)

    return make


class LiveDoor(asyncio.Protocol):
    """Takes a connection over from uvicorn with the whole request head, and lives until the viewer has gone.

    uvicorn calls `connection_made`, then `data_received` with the head (and whatever came behind it), and `shutdown`
    when the server stops; it waits for every member of `server_state.connections`, which this is while it serves.
    """

    def __init__(self, parts: LiveParts, server_state: ServerState) -> None:
        self._parts = parts
        self._connections: set[Any] = server_state.connections
        self._stopping: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._serving: asyncio.Task[None] | None = None
        self._socket: LiveSocket | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Begin. Called once: reading stops here until the viewer has its place."""
        transport = self._transport
        assert transport is not None and self._serving is None
        transport.pause_reading()
        self._connections.add(self)
        self._serving = spawn(self._serve(transport, data), name="live-door")
        self._serving.add_done_callback(lambda _task: self._connections.discard(self))

    def shutdown(self) -> None:
        """The server stops. Called by uvicorn."""
        if not self._stopping.done():
            self._stopping.set_result(None)
        if self._socket is None and self._serving is not None:
            self._serving.cancel()

    async def _serve(self, transport: asyncio.Transport, data: bytes) -> None:
        is_older = False
        asked: Asked | None = None
        """Set once it is known to be an upgrade."""
        try:
            head, _, early = data.partition(END)
            request = parse_asked(head + END)
            path = _PATH.fullmatch(request.path)
            is_older = path is not None and path["older"] is not None
            self._parts.guard.check(request.head.all("host"), request.head.all("origin"))
            if path is None:
                raise NotFoundError("there is no WebSocket at this path")
            request.require_websocket()
            asked = request
            await self._let_in(transport, asked, parse_session_id(path["older"] or path["id"]), early, is_older)
        except ClocheError as error:
            if isinstance(error, UnauthenticatedError):
                self._parts.failures.note(str((transport.get_extra_info("peername") or [""])[0]))
            if asked is not None and self._socket is None and not is_older and (closing := closing_of(error)):
                await self._upgrade(transport, asked).finish(closing)
            else:
                await self._turn_away(transport, error, is_older)
        except asyncio.CancelledError:
            await self._turn_away(transport, BusyError("the server is stopping"), is_older)
            raise
        except Exception as error:  # noqa: BLE001  the top of a connection
            _log.error("live_door_failed", exc_info=error)
            await self._turn_away(transport, InternalError(INTERNAL_DETAIL), is_older)

    async def _let_in(
        self, transport: asyncio.Transport, asked: Asked, session_id: SessionId, early: bytes, is_older: bool
    ) -> None:
        parts = self._parts
        fields = {name: asked.head.all(name)[0] for name, _ in asked.head.fields}
        access = await parts.credentials.live(fields, asked.query.get("token"), session_id)
        live = await parts.manager.live(access.principal, session_id)
        joining = joining_of(access, asked.query.get("name", ""))
        async with live.join(joining) as seat, left_when_revoked(seat, joining):
            socket = self._upgrade(transport, asked)
            if is_older:
                reason = await show_frames(parts, seat, socket, early, self._stopping)
            else:
                reason = await serve_viewer(parts, session_id, live, joining, seat, socket, early, self._stopping)
        _log.info("live_viewer_left", session=session_id, viewer=seat.id, older=is_older, reason=reason.value)

    def _upgrade(self, transport: asyncio.Transport, asked: Asked) -> LiveSocket:
        if transport.is_closing():
            raise BusyError("the client has gone")  # no one will read it; it only has to end the visit
        settings = self._parts.settings
        self._socket = LiveSocket(
            max_bytes=settings.max_message_bytes, patience_s=settings.patience_s, ping_every_s=settings.ping_every_s
        )
        self._socket.begin(transport, opening(asked.head))
        return self._socket

    async def _turn_away(self, transport: asyncio.Transport, error: ClocheError, is_older: bool) -> None:
        if self._socket is not None:
            await self._socket.finish(_FAILED)
        elif is_older:
            answer(transport, older_problem(older_error(error)), "application/json")
        else:
            refuse(transport, error)


def joining_of(access: LiveAccess, name: str) -> Joining:
    shown = "".join(character for character in name if character.isprintable())[:_NAME_CHARS]
    return Joining(
        right=access.right,
        name=shown,
        principal=access.principal,
        expires_at=access.expires_at,
        stands=access.stands,
    )
