"""The network that tests run in is their own, and nothing real can be reached from it."""

import errno
import socket

import pytest

from cloche.testing import netns, rtnetlink


@pytest.mark.parametrize("address", netns.PUBLIC_LOOKING + netns.FORBIDDEN)
def test_every_address_of_the_local_web_is_here(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if family == socket.AF_INET6 and not rtnetlink.has_ipv6():
        pytest.skip("this kernel has no IPv6 on loopback; `cloche doctor` has no cure for that")
    with (
        socket.create_server((address, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2], timeout=5) as client,
    ):
        assert client.getpeername()[0] == address


def test_nothing_beyond_is_routed() -> None:
    with pytest.raises(OSError) as caught:
        socket.create_connection(("198.41.0.4", 53), timeout=5)
    assert caught.value.errno == errno.ENETUNREACH


def test_no_name_server_answers() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("site.test", 80)


def test_loopback_is_the_only_interface() -> None:
    assert [name for _, name in socket.if_nameindex() if name == "lo"] == ["lo"]
    assert not [name for _, name in socket.if_nameindex() if name.startswith(("eth", "en", "wl"))]
