"""What vsock there is on the machine that runs the tests (vsock(7))."""

import select
import socket
from typing import Final

CID_LOCAL: Final = 1
"""This machine itself (VMADDR_CID_LOCAL)."""

_PATIENCE_MS: Final = 200


def has_vsock() -> bool:
    """Say whether a program can listen on vsock here; nobody need be able to reach it."""
    try:
        with _new_socket() as listener:
            listener.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
    except (OSError, AttributeError):
        return False
    return True


def has_loopback() -> bool:
    """Say whether a program can reach itself over vsock: that takes a transport of its own (vsock_loopback)."""
    try:
        with _new_socket() as listener, _new_socket() as client:
            listener.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
            listener.listen()
            client.setblocking(False)
            client.connect_ex((CID_LOCAL, listener.getsockname()[1]))
            poll = select.poll()
            poll.register(client, select.POLLOUT)
            return bool(poll.poll(_PATIENCE_MS)) and client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    except (OSError, AttributeError):  # AttributeError: this Python was built without it
        return False


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with _new_socket() as probe:
        probe.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
        port: int = probe.getsockname()[1]
        return port


def _new_socket() -> socket.socket:
    return socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
