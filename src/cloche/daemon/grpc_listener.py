"""Take the address for gRPC that the settings name, before anything is started."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from cloche.api.grpc.listener import GrpcListener, GrpcTls, grpc_listener, read_tls
from cloche.daemon.listeners import resolve
from cloche.daemon.settings import Settings
from cloche.errors import InvalidError

# gRPC's core writes to stderr by itself, past our log, and would look after forks; ours exec at once. It reads both of
# these when it is first used.
CORE_SETTINGS: Final = {"GRPC_VERBOSITY": "NONE", "GRPC_ENABLE_FORK_SUPPORT": "0"}

_log = structlog.get_logger(__name__)


def quiet_core() -> None:
    """Set the core up as a part of this process that keeps to itself; an operator's own wish goes first."""
    for name, value in CORE_SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("grpc").setLevel(logging.WARNING)  # at debug level it tells of its loop again and again


@asynccontextmanager
async def grpc_address(settings: Settings) -> AsyncIterator[GrpcListener | None]:
    """Hold the address until the block ends; None where gRPC is off.

    Raises:
        InvalidError: it cannot be had, or the certificate cannot be used.
    """
    if not settings.grpc_bind:
        yield None
        return
    tls = await _tls(settings)
    _, (host, port) = resolve(settings.grpc_bind)
    async with grpc_listener(host, port, tls) as listener:
        if tls is None and not listener.is_loopback:
            _log.warning("grpc_without_tls", grpc=listener.address, detail="keys and pages can be read on the way")
        yield listener


async def _tls(settings: Settings) -> GrpcTls | None:
    certificate, key = settings.grpc_tls_cert, settings.grpc_tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "CLOCHE_GRPC_TLS_CERT" if certificate is None else "CLOCHE_GRPC_TLS_KEY"
        raise InvalidError(f"TLS for gRPC needs a certificate and a key: {missing} is missing", field=missing)
    return await asyncio.to_thread(read_tls, certificate, key)
