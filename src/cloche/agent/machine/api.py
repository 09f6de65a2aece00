"""Which handler answers which request of the machine API. What a session does not use is not loaded.

GET /health      the payload of a heartbeat
GET /metrics     the payload of a metrics message
the rest         see `parts`, `process`, `files`, `archives`, `logs`, `spool`; a session without `machine` has only
                 `parts`, `spool`, of `logs` what is not a file, and that of `archives` if its host keeps its profile
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from socket import SHUT_WR, socket
from typing import TYPE_CHECKING, Final, NamedTuple

from cloche.agent import streams
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.exchange import Exchange, linger
from cloche.agent.machine.problem import Problem, problem_of
from cloche.agent.metrics import Metrics
from cloche.agent.population import Population
from cloche.wire.agent_config import AgentConfig
from cloche.wire.http_head import MAX_HEAD_BYTES, HeadError, RequestHead, parse_head

if TYPE_CHECKING:
    from cloche.agent.journal import Journal
    from cloche.agent.machine.process.api import ProcessApi
    from cloche.agent.supervisor import Supervisor

_HEAD_S: Final = 5.0

Handler = Callable[[Exchange], Awaitable[None]]
Routes = Mapping[str, Handler]
"""`GET /process/{id}/status` → its handler; what stands for `{id}` is in `Exchange.params`."""


class Surroundings(NamedTuple):
    """What the parts of the machine API work with."""

    loop: Loop
    log: Log
    config: AgentConfig
    metrics: Metrics
    population: Population
    supervisor: "Supervisor | None"
    journal: "Journal"
    """What was said by agent and browser, and what became of the browser."""


class Loaded(NamedTuple):
    routes: Routes
    processes: "ProcessApi | None"


class MachineApi:
    """Owned by `lifecycle`. `serve` answers the one request on a connection; `stop` ends what runs for it."""

    def __init__(self, surroundings: Surroundings, load: "Callable[[Surroundings], Loaded] | None" = None) -> None:
        """`load` makes everything but `/health` and `/metrics`, with the first request for anything else."""
        self._surroundings = surroundings
        self._routes: dict[str, Handler] = {"GET /health": self._health, "GET /metrics": self._metrics}
        self._load = load or load_parts
        self._loaded: Loaded | None = None
        self._is_stopped = False

    @property
    def running(self) -> int:
        """How many processes of the process API run."""
        return self._processes.running if self._processes is not None else 0

    async def serve(self, connection: socket, received: bytes, on_head: Callable[[], object]) -> None:
        """Answer; `received` is what has been read of the request already. `on_head` is called once it has come."""
        exchange: Exchange | None = None
        try:
            head, rest = await self._read_head(connection, received)
            on_head()
            exchange = Exchange(self._surroundings.loop, connection, head, rest)
            await exchange.run(self._find(exchange))
        except Problem as problem:
            await self._refuse(connection, exchange, problem)
        except HeadError as error:
            await self._refuse(connection, exchange, Problem(error.status, "invalid_request", str(error)))
        except OSError as error:
            if exchange is None or exchange.has_begun:
                raise
            await self._refuse(connection, exchange, problem_of(error))
        except Exception as error:  # noqa: BLE001  # one turn of many: a fault of ours must not end the agent
            self._surroundings.log.error("machine request failed", error=repr(error))
            await self._refuse(connection, exchange, Problem(500, "failed", "the agent failed"))
        if exchange is None or not exchange.is_taken_over:
            connection.shutdown(SHUT_WR)
            await (exchange.linger() if exchange is not None else linger(self._surroundings.loop, connection))

    async def stop(self) -> None:
        """End every process of the process API; none can be started any more."""
        self._is_stopped = True
        if self._processes is not None:
            await self._processes.stop()

    @property
    def _processes(self) -> "ProcessApi | None":
        return self._loaded.processes if self._loaded is not None else None

    async def _read_head(self, connection: socket, received: bytes) -> tuple[RequestHead, bytes]:
        deadline = time.monotonic() + _HEAD_S
        while (head := parse_head(received)) is None:
            data = await streams.receive(self._surroundings.loop, connection, MAX_HEAD_BYTES, deadline)
            if not data:
                raise HeadError("the head was broken off")
            received += data
        return head, received.partition(b"\r\n\r\n")[2]

    def _find(self, exchange: Exchange) -> Handler:
        head = exchange.head
        if self._loaded is None and head.path not in ("/health", "/metrics"):
            if self._is_stopped:
                raise Problem(409, "session_ending", "the session is ending")
            self._loaded = self._load(self._surroundings)
            self._routes.update(self._loaded.routes)
        allowed: list[str] = []
        for route, handler in self._routes.items():
            method, _, pattern = route.partition(" ")
            params = _match(pattern, head.path)
            if params is None:
                continue
            if method == head.method:
                exchange.params = params
                return handler
            allowed.append(method)
        if allowed:
            raise Problem(405, "method_not_allowed", f"allowed here: {', '.join(allowed)}", allowed=", ".join(allowed))
        raise Problem(404, "no_such_route", "there is nothing at this path")

    async def _refuse(self, connection: socket, exchange: Exchange | None, problem: Problem) -> None:
        """Say no, where that can still be said; an answer that has begun is broken off."""
        if exchange is None:
            exchange = Exchange(self._surroundings.loop, connection, RequestHead("", "", {}, {}), b"")
        if not exchange.has_begun:
            body = {"code": problem.code, "message": problem.message} | problem.fields
            fields = {"Allow": str(problem.fields["allowed"])} if problem.status == 405 else None
            await exchange.answer(body, problem.status, fields)
        else:
            raise ConnectionAbortedError("an answer was broken off")

    async def _health(self, exchange: Exchange) -> None:
        await exchange.answer(self._surroundings.metrics.health())

    async def _metrics(self, exchange: Exchange) -> None:
        await exchange.answer(self._surroundings.metrics.metrics())


def load_parts(surroundings: Surroundings) -> Loaded:
    """Import and build what a session of this configuration may be asked for."""
    from cloche.agent.machine.logs.api import LogApi
    from cloche.agent.machine.parts.api import PartsApi
    from cloche.agent.machine.spool import SpoolApi

    routes: dict[str, Handler] = {}
    processes = None
    browser = surroundings.config.browser
    if browser is not None and browser.carries_profile and not surroundings.config.machine:
        from cloche.agent.machine.archives.api import ArchiveApi

        routes.update(ArchiveApi(surroundings, only_profile=True).routes())
    if surroundings.config.machine:
        from cloche.agent.machine.archives.api import ArchiveApi
        from cloche.agent.machine.files.api import FileApi
        from cloche.agent.machine.process import api as process_api

        processes = process_api.ProcessApi(surroundings)
        for part in (processes, FileApi(surroundings), ArchiveApi(surroundings)):
            routes.update(part.routes())
    routes.update(LogApi(surroundings).routes())
    routes.update(PartsApi(surroundings, processes).routes())
    routes.update(SpoolApi(surroundings).routes())
    return Loaded(routes, processes)


def _match(pattern: str, path: str) -> dict[str, str] | None:
    wanted, found = pattern.split("/"), path.split("/")
    if len(wanted) != len(found):
        return None
    params: dict[str, str] = {}
    for want, have in zip(wanted, found, strict=True):
        if want.startswith("{") and have:
            params[want[1:-1]] = have
        elif want != have:
            return None
    return params
