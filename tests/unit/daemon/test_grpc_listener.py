"""Where gRPC listens, as the settings say."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from structlog.testing import capture_logs

from cloche.daemon.grpc_listener import grpc_address, quiet_core
from cloche.daemon.settings import Settings
from cloche.errors import InvalidError
from cloche.testing.grpc import core_is_awake


@pytest.fixture(scope="module", autouse=True)
def _core() -> Iterator[None]:
    with core_is_awake():
        yield


async def settings(**fields: Any) -> Settings:
    return await asyncio.to_thread(Settings, **fields)  # it looks for its file


async def test_the_address_is_that_of_the_settings() -> None:
    with capture_logs() as logs:
        async with grpc_address(await settings(grpc_bind="localhost:0")) as listener:
            assert listener is not None and listener.is_loopback
            assert listener.address.rpartition(":")[0] in ("127.0.0.1", "[::1]")
    assert logs == []


async def test_an_empty_address_means_no_grpc() -> None:
    async with grpc_address(await settings(grpc_bind="")) as listener:
        assert listener is None


async def test_beyond_loopback_without_tls_it_warns() -> None:
    with capture_logs() as logs:
        async with grpc_address(await settings(grpc_bind="0.0.0.0:0")) as listener:
            assert listener is not None
    assert [(each["event"], each["log_level"]) for each in logs] == [("grpc_without_tls", "warning")]


async def test_a_certificate_needs_its_key_and_the_other_way_round(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued = trustme.CA().issue_cert("a.test")
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    for half, missing in (({"grpc_tls_cert": certificate}, "KEY"), ({"grpc_tls_key": key}, "CERT")):
        with pytest.raises(InvalidError, match=f"CLOCHE_GRPC_TLS_{missing} is missing"):
            async with grpc_address(await settings(grpc_bind="127.0.0.1:0", **half)):
                pass
    with capture_logs() as logs:
        async with grpc_address(await settings(grpc_bind="0.0.0.0:0", grpc_tls_cert=certificate, grpc_tls_key=key)):
            pass
    assert logs == []


def test_an_operators_own_wish_for_the_core_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPC_VERBOSITY", "DEBUG")
    monkeypatch.delenv("GRPC_ENABLE_FORK_SUPPORT", raising=False)
    quiet_core()
    assert (os.environ["GRPC_VERBOSITY"], os.environ["GRPC_ENABLE_FORK_SUPPORT"]) == ("DEBUG", "0")
    monkeypatch.delenv("GRPC_ENABLE_FORK_SUPPORT")
