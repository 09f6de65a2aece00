"""An address that is taken, and the certificate for it."""

import socket
from pathlib import Path

import pytest
import trustme

from cloche.api.grpc.listener import GrpcTls, grpc_listener, read_tls
from cloche.errors import InvalidError


async def test_port_nought_picks_one_and_the_address_tells_which() -> None:
    async with grpc_listener("127.0.0.1", 0) as listener:
        host, _, port = listener.address.rpartition(":")
        assert (host, listener.is_loopback) == ("127.0.0.1", True)
        with socket.create_connection((host, int(port)), timeout=5):
            pass


async def test_ipv6_is_written_in_brackets() -> None:
    async with grpc_listener("::1", 0) as listener:
        assert listener.address.startswith("[::1]:") and listener.is_loopback


async def test_any_address_is_no_loopback() -> None:
    async with grpc_listener("0.0.0.0", 0) as listener:
        assert not listener.is_loopback


async def test_a_taken_port_and_a_foreign_address_are_told() -> None:
    async with grpc_listener("127.0.0.1", 0) as listener:
        port = int(listener.address.rpartition(":")[2])
        with pytest.raises(InvalidError, match="cannot listen"):
            async with grpc_listener("127.0.0.1", port):
                pass
    with pytest.raises(InvalidError, match="cannot listen"):
        async with grpc_listener("203.0.113.7", 0):
            pass


async def test_the_address_is_free_once_the_block_has_ended() -> None:
    async with grpc_listener("127.0.0.1", 0) as listener:
        port = int(listener.address.rpartition(":")[2])
    async with grpc_listener("127.0.0.1", port) as again:
        assert again.address == listener.address


def test_a_certificate_is_read_with_the_key_that_fits_it(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    authority = trustme.CA()
    issued, other = authority.issue_cert("a.test"), authority.issue_cert("a.test")
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    assert read_tls(certificate, key) == GrpcTls(certificate.read_bytes(), key.read_bytes())

    other.private_key_pem.write_to_path(key)
    with pytest.raises(InvalidError, match="cannot be used"):
        read_tls(certificate, key)
    key.write_text("no key")
    with pytest.raises(InvalidError, match="cannot be used"):
        read_tls(certificate, key)
    with pytest.raises(InvalidError, match="No such file"):
        read_tls(tmp_path / "none.pem", key)


def test_a_key_does_not_show() -> None:
    assert "secret" not in repr(GrpcTls(b"public", b"secret"))
