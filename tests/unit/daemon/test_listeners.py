import socket

import pytest

from cloche.daemon.listeners import bind_tcp, is_loopback, name_of
from cloche.errors import InvalidError


def test_port_nought_picks_one_and_the_name_tells_which() -> None:
    with bind_tcp("127.0.0.1:0") as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert name_of(listener) == f"127.0.0.1:{port}"
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_a_listener_does_not_block_and_is_not_inherited() -> None:
    with bind_tcp("127.0.0.1:0") as listener:
        assert listener.getblocking() is False
        assert listener.get_inheritable() is False


def test_ipv6_is_written_in_brackets() -> None:
    with bind_tcp("[::1]:0") as listener:
        assert name_of(listener) == f"[::1]:{listener.getsockname()[1]}"
        assert is_loopback(listener)


def test_a_taken_port_is_told_without_a_socket_left_over() -> None:
    with bind_tcp("127.0.0.1:0") as listener, pytest.raises(InvalidError, match="in use"):
        bind_tcp(name_of(listener))


@pytest.mark.parametrize(
    "address", ["203.0.113.7:0", "no-such-host.invalid:0", "127.0.0.1:x", "127.0.0.1:", "127.0.0.1:70000", ":::0:"]
)
def test_an_address_that_cannot_be_had_is_told_as_ours_to_set(address: str) -> None:
    with pytest.raises(InvalidError, match="cannot listen"):
        bind_tcp(address)


def test_any_address_is_no_loopback() -> None:
    for address in ("0.0.0.0:0", "[::]:0"):
        with bind_tcp(address) as listener:
            assert not is_loopback(listener)


def test_all_of_127_is_loopback() -> None:
    with bind_tcp("127.0.0.9:0") as listener:
        assert is_loopback(listener)
