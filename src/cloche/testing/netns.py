"""A network of one's own: everything a test run starts lives in one fresh network namespace.

`enter()` moves the calling process into it, before any thread or child exists; children inherit it. In it are a
loopback interface and on that the addresses below, so that "the internet" of a test is the test's own `LocalWeb` on
addresses that look public, and a page that breaks out finds nothing real: no route, no name server, and on the
forbidden addresses a canary that remembers who called.

A mount namespace comes with it, so that the leak check sees the mounts of this run and of nobody else.
"""

import ctypes
import os
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cloche.testing import rtnetlink

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 1 << 18

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
    rtnetlink.switch("lo", up=True)
    for address in (*PUBLIC_LOOKING, *FORBIDDEN):
        rtnetlink.add_address("lo", ip_address(address))
    if uid != 0:
        # The namespace's own setting: LocalWeb listens on 80 and 443 whoever runs the tests.
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")


def _call(function: str, *arguments: int | bytes | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        raise NamespaceError(f"{function}: {os.strerror(ctypes.get_errno())}; see `cloche doctor` on user namespaces")
