"""A daemon at the far end of a wire that can be cut, and on which UDP can be blocked: for tests of bad networks.

    with FarDaemon(live_webrtc_timeout_s=3) as far:
        far.wire.cut()

The daemon lives in a network namespace of its own, and between that and ours is a veth pair (veth(4)). Everything is
done by rtnetlink(7): no tool has to be installed, and whoever may make a network namespace may do it.
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from cloche.testing.daemon import DaemonProcess

T = TypeVar("T")

NEAR: Final = IPv4Interface("10.98.0.1/30")
FAR: Final = IPv4Interface("10.98.0.2/30")
PORT: Final = 8090
"""Nobody else lives there."""
_NEAR_NAME, _FAR_NAME = "wire-near", "wire-far"

_CLONE_NEWNET: Final = 0x40000000
_ACKNOWLEDGE: Final = 0x1 | 0x4
_CREATE: Final = _ACKNOWLEDGE | 0x400
_RTM_NEWLINK, _RTM_DELLINK, _RTM_NEWADDR, _RTM_NEWRULE, _RTM_DELRULE = 16, 17, 20, 32, 33
_FRA_PRIORITY, _FRA_TABLE, _FRA_IP_PROTO = 6, 15, 22
_TO_TABLE, _BLACKHOLE = 1, 6
_LOCAL_TABLE: Final = 255
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


class Wire:
    """Owns a network namespace and the way to it. `far(function)` calls something from there."""

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, "far-side")
        try:
            number = self.far(_leave_network)
            _lay(number)
            _furnish(_NEAR_NAME, NEAR)
            self.far(lambda: _furnish(_FAR_NAME, FAR))
            self.far(lambda: _switch("lo", up=True))
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # First: the namespace may end with its thread, and the wire with it.
        _ask(_RTM_DELLINK, _ACKNOWLEDGE, struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(_NEAR_NAME), 0, 0))
        self._thread.shutdown()

    def far(self, function: Callable[[], T]) -> T:
        return self._thread.submit(function).result(60)

    def cut(self) -> None:
        """Nothing arrives any more, in either direction, and nobody here is told so."""
        self.far(lambda: _switch(_FAR_NAME, up=False))

    def mend(self) -> None:
        self.far(lambda: _switch(_FAR_NAME, up=True))

    @contextmanager
    def udp_blocked(self) -> Iterator[None]:
        """The far side drops every datagram that comes, silently."""
        self.far(lambda: _udp_leads_nowhere(is_so=True))
        try:
            yield
        finally:
            self.far(lambda: _udp_leads_nowhere(is_so=False))


class FarDaemon(DaemonProcess):
    """A daemon behind a wire of its own. Only `with`; `base_url` is reached from here while the wire is whole."""

    def __init__(self, **settings: str | int | float | Path) -> None:
        super().__init__(**({"http_bind": f"{FAR.ip}:{PORT}"} | settings))
        self.wire = Wire()

    def __enter__(self) -> Self:
        self.wire.__enter__()
        try:
            self.wire.far(super().__enter__)
        except BaseException:
            self.wire.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self.wire.__exit__(None, None, None)


def _leave_network() -> int:
    """Move this thread into a network of its own; its number is how others find that."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(_CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    return threading.get_native_id()


def _lay(thread_id: int) -> None:
    """Make a veth pair with one end here and the other in the namespace of that thread."""
    ifla_ifname, ifla_linkinfo, ifla_net_ns_pid = 3, 18, 19
    info_kind, info_data, veth_info_peer = 1, 2, 1
    far = _attribute(ifla_ifname, _FAR_NAME.encode() + b"\0")
    far += _attribute(ifla_net_ns_pid, struct.pack("=i", thread_id))
    pair = _attribute(veth_info_peer, bytes(16) + far)
    info = _attribute(info_kind, b"veth\0") + _attribute(info_data, pair)
    name = _attribute(ifla_ifname, _NEAR_NAME.encode() + b"\0")
    _ask(_RTM_NEWLINK, _CREATE, bytes(16) + name + _attribute(ifla_linkinfo, info))


def _furnish(name: str, address: IPv4Interface) -> None:
    """Give an end its address, and with it the route to the other."""
    index = socket.if_nametoindex(name)
    packed = address.ip.packed
    body = struct.pack("=BBBBI", socket.AF_INET, address.network.prefixlen, 0, 0, index)
    _ask(_RTM_NEWADDR, _CREATE, body + _attribute(2, packed) + _attribute(1, packed))
    _switch(name, up=True)


def _udp_leads_nowhere(*, is_so: bool) -> None:
    """ip-rule(8): a rule for UDP (17) only counts before the table of what is ours, which therefore moves behind it."""
    table = _attribute(_FRA_TABLE, struct.pack("=I", _LOCAL_TABLE))
    udp = _rule(_BLACKHOLE, 10) + _attribute(_FRA_IP_PROTO, b"\x11")
    if is_so:
        _ask(_RTM_NEWRULE, _CREATE, _rule(_TO_TABLE, 100) + table)
        _ask(_RTM_NEWRULE, _CREATE, udp)
        _ask(_RTM_DELRULE, _ACKNOWLEDGE, _rule(_TO_TABLE, 0) + table)
    else:
        _ask(_RTM_NEWRULE, _CREATE, _rule(_TO_TABLE, 0) + table)
        _ask(_RTM_DELRULE, _ACKNOWLEDGE, udp)
        _ask(_RTM_DELRULE, _ACKNOWLEDGE, _rule(_TO_TABLE, 100) + table)


def _rule(action: int, priority: int) -> bytes:
    table = _LOCAL_TABLE if action == _TO_TABLE else 0
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, table, 0, 0, action, 0)
    return head + _attribute(_FRA_PRIORITY, struct.pack("=I", priority))


def _switch(name: str, *, up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", name.encode(), 0)
        flags = struct.unpack_from("H", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request), 16)[0]
        flags = flags | _IFF_UP if up else flags & ~_IFF_UP
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags))


def _ask(kind: int, flags: int, body: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(5)
        netlink.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        error = -int(struct.unpack_from("=i", netlink.recv(4096), 16)[0])
    assert error == 0, f"rtnetlink message {kind}: {os.strerror(error)}"


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
