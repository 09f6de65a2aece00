"""The program of a worker: relays what it is handed, counts it, and can do nothing else.

It is started afresh, so that nothing of the daemon is in its memory; it opens nothing, knows no key, name or policy,
and once it is ready it can make no socket and reach no file (`process.seccomp`). It ends with its socket to the daemon.
"""

import asyncio
import os
import resource
import socket
import sys
from typing import Final

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.data_plane import wire
from cloche.data_plane.channel import Channel, close_all
from cloche.data_plane.lease import Lease
from cloche.data_plane.relay import Relayed, RelayEnd
from cloche.data_plane.running import Quotas, run
from cloche.process.seccomp.filter_table import Calls
from cloche.process.seccomp.install import NOT_CONFINED, NotConfinedError, shut

REPORT_S: Final = 0.25
BEAT_EVERY: Final = 4
"""Reports: so often something is said even if nothing has moved."""
NOBODY: Final = 65534
OUTPUT_BYTES: Final = 64 * 1024
"""What it may write on its standard error, which is a file of that size."""


class Worker:
    """All relays of this process."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = Channel(sock, self._hear, self._leave)
        self._gone = asyncio.Event()
        self._running: dict[int, _Running] = {}
        self._leases: dict[int, Lease] = {}

    async def serve(self) -> None:
        """Until the daemon has gone."""
        self._channel.begin()
        self._say(wire.Ready())
        reporting = spawn(self._report(), name="report")
        await self._gone.wait()
        await cancel_and_wait(reporting, *(running.task for running in self._running.values()))

    def _leave(self) -> None:
        self._gone.set()

    def _hear(self, data: bytes, descriptors: list[int]) -> None:
        message = wire.decode_to_worker(data)
        match message:
            case wire.Begin():
                if len(descriptors) == 2:
                    self._begin(message, descriptors)
                    return
            case wire.Finish():
                if (running := self._running.get(message.relay)) is not None and not running.until.done():
                    running.until.set_result(None)
            case wire.Cut():
                if (running := self._running.get(message.relay)) is not None:
                    running.task.cancel()
            case wire.Grant():
                self._lease(message.account).grant(message.count, is_last=message.is_last)
            case wire.Forget():
                self._leases.pop(message.account, None)
        close_all(descriptors)

    def _begin(self, message: wire.Begin, descriptors: list[int]) -> None:
        a, b = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        running = _Running(message, self._lease(message.account) if message.account else None, self._loop)
        self._running[message.relay] = running
        running.task = spawn(running.relay(a, b), name="relay")
        running.task.add_done_callback(lambda task: self._end(running, a, b, task))

    def _end(self, running: "_Running", a: socket.socket, b: socket.socket, task: "asyncio.Task[Relayed]") -> None:
        # Closed here and not by the task: one that is cancelled before its first step never gets to it.
        a.close()
        b.close()
        failed = task.cancelled() or task.exception() is not None
        relayed = Relayed(end=RelayEnd.STOPPED if task.cancelled() else RelayEnd.RESET) if failed else task.result()
        del self._running[running.number]
        self._say(wire.Ended(running.count(), relayed))

    def _lease(self, account: int) -> Lease:
        if account not in self._leases:
            self._leases[account] = Lease(lambda: self._say(wire.Ask(account)))
        return self._leases[account]

    async def _report(self) -> None:
        quiet = 0
        while True:
            await asyncio.sleep(REPORT_S)
            counts = [running.count() for running in self._running.values() if running.has_moved()]
            quiet = 0 if counts else quiet + 1
            if counts or quiet >= BEAT_EVERY:
                quiet = 0
                for at in range(0, max(len(counts), 1), wire.MOVED_AT_ONCE):
                    self._say(wire.Moved(counts[at : at + wire.MOVED_AT_ONCE]))

    def _say(self, message: wire.FromWorker) -> None:
        self._channel.send(wire.encode(message))


class _Running:
    """One relay and what it has moved."""

    task: "asyncio.Task[Relayed]"

    def __init__(self, begin: wire.Begin, lease: Lease | None, loop: asyncio.AbstractEventLoop) -> None:
        self.number = begin.relay
        self.until: asyncio.Future[None] = loop.create_future()
        self._order, self._lease = begin.order, lease
        self._out = self._in = self._told = 0

    async def relay(self, a: socket.socket, b: socket.socket) -> Relayed:
        refill = None if self._lease is None else self._lease.refill
        return await run(a, b, self._order, Quotas(self._take_out, self._take_in, refill), self.until)

    def count(self) -> wire.Count:
        self._told = self._out + self._in
        return wire.Count(self.number, self._out, self._in)

    def has_moved(self) -> bool:
        return self._told != self._out + self._in

    def _take_out(self, count: int) -> int:
        granted = self._granted(count)
        self._out += granted
        return granted

    def _take_in(self, count: int) -> int:
        granted = self._granted(count)
        self._in += granted
        return granted

    def _granted(self, count: int) -> int:
        return count if self._lease is None else self._lease.take(count)


def main(descriptor: int) -> None:
    """Never returns. `descriptor`: of the socket to the daemon."""
    confine()
    sock = socket.socket(fileno=descriptor)
    with asyncio.Runner() as runner:
        runner.get_loop()  # it opens what it needs
        try:
            shut(threads=False, calls=Calls.RELAY)
        except NotConfinedError as error:
            print(error, file=sys.stderr)  # noqa: T201 - the daemon reads it from there
            sys.exit(NOT_CONFINED)
        runner.run(_serve(sock))
    sys.exit(0)


def confine() -> None:
    """Become nobody where there is a choice, and set limits that cannot be raised again."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir("/")


async def _serve(sock: socket.socket) -> None:
    await Worker(sock).serve()
