"""A network of one's own: everything a test run starts lives in one fresh network namespace.

`enter()` moves the calling process into it, before any thread or child exists; children inherit it. In it are a
loopback interface and on that the addresses below, so that "the internet" of a test is the test's own `LocalWeb` on
addresses that look public, and a page that breaks out finds nothing real: no route, no name server, and on the
forbidden addresses a canary that remembers who called.

A mount namespace comes with it, so that the leak check sees the mounts of this run and of nobody else.
"""

import ctypes
import fcntl
import os
import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 1 << 18

_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1

# rtnetlink(7), linux/if_addr.h
_RTM_NEWADDR: Final = 20
_NLM_F_REQUEST_ACK_CREATE: Final = 0x1 | 0x4 | 0x400
_NLMSG_ERROR: Final = 2
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_F_NODAD: Final = 0x02

LOOPBACK_INDEX: Final = 1
"""A fresh network namespace has one interface, and it is `lo`."""

PUBLIC_LOOKING: Final = (
    "93.184.215.14",
    *(f"93.184.215.{last}" for last in range(20, 30)),
    "2606:2800:21f:cb07::14",
    "2606:2800:21f:cb07::20",
)
"""Addresses that a policy takes for the internet."""

FORBIDDEN: Final = (
    "10.77.0.5",
    "192.168.77.5",
    "172.20.77.5",
    "100.64.77.5",
    "169.254.169.254",
    "198.18.77.5",
    "fd77::5",
    "64:ff9b::a4d:5",
    "2002:a4d:5::1",
)
"""Addresses that a policy must refuse: private, CGNAT, link-local with the cloud's metadata service, benchmarking,
unique local, NAT64 and 6to4 of 10.77.0.5."""


class NamespaceError(Exception):
    """The kernel refused a namespace, or the process has threads already; the message says which call failed."""


def enter() -> None:
    """Move this process into its own network and mount namespace and furnish it.

    As root nothing else changes. Otherwise a user namespace comes first, in which the process keeps its uid; it has
    the capabilities to furnish the network until it runs another program.
    """
    flags = _CLONE_NEWNET | _CLONE_NEWNS
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        flags |= _CLONE_NEWUSER
    _call("unshare", flags)
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _bring_loopback_up()
    addresses = [ip_address(address) for address in (*PUBLIC_LOOKING, *FORBIDDEN)]
    for address in addresses:
        if address.version == 4 or has_ipv6():
            add_address(address)
    if uid != 0:
        # The namespace's own setting: LocalWeb listens on 80 and 443 whoever runs the tests.
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")


def has_ipv6() -> bool:
    """Whether loopback can have IPv6 addresses here: a kernel may lack it or have it switched off."""
    switch = Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6")
    return switch.exists() and switch.read_text().strip() == "0"


def add_address(address: IPv4Address | IPv6Address) -> None:
    """Give `lo` one more address, with a host prefix. An address it has already is no error."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(5)
        netlink.send(_new_address_message(address))
        error = _acknowledgement(netlink.recv(4096))
    if error not in (0, 17):  # EEXIST
        raise NamespaceError(f"cannot give lo the address {address}: {os.strerror(error)}")


def _new_address_message(address: IPv4Address | IPv6Address) -> bytes:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    body = struct.pack("=BBBBI", family, address.max_prefixlen, _IFA_F_NODAD, 0, LOOPBACK_INDEX)
    body += _attribute(_IFA_LOCAL, address.packed) + _attribute(_IFA_ADDRESS, address.packed)
    return struct.pack("=IHHII", 16 + len(body), _RTM_NEWADDR, _NLM_F_REQUEST_ACK_CREATE, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    """Pack a struct rtattr. Both address sizes are multiples of four, so no padding is needed."""
    return struct.pack("=HH", 4 + len(value), kind) + value


def _acknowledgement(reply: bytes) -> int:
    """Return the errno of an NLMSG_ERROR, 0 for success."""
    kind = struct.unpack_from("=H", reply, 4)[0]
    if kind != _NLMSG_ERROR:
        raise NamespaceError(f"rtnetlink answered with message type {kind}")
    return -int(struct.unpack_from("=i", reply, 16)[0])


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        flags = struct.unpack_from("H", answer, 16)[0]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _call(function: str, *arguments: int | bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        raise NamespaceError(f"{function}: {os.strerror(ctypes.get_errno())}; see `cloche doctor` on user namespaces")
