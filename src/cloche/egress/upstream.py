"""Reach a destination through a chained proxy: HTTP CONNECT (RFC 9110 §9.3.6) or SOCKS5 (RFC 1928, 1929).

The connection to the proxy is dialled here, at an address that was checked, and handed to python-socks, which speaks
SOCKS5. HTTP CONNECT is spoken here: python-socks takes whatever its first recv gives for the whole response head,
so a head in two segments would leak into the tunnel, and payload behind the head would be lost.
"""

import asyncio
import base64
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any, Final

from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy

from cloche.egress.connect import ConnectError
from cloche.egress.hosts import Host
from cloche.egress.socks5 import Reply
from cloche.egress.upstream_url import Upstream, UpstreamKind

MAX_HEAD_BYTES: Final = 16 * 1024

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?")
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A connected, non-blocking socket through which bytes go to the destination; `head` has come already."""

    sock: socket.socket
    head: bytes = b""


async def open_tunnel(sock: socket.socket, upstream: Upstream, host: Host, port: int, *, timeout_s: float) -> Tunnel:
    """Ask the proxy at the other end of `sock` for a connection. Closes `sock` if it cannot be had.

    Raises:
        ConnectError: the proxy refused, misbehaved, or did not answer in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if upstream.kind is UpstreamKind.SOCKS5:
                await _socks5(sock, upstream, host, port)
                return Tunnel(sock)
            return Tunnel(sock, await _http_connect(sock, upstream, host, port))
    except BaseException as error:
        sock.close()
        if isinstance(error, TimeoutError):
            raise ConnectError(Reply.TTL_EXPIRED, "the upstream proxy did not answer in time") from None
        if isinstance(error, OSError):
            raise ConnectError(Reply.GENERAL_FAILURE, "the connection to the upstream proxy broke") from None
        raise


async def _socks5(sock: socket.socket, upstream: Upstream, host: Host, port: int) -> None:
    proxy = Proxy(
        ProxyType.SOCKS5,
        str(upstream.host),
        upstream.port,
        username=upstream.username or None,
        password=upstream.password or None,
        rdns=True,  # never resolve in there: what is a name by now is meant to be sent as one
        forward=_Dialled(sock),  # type: ignore[arg-type]  # only its `connect` is used
    )
    try:
        await proxy.connect(str(host), port)
    except ProxyError as error:
        reply = next((known for known in Reply if known == error.error_code), Reply.GENERAL_FAILURE)
        raise ConnectError(reply, "the upstream proxy refused") from None
    except ValueError:
        # A field of the proxy's answer that is none of the protocol's.
        raise ConnectError(Reply.GENERAL_FAILURE, "the upstream proxy does not speak SOCKS5") from None


class _Dialled:
    """Stands where python-socks expects a proxy before the proxy: its connection is there already."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def connect(self, **_: Any) -> socket.socket:
        return self._sock


async def _http_connect(sock: socket.socket, upstream: Upstream, host: Host, port: int) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, connect_request(upstream, host, port))
    received = bytearray()
    while (end := received.find(_HEAD_END)) < 0:
        if len(received) > MAX_HEAD_BYTES:
            raise ConnectError(Reply.GENERAL_FAILURE, "the upstream proxy's answer has no end")
        piece = await loop.sock_recv(sock, 4096)
        if not piece:
            raise ConnectError(Reply.GENERAL_FAILURE, "the upstream proxy closed the connection")
        received += piece
    check_response(bytes(received[:end]))
    return bytes(received[end + len(_HEAD_END) :])


def connect_request(upstream: Upstream, host: Host, port: int) -> bytes:
    """Render the request for a tunnel, with Basic credentials (RFC 7617) where the upstream has some."""
    authority = f"[{host}]:{port}" if isinstance(host, IPv6Address) else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if upstream.username:
        token = base64.b64encode(f"{upstream.username}:{upstream.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {token}")
    return "\r\n".join((*lines, "", "")).encode("ascii")


def check_response(head: bytes) -> None:
    """Accept a 2xx response head; headers say nothing about a tunnel.

    Raises:
        ConnectError: another status, or not HTTP. 403 and 407 are the proxy's own policy, 502–504 the destination.
    """
    match = _STATUS_LINE.fullmatch(head.split(b"\r\n", 1)[0])
    if match is None:
        raise ConnectError(Reply.GENERAL_FAILURE, "the upstream proxy does not speak HTTP")
    status = int(match[1])
    if 200 <= status <= 299:
        return
    reply = {403: Reply.NOT_ALLOWED, 502: Reply.HOST_UNREACHABLE, 503: Reply.HOST_UNREACHABLE, 504: Reply.TTL_EXPIRED}
    raise ConnectError(reply.get(status, Reply.GENERAL_FAILURE), f"the upstream proxy answered {status}")
