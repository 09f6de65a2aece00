"""Run the API on sockets that are already bound, inside the daemon's own loop."""

import asyncio
import contextlib
import socket
from collections.abc import Generator, Sequence
from typing import Any, Final, cast

import uvicorn

from cloche.api.app import build_app
from cloche.api.deps import ApiDeps
from cloche.api.devtools_door.door import door_factory
from cloche.api.http_protocol import LimitedHttpProtocol
from cloche.api.live.door import live_door_factory
from cloche.api.live.upgrades import upgrades_factory
from cloche.concurrency.tasks import spawn

GRACE_S: Final = 8
"""How long running requests and DevTools connections may take to end when the server stops; then they are cut off."""
KEEP_ALIVE_S: Final = 75
TICK_S: Final = 1.0


class ApiServer:
    """Serves HTTP and DevTools on `sockets`. An async context manager: inside it the server answers.

    Leaving it stops accepting, ends event streams, closes DevTools connections with 1001, waits at most `GRACE_S`
    for what still runs, and closes the sockets.
    """

    def __init__(self, deps: ApiDeps, sockets: Sequence[socket.socket]) -> None:
        self._app = build_app(deps)
        self._sockets = list(sockets)
        devtools = door_factory(
            deps.manager, deps.credentials(), deps.guard(), deps.auth_failures("devtools"), deps.relays_of
        )
        door = upgrades_factory(devtools, live_door_factory(self._app.state.live))
        config = uvicorn.Config(
            self._app,
            http=LimitedHttpProtocol,
            ws=cast(Any, door),  # a factory does for the class uvicorn asks for
            lifespan="off",
            log_config=None,
            access_log=False,  # it would write the tokens in URLs
            proxy_headers=False,  # a proxy's outside name comes from `public_url`, not from whoever sends a header
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _EmbeddedServer(config)

    async def __aenter__(self) -> "ApiServer":
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup(sockets=self._sockets)
        self._ticking = spawn(self._server.main_loop(), name="http-server")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._app.state.stopping.set()
        await self._app.state.offers.close()
        self._server.stop_ticking()
        await self._ticking
        await self._server.shutdown(sockets=self._sockets)
        self._app.state.codec.close()


class _EmbeddedServer(uvicorn.Server):
    """Leaves signals to the daemon, and wakes up once a second, for the Date field, instead of ten times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop = asyncio.Event()

    def stop_ticking(self) -> None:
        self._stop.set()

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
