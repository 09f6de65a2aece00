"""Where the guest protocol is served, and who may connect there.

On a unix socket: processes of our own user, and root. Its file is made with mode 0600, and taken away at the end. The
socket stands for vsock as well (`vsock_handshake`): a `CONNECT` to a port that is not served is hung up on without a
word, as a virtual machine monitor does. On vsock: the host, unless the address names somebody else.
"""

import errno
import os
import socket
import stat
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from cloche.agent import streams
from cloche.agent.guest_protocol.address import Address
from cloche.agent.guest_protocol.conversation import Conversations
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop, Task
from cloche.wire.guest import GUEST_PORT, GUEST_PORT_UNPRIVILEGED

_BACKLOG: Final = 128
_ACCEPT_AGAIN_S: Final = 0.1
_CREDENTIALS: Final = struct.Struct("3i")
_NOT_SERVED: Final = "this user is not served here"


class _Listener:
    """One bound and listening socket, and what it takes to leave nothing of it behind."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._file: tuple[int, int] | None = None
        try:
            self.socket = self._listen_unix(address.path) if address.kind == "unix" else _listen_vsock(address.port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise OSError(error.errno, f"cannot listen on {address}: {error.strerror or reason}") from error

    def may_be_served(self, connection: socket.socket) -> bool:
        """Ask the kernel who is at the other end (SO_PEERCRED, unix(7); the peer's context id, vsock(7))."""
        try:
            if self.address.kind == "unix":
                data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
                _, uid, _ = _CREDENTIALS.unpack(data)
                return uid in (0, os.geteuid())
            cid, _ = connection.getpeername()
        except OSError:  # it is gone already
            return False
        return self.address.peer_cid in (None, cid)

    def close(self) -> None:
        """Close the socket, and remove its file unless somebody has put another in its place."""
        self.socket.close()
        with suppress(OSError):  # its directory is no longer ours, say: the next one to bind there finds it abandoned
            if self._file is not None and _identity(self.address.path) == self._file:
                os.unlink(self.address.path)

    def _listen_unix(self, path: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            # The file that bind(2) makes takes the socket's mode; a chmod after it would follow whatever is there then.
            os.fchmod(listener.fileno(), 0o600)
            try:
                listener.bind(path)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                _remove_abandoned(path)
                listener.bind(path)
            self._file = _identity(path)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener


class Listeners:
    """Owned by the guest side: `open` before anything else is started, `run` as a task, `stop` at the end."""

    def __init__(self, loop: Loop, log: Log, addresses: Sequence[Address], conversations: Conversations) -> None:
        self._loop, self._log, self._addresses, self._conversations = loop, log, addresses, conversations
        vsock_ports = (address.port for address in addresses if address.kind == "vsock")
        self._ports = frozenset((GUEST_PORT, GUEST_PORT_UNPRIVILEGED, *vsock_ports))
        self._listeners: list[_Listener] = []
        self._accepting: list[Task] = []
        self._conversing: dict[Task, socket.socket] = {}

    def open(self) -> None:
        """Bind and listen everywhere, or nowhere.

        Raises:
            OSError: naming the address.
        """
        try:
            for address in self._addresses:
                self._listeners.append(_Listener(address))
        except OSError:
            self._close()
            raise

    async def run(self) -> None:
        """Take connections until it is cancelled or stopped."""
        self._accepting = [
            self._loop.spawn(self._accept(each), f"listen on {each.address}") for each in self._listeners
        ]
        try:
            await Event(self._loop).wait()
        finally:
            await self._loop.stop(*self._accepting)

    async def stop(self) -> None:
        """Take no more connections, end those that there are, and take the sockets' files away."""
        await self._loop.stop(*self._accepting)
        self._close()
        connections = list(self._conversing.values())
        await self._loop.stop(*self._conversing)
        for connection in connections:  # a task that is stopped before its first step never gets to close its own
            connection.close()

    async def _accept(self, listener: _Listener) -> None:
        while True:
            try:
                connection = await streams.accept(self._loop, listener.socket)
            except OSError as error:  # out of descriptors, say: those that end will free some
                self._log.error("accept failed", listener=str(listener.address), error=str(error))
                await self._loop.sleep(_ACCEPT_AGAIN_S)
                continue
            self._begin(listener, connection)

    def _begin(self, listener: _Listener, connection: socket.socket) -> None:
        async def converse() -> None:
            try:
                if listener.may_be_served(connection):
                    ports = self._ports if listener.address.kind == "unix" else ()
                    await self._conversations.serve(connection, ports=ports)
                else:
                    self._log.warn("guest peer refused", listener=str(listener.address))
                    await self._conversations.refuse(connection, _NOT_SERVED)
            finally:
                connection.close()
                del self._conversing[task]

        task = self._loop.spawn(converse(), "guest conversation")
        self._conversing[task] = connection

    def _close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()


def _listen_vsock(port: int) -> socket.socket:
    if not hasattr(socket, "AF_VSOCK"):
        raise OSError(errno.EAFNOSUPPORT, "there is no vsock on this machine")
    try:
        listener = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.ENODEV):
            raise OSError(error.errno, "there is no vsock on this machine") from None
        raise
    try:
        listener.bind((socket.VMADDR_CID_ANY, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_abandoned(path: str) -> None:
    """Make room where a socket's file is left over from a process that has ended.

    Raises:
        OSError: it is not a socket's, or somebody listens on it.
    """
    found = os.lstat(path)
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        if probe.connect_ex(path) != errno.ECONNREFUSED:  # answered, or its backlog is full, or not ours to try
            raise OSError(errno.EADDRINUSE, "somebody listens there already")
    if _identity(path) == (found.st_dev, found.st_ino):
        os.unlink(path)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
