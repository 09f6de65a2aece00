"""rtnetlink(7) and netdevice(7): interfaces, addresses and routes, without a tool that would have to be installed."""

import ctypes
import fcntl
import os
import socket
import struct
import threading
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

Address = IPv4Address | IPv6Address

NEW_ROUTE, DELETE_LINK, NEW_RULE, DELETE_RULE = 24, 17, 32, 33
ACKNOWLEDGE: Final = 0x1 | 0x4
CREATE: Final = ACKNOWLEDGE | 0x400

_NEW_LINK, _NEW_ADDRESS, _DELETE_ADDRESS = 16, 20, 21
_ERROR: Final = 2
_ADDRESS, _LOCAL, _NODAD = 1, 2, 0x02
_EEXIST: Final = 17
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_CLONE_NEWNET: Final = 0x40000000


class NetlinkError(Exception):
    """The kernel refused a message; the text says which and why."""


def has_ipv6() -> bool:
    """Whether loopback can have IPv6 addresses here: a kernel may lack it or have it switched off."""
    switch = Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6")
    return switch.exists() and switch.read_text().strip() == "0"


def leave_network() -> int:
    """Move this thread into a network of its own; its number is how others find that."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise NetlinkError(f"unshare: {os.strerror(ctypes.get_errno())}")
    return threading.get_native_id()


def lay_wire(near: str, far: str, thread_id: int) -> None:
    """Make a veth pair (veth(4)) with one end here and the other in the network of that thread."""
    ifla_ifname, ifla_linkinfo, ifla_net_ns_pid = 3, 18, 19
    info_kind, info_data, veth_info_peer = 1, 2, 1
    there = attribute(ifla_ifname, far.encode() + b"\0")
    there += attribute(ifla_net_ns_pid, struct.pack("=i", thread_id))
    pair = attribute(veth_info_peer, bytes(16) + there)
    info = attribute(info_kind, b"veth\0") + attribute(info_data, pair)
    here = attribute(ifla_ifname, near.encode() + b"\0")
    ask(_NEW_LINK, CREATE, bytes(16) + here + attribute(ifla_linkinfo, info))


def add_address(interface: str, address: Address, prefix: int | None = None) -> None:
    """Give an interface one more address, with a host prefix unless told otherwise. One it has already is no error."""
    _change_address(_NEW_ADDRESS, CREATE, interface, address, prefix, forgiven=_EEXIST)


def remove_address(interface: str, address: Address) -> None:
    _change_address(_DELETE_ADDRESS, ACKNOWLEDGE, interface, address, None)


def switch(interface: str, *, up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", interface.encode(), 0)
        flags = struct.unpack_from("H", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request), 16)[0]
        flags = flags | _IFF_UP if up else flags & ~_IFF_UP
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags))


def ask(kind: int, flags: int, body: bytes, *, forgiven: int = 0) -> None:
    """Send one message and wait for its acknowledgement. Raises: NetlinkError, unless the errno is `forgiven`."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(5)
        netlink.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        reply = netlink.recv(4096)
    if (answered := struct.unpack_from("=H", reply, 4)[0]) != _ERROR:
        raise NetlinkError(f"rtnetlink answered message {kind} with a message of type {answered}")
    if (error := -int(struct.unpack_from("=i", reply, 16)[0])) not in (0, forgiven):
        raise NetlinkError(f"rtnetlink message {kind}: {os.strerror(error)}")


def attribute(kind: int, value: bytes) -> bytes:
    """A struct rtattr."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _change_address(
    change: int, flags: int, interface: str, address: Address, prefix: int | None, *, forgiven: int = 0
) -> None:
    if address.version == 6 and not has_ipv6():
        return
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    length = address.max_prefixlen if prefix is None else prefix
    body = struct.pack("=BBBBI", family, length, _NODAD, 0, socket.if_nametoindex(interface))
    body += attribute(_LOCAL, address.packed) + attribute(_ADDRESS, address.packed)
    ask(change, flags, body, forgiven=forgiven)
