"""The daemon's side of one worker: what it was handed, what it says of that, and its end."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.concurrency.threads import in_thread
from cloche.data_plane import wire
from cloche.data_plane.channel import Channel, close_all
from cloche.data_plane.lease import LEASE_BYTES
from cloche.data_plane.relay import Meter, Order, Relayed, RelayEnd
from cloche.data_plane.worker import OUTPUT_BYTES
from cloche.errors import StartError
from cloche.process.output import SealedOutput
from cloche.process.spawn import Child
from cloche.process.spawn import spawn as spawn_child
from cloche.process.stop import stop_child

START_TIMEOUT_S: Final = 15.0
LOOK_EVERY_S: Final = 1.0
HUNG_LOOKS: Final = 5
"""So many looks in a row without a word from it, and it is ended. Counted, and not timed: the daemon, too, may stand
still for a while, and finds what was said meanwhile when it goes on."""
STOP_WAIT_S: Final = 5.0
"""How long it may take to let go of what it is to let go of."""

_START: Final = "import sys; from cloche.data_plane.worker import main; main(int(sys.argv[1]))"
_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Account:
    """What a worker has of one meter."""

    number: int
    meter: Meter
    leased: int = 0
    relays: int = 0


@dataclass(slots=True, eq=False)
class _Open:
    """One relay that a worker has."""

    ended: "asyncio.Future[Relayed]"
    account: _Account | None
    out_bytes: int = 0
    in_bytes: int = 0


class WorkerProcess:
    """Started by `start`, ended by `close` or by itself; `gone` is set when it is no more."""

    def __init__(self, child: Child, sock: socket.socket, output: SealedOutput, moved: Callable[[int], None]) -> None:
        """`moved` is told of every byte."""
        self.gone = asyncio.Event()
        self.silent_looks = 0
        self._child, self._output, self._moved = child, output, moved
        self._channel = Channel(sock, self._hear, self._lost)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open: dict[int, _Open] = {}
        self._accounts: dict[int, _Account] = {}
        self._numbers = 0
        self._watching: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, moved: Callable[[int], None]) -> "WorkerProcess":
        """Start one and wait until its walls stand. Raises: StartError."""
        started = list[tuple[Child, socket.socket, SealedOutput]]()
        try:
            # Kept here by the thread itself: who is cancelled meanwhile gets no result, and there may be one.
            await in_thread(lambda: started.append(_spawn()))
        except BaseException:
            for made in started:
                await cls(*made, moved).close()
            raise
        worker = cls(*started[0], moved)
        try:
            worker._channel.begin()
            async with asyncio.timeout(START_TIMEOUT_S):
                await worker._ready
            worker._watching = spawn(worker._watch(), name="data-worker-watch")
        except BaseException as error:
            await worker.close()
            if isinstance(error, TimeoutError):
                raise StartError("a data worker is not ready in time", reason="data_worker_slow") from None
            raise
        return worker

    @property
    def pid(self) -> int:
        return self._child.handle.identity.pid

    @property
    def relays(self) -> int:
        return len(self._open)

    async def relay(
        self,
        a: socket.socket,
        b: socket.socket,
        order: Order,
        *,
        meter: Meter | None,
        until: "asyncio.Future[None] | None",
    ) -> Relayed:
        """See `relay.Relays`. An order must fit (`wire.fits`)."""
        if self.gone.is_set():
            return Relayed(end=RelayEnd.LOST)
        number, account = self._next(), None if meter is None else self._account(meter)
        opened = _Open(asyncio.get_running_loop().create_future(), account)
        self._open[number] = opened
        begin = wire.Begin(number, order, account.number if account else 0)
        self._channel.send(wire.encode(begin), (a.fileno(), b.fileno()))
        try:
            waiting: set[asyncio.Future[None] | asyncio.Future[Relayed]] = {opened.ended}
            await asyncio.wait(waiting | {until} if until else waiting, return_when=asyncio.FIRST_COMPLETED)
            if not opened.ended.done():
                self._say(wire.Finish(number))
        except asyncio.CancelledError:
            self._say(wire.Cut(number))
            await self._settle(opened)
            raise
        return await self._settle(opened)

    async def close(self) -> None:
        """End it, and with it what it still has. Any number of times; not undone by a cancellation."""
        self._lost()
        assert self._ending is not None
        cancelled = False
        while not self._ending.done():
            try:
                await asyncio.wait({self._ending})
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    async def _settle(self, opened: _Open) -> Relayed:
        """Wait until the worker has let go of both sockets, whoever cancels meanwhile; one that does not is ended."""
        cancelled = False
        while not opened.ended.done():
            try:
                await asyncio.wait({opened.ended}, timeout=STOP_WAIT_S)
                if not opened.ended.done():
                    _log.warning("data_worker_hung", pid=self.pid)
                    await self.close()
            except asyncio.CancelledError:
                self._say_cut(opened)
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError
        return opened.ended.result()

    def _say_cut(self, opened: _Open) -> None:
        for number, other in self._open.items():
            if other is opened:
                self._say(wire.Cut(number))

    # --- what it says -----------------------------------------------------------------------------------------------

    def _hear(self, data: bytes, descriptors: list[int]) -> None:
        close_all(descriptors)  # there is none that it may send
        self.silent_looks = 0
        try:
            message = wire.decode_from_worker(data)
            match message:
                case wire.Ready():
                    if not self._ready.done():
                        self._ready.set_result(None)
                case wire.Moved():
                    for count in message.counts:
                        self._count(count)
                case wire.Ask():
                    self._grant(self._accounts[message.account])
                case wire.Ended():
                    opened = self._count(message.count)
                    del self._open[message.count.relay]
                    self._leave_account(opened)
                    opened.ended.set_result(message.relayed)
        except (wire.DecodeError, KeyError, ValueError):
            _log.error("data_worker_misspoke", pid=self.pid)
            self._lost()

    def _count(self, count: wire.Count) -> _Open:
        opened = self._open[count.relay]
        out, in_ = count.out_bytes - opened.out_bytes, count.in_bytes - opened.in_bytes
        if out < 0 or in_ < 0:
            raise ValueError("it counts backwards")
        opened.out_bytes, opened.in_bytes = count.out_bytes, count.in_bytes
        self._moved(out + in_)
        if opened.account is not None:
            if out + in_ > opened.account.leased:
                raise ValueError("it moved more than it had")
            opened.account.leased -= out + in_
            opened.account.meter.moved(out, in_)
        return opened

    # --- byte budgets -----------------------------------------------------------------------------------------------

    def _account(self, meter: Meter) -> _Account:
        account = next((account for account in self._accounts.values() if account.meter is meter), None)
        if account is None:
            account = _Account(self._next(), meter)
            self._accounts[account.number] = account
            self._grant(account)
        account.relays += 1
        return account

    def _grant(self, account: _Account) -> None:
        count, is_last = account.meter.lease(LEASE_BYTES)
        account.leased += count
        self._say(wire.Grant(account.number, count, is_last))

    def _leave_account(self, opened: _Open) -> None:
        account = opened.account
        if account is None:
            return
        account.relays -= 1
        if not account.relays:
            account.meter.release(account.leased)
            del self._accounts[account.number]
            self._say(wire.Forget(account.number))

    # --- its end ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.silent_looks += 1
            if self.silent_looks > HUNG_LOOKS:
                _log.warning("data_worker_hung", pid=self.pid)
                self._lost()
                return

    def _lost(self) -> None:
        if self._ending is None:
            self._ending = spawn(self._end(), name="data-worker-end")

    async def _end(self) -> None:
        self.gone.set()
        self._channel.close()
        watching, self._watching = self._watching, None
        code: int | None = None
        try:
            await cancel_and_wait(watching)
            # Its sockets are closed when this is done: nobody relays any more what is told to be lost below.
            code = await stop_child(self._child, ask_timeout_s=0, term_timeout_s=0)
        finally:
            said = self._output.tail(2000)
            self._output.close()
            if not self._ready.done():
                _log.error("data_worker_start_failed", exit_code=code, stderr=said)
                self._ready.set_exception(StartError("a data worker did not start", reason="data_worker_failed"))
                self._ready.exception()  # somebody may have ceased to wait for it
            _log.info("data_worker_ended", exit_code=code, relays=len(self._open), stderr=said)
            for opened in self._open.values():
                self._leave_account(opened)
                opened.ended.set_result(Relayed(end=RelayEnd.LOST))
            self._open.clear()

    def _say(self, message: wire.ToWorker) -> None:
        self._channel.send(wire.encode(message))

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


def _spawn() -> tuple[Child, socket.socket, SealedOutput]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, contextlib.ExitStack() as undo:
        undo.callback(ours.close)
        output = SealedOutput.create(OUTPUT_BYTES)
        undo.callback(output.close)
        number = theirs.fileno()
        try:
            child = spawn_child(
                [sys.executable, "-I", "-c", _START, str(number)],
                env={"LANG": "C.UTF-8"},
                pass_fds=(number,),
                stdout=output.fd,
                stderr=output.fd,
            )
        except OSError as error:
            raise StartError("a data worker did not start", reason="data_worker_failed") from error
        undo.pop_all()
        return child, ours, output
