"""Interfaces and addresses made by messages to the kernel, in the network that the test run has to itself."""

import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest

from cloche.testing import netns, rtnetlink
from cloche.testing.rtnetlink import ACKNOWLEDGE, DELETE_LINK, NetlinkError


def test_giving_an_address_twice_is_no_error() -> None:
    rtnetlink.add_address("lo", ip_address(netns.PUBLIC_LOOKING[0]))


def test_an_address_comes_and_goes() -> None:
    address = "93.184.215.99"
    rtnetlink.add_address("lo", ip_address(address))
    with socket.create_server((address, 0)):
        pass
    rtnetlink.remove_address("lo", ip_address(address))
    with pytest.raises(OSError, match="assign"):
        socket.create_server((address, 0))


def test_a_wire_has_an_end_in_each_network() -> None:
    with ThreadPoolExecutor(1) as elsewhere:
        rtnetlink.lay_wire("near", "far", elsewhere.submit(rtnetlink.leave_network).result(10))
        index = socket.if_nametoindex("near")
        assert "far" in {name for _, name in elsewhere.submit(socket.if_nameindex).result(10)}
        body = b"\0" * 4 + index.to_bytes(4, "little") + b"\0" * 8
        rtnetlink.ask(DELETE_LINK, ACKNOWLEDGE, body)
    with pytest.raises(OSError):
        socket.if_nametoindex("near")


def test_what_the_kernel_refuses_says_why() -> None:
    with pytest.raises(NetlinkError, match="message 17"):
        rtnetlink.ask(DELETE_LINK, ACKNOWLEDGE, b"\0" * 4 + (10**6).to_bytes(4, "little") + b"\0" * 8)
