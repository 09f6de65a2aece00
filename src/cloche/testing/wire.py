"""A daemon at the far end of a wire that can be cut, and on which UDP can be blocked: for tests of bad networks.

    with FarDaemon(live_webrtc_timeout_s=3) as far:
        far.wire.cut()

The daemon lives in a network namespace of its own, and between that and ours is a veth pair (veth(4)). Whoever may make
a network namespace may do all of it.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from cloche.testing import rtnetlink
from cloche.testing.daemon import DaemonProcess
from cloche.testing.rtnetlink import ACKNOWLEDGE, CREATE, DELETE_LINK, DELETE_RULE, NEW_RULE, ask, attribute

T = TypeVar("T")

NEAR: Final = IPv4Interface("10.98.0.1/30")
FAR: Final = IPv4Interface("10.98.0.2/30")
PORT: Final = 8090
"""Nobody else lives there."""
_NEAR_NAME, _FAR_NAME = "wire-near", "wire-far"

_FRA_PRIORITY, _FRA_TABLE, _FRA_IP_PROTO = 6, 15, 22
_TO_TABLE, _BLACKHOLE = 1, 6
_LOCAL_TABLE: Final = 255


class Wire:
    """Owns a network namespace and the way to it. `far(function)` calls something from there."""

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, "far-side")
        try:
            number = self.far(rtnetlink.leave_network)
            rtnetlink.lay_wire(_NEAR_NAME, _FAR_NAME, number)
            _furnish(_NEAR_NAME, NEAR)
            self.far(lambda: _furnish(_FAR_NAME, FAR))
            self.far(lambda: rtnetlink.switch("lo", up=True))
        except BaseException:
            self._thread.shutdown()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # First: the namespace may end with its thread, and the wire with it.
        ask(DELETE_LINK, ACKNOWLEDGE, struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(_NEAR_NAME), 0, 0))
        self._thread.shutdown()

    def far(self, function: Callable[[], T]) -> T:
        return self._thread.submit(function).result(60)

    def cut(self) -> None:
        """Nothing arrives any more, in either direction, and nobody here is told so."""
        self.far(lambda: rtnetlink.switch(_FAR_NAME, up=False))

    def mend(self) -> None:
        self.far(lambda: rtnetlink.switch(_FAR_NAME, up=True))

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


def _furnish(name: str, address: IPv4Interface) -> None:
    """Give an end its address, and with it the route to the other."""
    rtnetlink.add_address(name, address.ip, address.network.prefixlen)
    rtnetlink.switch(name, up=True)


def _udp_leads_nowhere(*, is_so: bool) -> None:
    """ip-rule(8): a rule for UDP (17) only counts before the table of what is ours, which therefore moves behind it."""
    table = attribute(_FRA_TABLE, struct.pack("=I", _LOCAL_TABLE))
    udp = _rule(_BLACKHOLE, 10) + attribute(_FRA_IP_PROTO, b"\x11")
    if is_so:
        ask(NEW_RULE, CREATE, _rule(_TO_TABLE, 100) + table)
        ask(NEW_RULE, CREATE, udp)
        ask(DELETE_RULE, ACKNOWLEDGE, _rule(_TO_TABLE, 0) + table)
    else:
        ask(NEW_RULE, CREATE, _rule(_TO_TABLE, 0) + table)
        ask(DELETE_RULE, ACKNOWLEDGE, udp)
        ask(DELETE_RULE, ACKNOWLEDGE, _rule(_TO_TABLE, 100) + table)


def _rule(action: int, priority: int) -> bytes:
    table = _LOCAL_TABLE if action == _TO_TABLE else 0
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, table, 0, 0, action, 0)
    return head + attribute(_FRA_PRIORITY, struct.pack("=I", priority))
