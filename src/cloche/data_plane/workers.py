"""All workers: who gets which relay, and another one in the place of each that ends."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import structlog

from cloche.concurrency.tasks import cancel_and_wait, spawn, together
from cloche.data_plane.metrics import WorkerMetrics
from cloche.data_plane.relay import Meter, Order, Relayed, Relays
from cloche.data_plane.running import HereRelays
from cloche.data_plane.wire import fits
from cloche.data_plane.worker_process import WorkerProcess
from cloche.errors import StartError

RESTART_PAUSES_S: Final = (0.0, 0.5, 2.0, 10.0)
"""Before the next start after so many ends in a row, the last from then on."""
LONG_LIVED_S: Final = 30.0
"""Who has lived so long has ended for a reason of its own."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Used:
    worker: WorkerProcess
    relays: int = 0


class DataWorkers:
    """An async context manager: inside it the workers run. `of` gives whoever relays its `Relays`.

    All relays of one key go to one worker, which has its byte budget then, until that worker ends; the next go to the
    one with the fewest. While there is none, and for an order that does not fit into a packet, the daemon
    relays itself.
    """

    def __init__(self, count: int, metrics: WorkerMetrics) -> None:
        self._count, self._metrics = count, metrics
        self._here = HereRelays()
        self._workers: dict[int, WorkerProcess] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._used: dict[str, _Used] = {}

    def of(self, key: str) -> Relays:
        """The relays of one session."""
        return _KeyRelays(self, key)

    @property
    def pids(self) -> dict[int, int]:
        """Of the workers there are, by their place."""
        return {place: worker.pid for place, worker in self._workers.items()}

    async def __aenter__(self) -> Self:
        """Raises: StartError."""
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._close)
            await together(*(self._start(place) for place in range(self._count)))
            self._keepers = [spawn(self._keep(place), name=f"data-worker:{place}") for place in range(self._count)]
            undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        try:
            await cancel_and_wait(*self._keepers)
        finally:
            await together(*(worker.close() for worker in tuple(self._workers.values())))

    async def relay(
        self,
        key: str,
        a: socket.socket,
        b: socket.socket,
        order: Order,
        *,
        meter: Meter | None,
        until: "asyncio.Future[None] | None",
    ) -> Relayed:
        used = self._use(key) if fits(order) else None
        if used is None:
            return await self._here.relay(a, b, order, meter=meter, until=until)
        used.relays += 1
        place = next((place for place, worker in self._workers.items() if worker is used.worker), 0)
        self._metrics.relays(place, 1)
        try:
            return await used.worker.relay(a, b, order, meter=meter, until=until)
        finally:
            self._metrics.relays(place, -1)
            used.relays -= 1
            if not used.relays and self._used.get(key) is used:
                del self._used[key]

    def _use(self, key: str) -> _Used | None:
        used = self._used.get(key)
        if used is None or used.worker.gone.is_set():
            alive = [worker for worker in self._workers.values() if not worker.gone.is_set()]
            if not alive:
                return None
            used = self._used[key] = _Used(min(alive, key=lambda worker: worker.relays))
        return used

    async def _start(self, place: int) -> None:
        self._workers[place] = await WorkerProcess.start(self._counting(place))
        _log.info("data_worker_ready", worker=place, pid=self._workers[place].pid)

    def _counting(self, place: int) -> Callable[[int], None]:
        return lambda count: self._metrics.moved(place, count)

    async def _keep(self, place: int) -> None:
        """Have another take the place of each that ends."""
        loop, ends = asyncio.get_running_loop(), 0
        while True:
            begun = loop.time()
            await self._workers[place].gone.wait()
            await self._workers[place].close()
            ends = 0 if loop.time() - begun > LONG_LIVED_S else ends + 1
            while True:
                await asyncio.sleep(RESTART_PAUSES_S[min(max(ends, 1), len(RESTART_PAUSES_S)) - 1])
                try:
                    await self._start(place)
                except StartError as error:
                    _log.error("data_worker_not_restarted", worker=place, reason=error.reason)
                    ends += 1
                else:
                    self._metrics.restarted(place)
                    break


class _KeyRelays:
    def __init__(self, workers: DataWorkers, key: str) -> None:
        self._workers, self._key = workers, key

    async def relay(
        self,
        a: socket.socket,
        b: socket.socket,
        order: Order,
        *,
        meter: Meter | None = None,
        until: "asyncio.Future[None] | None" = None,
    ) -> Relayed:
        """See `relay.Relays`."""
        return await self._workers.relay(self._key, a, b, order, meter=meter, until=until)
