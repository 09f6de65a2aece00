"""The loopback of another network namespace, widened through a socket that was made there."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from cloche.egress import segments
from cloche.egress.segments import SEGMENT_BYTES, acknowledged, request, widen
from cloche.testing.rtnetlink import leave_network

GET_LINK, GSO_IPV4_MAX_SIZE = 18, 63
T = TypeVar("T")


class Elsewhere:
    """A thread in a network of its own."""

    def __init__(self) -> None:
        self._work: list[Callable[[], object]] = []
        self._results: list[object] = []
        self._asked, self._answered = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], T]) -> T:
        self._work.append(work)
        self._asked.release()
        assert self._answered.acquire(timeout=5)
        return self._results.pop()  # type: ignore[return-value]

    def end(self) -> None:
        self._asked.release()
        self._thread.join(5)

    def _run(self) -> None:
        leave_network()
        while self._asked.acquire() and self._work:
            self._results.append(self._work.pop()())
            self._answered.release()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    there = Elsewhere()
    yield there
    there.end()


def segment_bytes() -> int:
    """What this thread's loopback says of itself (rtnetlink(7))."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(5)
        body = struct.pack("=BxHiII", 0, 0, 1, 0, 0)
        netlink.send(struct.pack("=IHHII", 16 + len(body), GET_LINK, 1, 1, 0) + body)
        answer = netlink.recv(1 << 16)
    at = 32
    while at < len(answer):
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind == GSO_IPV4_MAX_SIZE:
            return int(struct.unpack_from("=I", answer, at + 4)[0])
        at += (length + 3) & ~3
    raise AssertionError("the kernel says nothing of it")


def test_the_loopback_that_a_socket_belongs_to_is_widened_and_no_other(elsewhere: Elsewhere) -> None:
    ours = segment_bytes()
    with elsewhere.do(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as sock:
        assert elsewhere.do(segment_bytes) != SEGMENT_BYTES
        assert widen(sock)
    assert elsewhere.do(segment_bytes) == SEGMENT_BYTES
    assert segment_bytes() == ours


def test_our_own_loopback_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[int] = []
    monkeypatch.setattr(segments, "_widen_in", entered.append)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert not widen(sock)
    assert not entered


def test_a_namespace_that_the_kernel_does_not_give_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr("fcntl.ioctl", refused)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert not widen(sock)


def test_whoever_widens_stays_where_it_is(elsewhere: Elsewhere) -> None:
    here = os.stat("/proc/thread-self/ns/net").st_ino
    with elsewhere.do(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as sock:
        widen(sock)
    assert os.stat("/proc/thread-self/ns/net").st_ino == here


def test_only_a_plain_yes_of_the_kernel_is_one() -> None:
    def error(code: int) -> bytes:
        return struct.pack("=IHHIIi", 36, 2, 0, 1, 0, code) + request()[:16]

    assert acknowledged(error(0))
    assert not acknowledged(error(-1))
    assert not acknowledged(error(0)[:18])
    assert not acknowledged(b"")
