"""An address that is taken for gRPC before anything else is started, as `daemon.listeners` does for HTTP.

gRPC binds its own sockets: the server is made here, has nothing to serve yet, and accepts once it is started.
"""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc

from cloche.api.grpc.door import MAX_ANSWER_BYTES, MAX_REQUEST_BYTES
from cloche.errors import InvalidError

MAX_CALLS: Final = 512
"""At the same time, over all connections; one more is refused with RESOURCE_EXHAUSTED."""
MAX_CALLS_PER_CONNECTION: Final = 128
MAX_METADATA_BYTES: Final = 16 << 10

OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # on by default; it would let two daemons take one port
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", MAX_ANSWER_BYTES),
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    ("grpc.max_concurrent_streams", MAX_CALLS_PER_CONNECTION),
    # A client that vanished without a word is noticed by the second ping that stays unanswered.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # And clients may ping us as often.
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
)


@dataclass(frozen=True, slots=True)
class GrpcTls:
    """A server's certificate, with its chain, and its key; PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class GrpcListener:
    """A server that has its address. `api.grpc.server` gives it something to serve."""

    server: grpc.aio.Server
    address: str
    """host:port, as it really is."""

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.address.rpartition(":")[0].strip("[]")).is_loopback


@asynccontextmanager
async def grpc_listener(host: str, port: int, tls: GrpcTls | None = None) -> AsyncIterator[GrpcListener]:
    """Listen on `port` of an IP address (0 picks one) until the block ends.

    Raises:
        InvalidError: the address is not one of this machine's, or is taken.
    """
    shown = f"[{host}]" if ":" in host else host
    server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=MAX_CALLS)
    try:
        try:
            taken = _add_port(server, f"{shown}:{port}", tls)
        except RuntimeError:
            detail = f"cannot listen on {shown}:{port}: it is taken, or no address of this machine"
            raise InvalidError(detail) from None
        yield GrpcListener(server, f"{shown}:{taken}")
    finally:
        # One that has not been started lets go of its address only once it has been.
        with suppress(grpc.aio.UsageError):
            await server.start()
        await server.stop(None)


def _add_port(server: grpc.aio.Server, address: str, tls: GrpcTls | None) -> int:
    if tls is None:
        return int(server.add_insecure_port(address))
    return int(server.add_secure_port(address, grpc.ssl_server_credentials([(tls.key, tls.certificate)])))


def read_tls(certificate: Path, key: Path) -> GrpcTls:
    """Read both files and see that they belong together: gRPC itself would only fail every handshake. Blocks.

    Raises:
        InvalidError: they cannot be read, or do not fit.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        return GrpcTls(certificate.read_bytes(), key.read_bytes())
    except OSError as error:  # ssl.SSLError is one
        raise InvalidError(f"the certificate and key for gRPC cannot be used: {error.strerror or error}") from None
