"""The daemon's life: read settings, bind, build, recover, serve, and stop in order."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager

import structlog
import uvloop
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from cloche import __version__
from cloche.api.grpc.listener import GrpcListener
from cloche.api.grpc.server import GrpcServer
from cloche.api.server import ApiServer
from cloche.daemon import record
from cloche.daemon.bootstrap import Daemon, build, prepare_dirs
from cloche.daemon.grpc_listener import grpc_address, quiet_core
from cloche.daemon.listeners import bind_tcp, is_loopback, name_of
from cloche.daemon.settings import Settings
from cloche.errors import ClocheError
from cloche.process import oom
from cloche.process.arenas import share_arenas
from cloche.telemetry.logs import configure_logs

EXIT_USAGE = 2
EXIT_FAILED = 1
BLOCKING_THREADS = 32

_log = structlog.get_logger(__name__)


def run() -> int:
    """Run the daemon until SIGTERM or SIGINT; return the exit code."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "CLOCHE_" + "_".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"cloche: {name}: {problem['msg']}\n")
        return EXIT_USAGE
    # Read, it has no more business there: no child is ever to find it.
    os.environ.pop("CLOCHE_STATE_KEY", None)
    configure_logs(settings.log_format, settings.log_level)
    _raise_descriptor_limit()
    share_arenas()
    if not oom.protect_daemon():
        # Sandboxes are raised in any case, so that one of them goes first.
        _log.info("oom_score_kept", score=oom.get_score(os.getpid()))
    quiet_core()
    try:
        prepare_dirs(settings)
        with record.only_daemon(settings.state_dir), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except ClocheError as error:
        _log.error("not_started", code=error.code, detail=error.detail, **error.fields)
        return EXIT_FAILED
    except SQLAlchemyError as error:
        # Only what the database itself says: the whole text holds the statement.
        cause = str(getattr(error, "orig", None) or error)[:300]
        _log.error("not_started", code="database", detail="the database cannot be used", cause=cause)
        return EXIT_FAILED
    except OSError as error:
        _log.error("not_started", code="os_error", detail=error.strerror, path=error.filename)
        return EXIT_FAILED
    return 0


async def serve(settings: Settings) -> None:
    """Serve until asked to stop. Ports are taken first, so that a second daemon fails before it touches anything."""
    stop = _stop_signal()
    # Starting a sandbox waits in threads, mostly for the kernel and not for a processor: asyncio's default of four
    # more than there are cores would queue sessions behind each other.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(BLOCKING_THREADS, "blocking"))
    listener = bind_tcp(settings.http_bind)
    async with (
        grpc_address(settings) as grpc,
        build(settings, is_loopback=is_loopback(listener) and (grpc is None or grpc.is_loopback)) as daemon,
    ):
        await daemon.recover()
        http, grpc_name = name_of(listener), grpc.address if grpc else ""
        async with ApiServer(daemon.api, [listener]), _grpc_server(daemon, grpc) as grpc_server:
            record.write(settings.state_dir, http=http, grpc=grpc_name)
            # What is there by now stays: no collection looks at it again, nor holds the loop up meanwhile.
            gc.freeze()
            gc.enable()
            daemon.manager.begin_pool()
            _log.info("listening", http=http, grpc=grpc_name, version=__version__)
            await stop.wait()
            _log.info("stopping", sessions="ended" if settings.stop_sessions else "kept")
            if grpc_server is not None:
                await grpc_server.drain()
            await _end_sessions(daemon, stop_sessions=settings.stop_sessions)
        record.remove(settings.state_dir)
        _log.info("stopped")


def _grpc_server(daemon: Daemon, listener: GrpcListener | None) -> AbstractAsyncContextManager[GrpcServer | None]:
    return contextlib.nullcontext() if listener is None else GrpcServer(daemon.api, listener)


async def _end_sessions(daemon: Daemon, *, stop_sessions: bool) -> None:
    await daemon.manager.drain()
    if stop_sessions:
        await daemon.manager.end_all()
    else:
        await daemon.manager.release_all()


def _stop_signal() -> asyncio.Event:
    """An event set by the first SIGTERM or SIGINT; a second one ends the process the default way."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def ask() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    return stop


def _raise_descriptor_limit() -> None:
    """A session takes some ten descriptors and each of its connections two; the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
