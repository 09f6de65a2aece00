"""One encoder child as a process: started behind its walls, ready, ended, and what it had to say for itself."""

import asyncio
import contextlib
import socket
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from cloche.concurrency.tasks import spawn as spawn_task
from cloche.concurrency.threads import in_thread, to_the_end
from cloche.errors import StartError
from cloche.live.encoder import wire
from cloche.live.encoder_argv import encoder_argv
from cloche.live.encoder_files import NOT_CONFINED, find_walls
from cloche.process.output import SealedOutput
from cloche.process.readiness import wait_readable
from cloche.process.spawn import Child, spawn
from cloche.process.stop import stop_child

_log = structlog.get_logger(__name__)

_SOCKET_BYTES: Final = 1 << 20
_OUTPUT_BYTES: Final = 64 * 1024
_LEAVE_S: Final = 0.5
_TERM_S: Final = 0.2
_EXIT_NOT_CONFINED: Final = 78
_KILLED: Final = (-9, 137)
"""As bubblewrap passes on the end of the child: 128 and the signal."""


class EncoderEnd(StrEnum):
    """Why a child is no more; a metric label."""

    CRASHED = "crashed"
    KILLED = "killed"
    """By the kernel for want of memory, or by somebody."""
    HUNG = "hung"
    """It took too long and was ended."""
    PROTOCOL = "protocol"
    """It said what it may not and was ended."""


class Mode(StrEnum):
    """What `encoder.main` is told to be."""

    PICTURES = "pictures"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    bwrap: str = "bwrap"
    memory_bytes: int = 512 << 20
    """Of address space, for each child."""
    threads: int = 1
    """Of each encoder. The machine's cores are the browsers', and one session's."""
    nice: int = 0
    start_timeout_s: float = 10.0
    picture_timeout_s: float = 3.0
    """How long one picture may take before the child is ended."""


class EncoderChild:
    """Owns the process, the socket to it and its standard error; whoever starts it ends it by `end`."""

    def __init__(self, child: Child, sock: socket.socket, output: SealedOutput) -> None:
        self._child = child
        self.socket = sock
        """Non-blocking."""
        self._output = output
        self._ending: asyncio.Task[int] | None = None
        self._last_words = ""

    @classmethod
    async def start(cls, settings: EncoderSettings, mode: Mode, *, max_file_bytes: int = 0) -> "EncoderChild":
        """Start one and wait until it is ready, which is when its walls stand.

        Raises:
            StartError: `encoder_not_confined`, `encoder_missing`, `encoder_failed` or `encoder_slow`.
        """
        started = list[EncoderChild]()
        try:
            # Kept here by the thread itself: who is cancelled meanwhile gets no result, and there may be one.
            await in_thread(lambda: started.append(_spawn(settings, mode, max_file_bytes)))
            await started[0]._ready(settings.start_timeout_s)
        except BaseException:
            for child in started:
                await child.end()
            raise
        return started[0]

    @property
    def pid(self) -> int:
        return self._child.handle.identity.pid

    async def end(self, *, at_once: bool = False) -> int:
        """Close the socket, at which it leaves by itself; have it leave when it does not, or `at_once`. Any number of
        times.

        Returns the exit code, negative for a signal. Not undone by a cancellation.
        """
        if self._ending is None:
            self._ending = spawn_task(self._end(at_once), name="encoder-end")
        return await to_the_end(_result(self._ending), name="encoder-end-wait")

    def errors(self) -> str:
        """The end of what it wrote on its standard error, once it has ended."""
        return self._last_words

    async def _end(self, at_once: bool) -> int:
        self.socket.close()
        try:
            ask_s, term_s = (0.0, 0.0) if at_once else (_LEAVE_S, _TERM_S)
            return await stop_child(self._child, ask=_nothing, ask_timeout_s=ask_s, term_timeout_s=term_s)
        finally:
            self._last_words = self._output.tail(2000)
            self._output.close()

    async def _ready(self, timeout_s: float) -> None:
        reader = wire.Reader(wire.FROM_CHILD)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if not await wait_readable(self.socket.fileno(), timeout_s):
                        raise TimeoutError
                    count = self.socket.recv_into(reader.space())
                    if not count:
                        raise await self._failed()
                    message = reader.filled(count)
                    if message is not None and message.kind == wire.Kind.READY:
                        return
        except TimeoutError:
            raise StartError("the encoder is not ready in time", reason="encoder_slow") from None
        except (OSError, wire.WireError):
            raise await self._failed() from None

    async def _failed(self) -> StartError:
        code = await self.end()
        said = self.errors()
        _log.error("encoder_start_failed", exit_code=code, stderr=said)
        if code == _EXIT_NOT_CONFINED or said.startswith("bwrap:"):
            return StartError("the encoder's walls cannot be put up", reason=NOT_CONFINED)
        return StartError("the encoder did not start", reason="encoder_failed")


def why_ended(exit_code: int) -> EncoderEnd:
    """The reason, for a child that we have not ended."""
    return EncoderEnd.KILLED if exit_code in _KILLED else EncoderEnd.CRASHED


def _spawn(settings: EncoderSettings, mode: Mode, max_file_bytes: int) -> EncoderChild:
    walls = find_walls(settings.bwrap)
    with contextlib.ExitStack() as undo:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        undo.callback(theirs.close)
        with contextlib.ExitStack() as undo_ours:
            undo_ours.callback(ours.close)
            output = SealedOutput.create(_OUTPUT_BYTES)
            undo_ours.callback(output.close)
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
            ours.setblocking(False)
            numbers = (theirs.fileno(), settings.memory_bytes, settings.threads, settings.nice, max_file_bytes)
            argv = encoder_argv(walls, [mode, *map(str, numbers)])
            try:
                child = spawn(
                    argv,
                    env={},
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=output.fd,
                    stderr=output.fd,
                )
            except OSError:
                raise StartError("the encoder's walls cannot be put up", reason=NOT_CONFINED) from None
            undo_ours.pop_all()
            return EncoderChild(child, ours, output)


async def _result(task: "asyncio.Task[int]") -> int:
    return await task


async def _nothing() -> None:
    """It has been asked: its socket is closed."""
