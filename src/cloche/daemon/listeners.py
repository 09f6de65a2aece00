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
    family, place = resolve(address)
    try:
        listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise InvalidError(f"cannot listen on {address}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InvalidError(f"cannot listen on {address}: {error.strerror}") from error
    return listener


def resolve(address: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """The family of `host:port`, and where to bind: the IP address, of a name the first, and the port.

    Raises:
        InvalidError: it is malformed, or the name is not known.
    """
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise InvalidError(f"cannot listen on {address}: must be host:port")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise InvalidError(f"cannot listen on {address}: {error.strerror}") from error
    family, _, _, _, place = found[0]
    return family, (str(place[0]), int(port))


def name_of(listener: socket.socket) -> str:
    """The address a listener really has, as `host:port`."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback
