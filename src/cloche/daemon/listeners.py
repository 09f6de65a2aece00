"""Sockets bound before anything is started, so that a taken port is told at once and port 0 has its real number."""

import ipaddress
import socket

from cloche.errors import InvalidError

BACKLOG = 1024


def bind_tcp(address: str) -> socket.socket:
    """Bind and listen on `host:port` (`[::1]:8090` for IPv6; port 0 picks one).

    Raises:
        InvalidError: the address is not one of this machine's, or is taken.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > 65535:
        raise InvalidError(f"cannot listen on {address}: must be host:port")
    try:
        info = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(info[0], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise InvalidError(f"cannot listen on {address}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[4])
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InvalidError(f"cannot listen on {address}: {error.strerror}") from error
    return listener


def name_of(listener: socket.socket) -> str:
    """The address a listener really has, as `host:port`."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback
