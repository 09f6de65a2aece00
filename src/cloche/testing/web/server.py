"""`LocalWeb`: all of the local web in a thread with a loop of its own."""

import asyncio
import socket
import tempfile
import threading
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import trustme
import uvicorn
import uvloop

from cloche.testing import netns
from cloche.testing.web import names
from cloche.testing.web.app import make_app
from cloche.testing.web.hosts import HostsFile
from cloche.testing.web.log import Datagram, Request, WebLog
from cloche.testing.web.raw import RawPorts, listen_for_datagrams, serve_raw

START_TIMEOUT_S: Final = 10.0
STOP_TIMEOUT_S: Final = 10.0
BACKLOG: Final = 2048

_PUBLIC: Final = {ip_address(address) for address in netns.PUBLIC_LOOKING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where to listen. The default is every address of a network namespace that is the test's own."""

    addresses: tuple[str, ...] = ("0.0.0.0", "::")  # noqa: S104 - the namespace is the wall
    http_port: int = 80
    https_port: int = 443
    datagrams: bool = True
    all_names_on: str | None = None
    """Resolve every name to this address instead of its own: outside a namespace only loopback is there."""


LOOPBACK_ONLY: Final = Places(
    addresses=("127.0.0.1",), http_port=0, https_port=0, datagrams=False, all_names_on="127.0.0.1"
)


class LocalWeb:
    """Owns the hosts file, the certificate authority, the listeners and the log.

    Lifecycle: `with` or `async with`; both wait until every port listens, and at the end until all are closed.
    `restore()` makes it as new between tests that share one.
    """

    def __init__(self, places: Places | None = None) -> None:
        self.places = places or Places()
        self.log = WebLog()
        self._directory = tempfile.TemporaryDirectory(prefix="cloche-web-")
        self._thread = threading.Thread(target=self._run, name="local-web", daemon=True)
        self._started: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self.http_port: int
        self.https_port: int
        self.raw: RawPorts
        self._sites: list[_Server] = []
        self._make_files(Path(self._directory.name))

    def _make_files(self, directory: Path) -> None:
        one = self.places.all_names_on
        self.hosts = HostsFile(directory / "hosts", {name: (one,) if one else own for name, own in names.NAMES.items()})
        self.hosts_file = self.hosts.path
        authority = trustme.CA()
        self.ca_file = directory / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._certificate = directory / "server.pem"
        authority.issue_cert(*names.NAMES, "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            str(self._certificate)
        )

    def url(self, host: str, path: str = "/", *, tls: bool = False) -> str:
        """The URL of `path` on `host` (a name, or an address literal), without the scheme's own port."""
        scheme, port, default = ("https", self.https_port, 443) if tls else ("http", self.http_port, 80)
        where = f"[{host}]" if ":" in host else host
        return f"{scheme}://{where}{path}" if port == default else f"{scheme}://{where}:{port}{path}"

    def rebind(self, name: str, *addresses: str) -> None:
        """Let `name` resolve to other addresses from now on."""
        self.hosts.rebind(name, *addresses)

    def restore(self) -> None:
        """Empty the log and take back every `rebind`."""
        self.hosts.restore()
        self.log.clear()

    def hang_up(self) -> None:
        """Close every connection once its answer is complete, as a browser keeps it for later."""
        for site in self._sites:
            self._loop.call_soon_threadsafe(site.hang_up)

    def requests(self, host: str | None = None, path: str | None = None) -> list[Request]:
        return self.log.requests(host, path)

    def forbidden_requests(self) -> list[Request]:
        """Requests that came to an address no policy allows: the canaries that sang. Only inside a namespace."""
        return [request for request in self.log.requests() if ip_address(request.address) not in _PUBLIC]

    def datagrams(self) -> list[Datagram]:
        return self.log.datagrams()

    async def wait_for_request(
        self, host: str | None = None, path: str | None = None, *, timeout_s: float = 5
    ) -> Request:
        return await asyncio.to_thread(self.log.wait_for_request, host, path, timeout_s)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result(START_TIMEOUT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_TIMEOUT_S)
        self._directory.cleanup()
        if self._thread.is_alive():
            raise TimeoutError("the local web did not stop")

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        app = make_app(self.log)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            self.raw, raw_servers = await serve_raw(self.places.addresses[0])
            for server in raw_servers:
                stack.callback(server.close)
            if self.places.datagrams:
                for transport in await listen_for_datagrams(self.places.addresses[0], self.log):
                    stack.callback(transport.close)
            plain, secret = self._listen(self.places.http_port), self._listen(self.places.https_port)
            self.http_port, self.https_port = plain[0].getsockname()[1], secret[0].getsockname()[1]
            for sockets, options in ((plain, {}), (secret, {"ssl_certfile": self._certificate})):
                site = _Server(_config(app, options), self._stop)
                self._sites.append(site)
                tasks.create_task(site.serve(sockets))
                await site.up.wait()
            self._started.set_result(None)

    def _listen(self, port: int) -> list[socket.socket]:
        sockets = []
        for address in self.places.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
                continue
            sockets.append(socket.create_server((address, port), family=family, backlog=BACKLOG))
        return sockets


def _config(app: Any, options: dict[str, Any]) -> uvicorn.Config:
    # uvicorn logs every request that `shutdown` cuts as an error with a traceback.
    quiet: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False, "proxy_headers": False}
    return uvicorn.Config(app, lifespan="off", ws="websockets-sansio", **quiet, **options)


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, stops at once, and cuts what is still open: a test never waits for it."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self._stop = stop

    def hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.shutdown()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.up.set()
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        going = list(self.server_state.tasks)
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
