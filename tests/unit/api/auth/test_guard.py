"""Host and Origin."""

import pytest

from cloche.api.auth.guard import RequestGuard
from cloche.errors import DeniedError

loopback = RequestGuard(bind_is_loopback=True)
open_ = RequestGuard(
    bind_is_loopback=False,
    allowed_hosts=("Cloche.internal", "[2001:db8::1]"),
    allowed_origins=("https://console.example", "devtools://devtools"),
    public_url="https://cloche.example/base",
)

LOCAL = ["127.0.0.1:8090", "127.8.9.1", "localhost", "LOCALHOST:1", "[::1]:8090", "ses.localhost:8090", "localhost.:80"]


@pytest.mark.parametrize("host", LOCAL)
@pytest.mark.parametrize("guard", [loopback, open_])
def test_loopback_names_and_addresses_are_known(guard: RequestGuard, host: str) -> None:
    guard.check([host], [])


@pytest.mark.parametrize("host", ["cloche.internal:8090", "cloche.example", "10.1.2.3:8090", "[2001:db8::7]"])
def test_beyond_loopback_addresses_and_named_hosts_are_known(host: str) -> None:
    open_.check([host], [])
    with pytest.raises(DeniedError):
        loopback.check([host], [])


@pytest.mark.parametrize(
    "host", ["evil.example:8090", "127.0.0.1.evil.example", "0.0.0.0:8090", "[::]:8090", "localhost.evil"]
)
def test_a_name_that_may_have_been_rebound_is_refused(host: str) -> None:
    for guard in (loopback, open_):
        with pytest.raises(DeniedError):
            guard.check([host], [])


@pytest.mark.parametrize(
    "hosts",
    [[], [""], ["a", "b"], ["127.0.0.1", "127.0.0.1"], ["127.0.0.1:8090@x"], ["127.0.0.1:x"], ["[::1"], ["a b"]],
)
def test_a_host_that_is_missing_doubled_or_malformed_is_refused(hosts: list[str]) -> None:
    with pytest.raises(DeniedError):
        loopback.check(hosts, [])


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8090", "http://localhost:8090"),
        ("LocalHost:8090", "http://localhost:8090"),
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("cloche.example", "https://cloche.example"),  # TLS ended at a proxy
        ("127.0.0.1:8090", "https://console.example"),
        ("127.0.0.1:8090", "devtools://devtools"),
        ("127.0.0.1:8090", "https://cloche.example"),
    ],
)
def test_the_hosts_own_and_configured_origins_may_ask(host: str, origin: str) -> None:
    open_.check([host], [origin])


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:8091", "http://127.0.0.1:8090", "file://", "localhost:8090", ""],
)
def test_pages_of_other_origins_are_refused(origin: str) -> None:
    with pytest.raises(DeniedError):
        loopback.check(["localhost:8090"], [origin])


def test_two_origins_are_refused() -> None:
    with pytest.raises(DeniedError):
        loopback.check(["localhost"], ["http://localhost", "http://localhost"])
