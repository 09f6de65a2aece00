from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from cloche.egress.hosts import parse_host
from cloche.egress.policy import (
    Decision,
    EgressPolicy,
    RefusalReason,
    decide_addresses,
    decide_host,
    decide_upstream,
    parse_host_patterns,
    parse_ports,
    parse_private_hosts,
    parse_upstream,
)


def policy(
    allow: tuple[str, ...] = (), deny: tuple[str, ...] = (), private: tuple[str, ...] = (), ports: str | None = None
) -> EgressPolicy:
    made = EgressPolicy(
        allow_hosts=parse_host_patterns(allow, field="allow_hosts"),
        deny_hosts=parse_host_patterns(deny, field="deny_hosts"),
        private_hosts=parse_private_hosts(private),
    )
    return made if ports is None else replace(made, ports=parse_ports(ports))


def decide(made: EgressPolicy, destination: str, *addresses: str) -> str | None:
    """The reason of the first decision that refuses, None for a connection that goes through."""
    host_text, _, port = destination.rpartition(":")
    host = parse_host(host_text)
    before = decide_host(made, host, int(port))
    if not before.allowed:
        return before.reason
    resolved = [ip_address(text) for text in addresses] or ([] if isinstance(host, str) else [host])
    return decide_addresses(made, host, int(port), resolved).reason


def test_the_default_reaches_the_public_web() -> None:
    assert decide(EgressPolicy(), "example.com:443", "93.184.215.14", "2606:2800:21f::1") is None
    assert decide(EgressPolicy(), "93.184.215.14:8080") is None
    assert decide(EgressPolicy(), "[2606:2800:21f::1]:80") is None


@pytest.mark.parametrize(
    ("destination", "addresses"),
    [
        ("127.0.0.1:80", []),
        ("[::1]:80", []),
        ("[::ffff:8.8.8.8]:80", []),
        ("169.254.169.254:80", []),
        ("0.0.0.0:80", []),
        ("rebind.test:80", ["127.0.0.1"]),
        ("rebind.test:80", ["93.184.215.14", "10.0.0.1"]),
        ("rebind.test:80", ["10.0.0.1", "93.184.215.14"]),
        ("rebind.test:80", ["93.184.215.14", "64:ff9b::8.8.8.8"]),
    ],
)
def test_one_address_that_is_not_public_refuses_the_whole(destination: str, addresses: list[str]) -> None:
    assert decide(EgressPolicy(), destination, *addresses) == RefusalReason.ADDRESS_NOT_PUBLIC


def test_the_rule_names_the_range_and_not_the_address() -> None:
    decision = decide_addresses(EgressPolicy(), parse_host("a.test"), 80, [ip_address("10.1.2.3")])
    assert decision == Decision(RefusalReason.ADDRESS_NOT_PUBLIC, "private")


@pytest.mark.parametrize("host", ["localhost", "LocalHost.", "evil.localhost"])
def test_loopback_names_are_refused_unresolved(host: str) -> None:
    decision = decide_host(EgressPolicy(), parse_host(host), 80)
    assert decision == Decision(RefusalReason.ADDRESS_NOT_PUBLIC, "loopback")


def test_closed_ports_are_refused_unresolved() -> None:
    assert decide_host(EgressPolicy(), parse_host("a.test"), 25) == Decision(RefusalReason.PORT_NOT_ALLOWED, "25")
    assert decide(policy(ports="443"), "a.test:80") == RefusalReason.PORT_NOT_ALLOWED
    assert decide(policy(ports="443"), "a.test:443", "93.184.215.14") is None


def test_an_allow_list_lets_only_its_hosts_through() -> None:
    made = policy(allow=("example.com", "*.example.org"))
    assert decide(made, "example.com:443", "93.184.215.14") is None
    assert decide(made, "a.b.example.org:443", "93.184.215.14") is None
    for other in ("www.example.com", "example.org", "example.net", "93.184.215.14"):
        assert decide(made, f"{other}:443", "93.184.215.14") == RefusalReason.HOST_NOT_ALLOWED


def test_an_allow_list_opens_no_private_address() -> None:
    made = policy(allow=("intranet.test", "10.0.0.0/8", "127.0.0.1"))
    assert decide(made, "intranet.test:80", "10.0.0.1") == RefusalReason.ADDRESS_NOT_PUBLIC
    assert decide(made, "10.0.0.1:80") == RefusalReason.ADDRESS_NOT_PUBLIC
    assert decide(made, "127.0.0.1:80") == RefusalReason.ADDRESS_NOT_PUBLIC


def test_an_allowed_network_lets_in_names_that_resolve_into_it_and_nowhere_else() -> None:
    made = policy(allow=("93.184.215.0/24",))
    assert decide(made, "a.test:80", "93.184.215.14") is None
    assert decide(made, "93.184.215.99:80") is None
    assert decide(made, "a.test:80", "93.184.215.14", "8.8.8.8") == RefusalReason.HOST_NOT_ALLOWED
    assert decide(made, "8.8.8.8:80") == RefusalReason.HOST_NOT_ALLOWED


def test_what_is_allowed_by_address_only_is_not_allowed_without_addresses() -> None:
    host = parse_host("a.test")
    assert not decide_addresses(policy(allow=("93.184.215.0/24",)), host, 80, []).allowed
    assert decide_addresses(policy(allow=("a.test",)), host, 80, []).allowed
    assert decide_addresses(EgressPolicy(), host, 80, []).allowed


def test_deny_wins_over_allow_and_private() -> None:
    made = policy(
        allow=("*.example.com",), deny=("bad.example.com", "10.0.0.1"), private=("bad.example.com:80", "10.0.0.1:80")
    )
    assert decide(made, "bad.example.com:80", "93.184.215.14") == RefusalReason.HOST_DENIED
    assert decide(made, "10.0.0.1:80") == RefusalReason.HOST_DENIED
    assert decide(made, "good.example.com:80", "93.184.215.14") is None


def test_a_denied_address_is_denied_under_every_name() -> None:
    made = policy(deny=("93.184.215.0/24",))
    assert decide(made, "93.184.215.14:80") == RefusalReason.HOST_DENIED
    assert decide(made, "other.test:80", "8.8.8.8", "93.184.215.14") == RefusalReason.HOST_DENIED
    assert decide(made, "other.test:80", "8.8.8.8") is None


def test_denying_everything_leaves_no_network() -> None:
    made = policy(deny=("*",), private=("127.0.0.1:80",))
    for destination in ("a.test:443", "8.8.8.8:443", "127.0.0.1:80"):
        assert decide(made, destination) == RefusalReason.HOST_DENIED


def test_a_private_host_opens_exactly_its_host_and_port() -> None:
    made = policy(private=("127.0.0.1:8000", "intranet.test:443", "[::1]:8000"))
    assert decide(made, "127.0.0.1:8000") is None
    assert decide(made, "[::1]:8000") is None
    assert decide(made, "intranet.test:443", "10.0.0.1", "fd00::1") is None
    for destination, *addresses in (
        ("127.0.0.1:8001",),
        ("127.0.0.2:8000",),
        ("localhost:8000", "127.0.0.1"),
        ("[::ffff:127.0.0.1]:8000",),
        ("intranet.test:80", "10.0.0.1"),
        ("www.intranet.test:443", "10.0.0.1"),
        ("10.0.0.1:443",),
        ("rebind.test:8000", "127.0.0.1"),
        ("rebind.test:443", "10.0.0.1"),
    ):
        assert decide(made, destination, *addresses) == RefusalReason.ADDRESS_NOT_PUBLIC, destination


def test_a_private_host_is_open_beside_an_allow_list_and_on_a_closed_port() -> None:
    made = policy(allow=("example.com",), private=("127.0.0.1:6379", "localhost:9000"))
    assert decide(made, "127.0.0.1:6379") is None
    assert decide(made, "localhost:9000", "127.0.0.1", "::1") is None
    assert decide(made, "other.test:9000", "93.184.215.14") == RefusalReason.HOST_NOT_ALLOWED


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::ffff:10.0.0.1", "64:ff9b::1"]
)
def test_a_private_name_does_not_open_what_only_an_attacker_would_resolve_it_to(address: str) -> None:
    assert (
        decide(policy(private=("intranet.test:80",)), "intranet.test:80", address) == RefusalReason.ADDRESS_NOT_PUBLIC
    )


def test_a_literal_opens_even_link_local_but_never_an_address_that_no_host_has() -> None:
    assert decide(policy(private=("169.254.169.254:80",)), "169.254.169.254:80") is None
    for never in ("0.0.0.0:80", "255.255.255.255:80", "224.0.0.1:80", "[::ffff:127.0.0.1]:80", "[::]:80"):
        assert decide(policy(private=(never,)), never) == RefusalReason.ADDRESS_NOT_PUBLIC


def test_a_private_name_may_also_be_public() -> None:
    assert decide(policy(private=("app.test:25",)), "app.test:25", "93.184.215.14") is None


def test_an_upstream_must_be_public_unless_it_is_the_servers_or_named() -> None:
    asked = parse_upstream("http://proxy.test:3128")
    private, public = [ip_address("10.0.0.1")], [ip_address("93.184.215.14")]
    assert decide_upstream(EgressPolicy(), asked, public).allowed
    assert decide_upstream(EgressPolicy(), asked, private).reason is RefusalReason.UPSTREAM_NOT_PUBLIC
    assert decide_upstream(EgressPolicy(), asked, public + private).reason is RefusalReason.UPSTREAM_NOT_PUBLIC
    assert decide_upstream(EgressPolicy(), replace(asked, trusted=True), private).allowed
    assert decide_upstream(policy(private=("proxy.test:3128",)), asked, private).allowed
    assert not decide_upstream(policy(private=("proxy.test:80",)), asked, private).allowed


def test_the_host_lists_do_not_speak_of_the_upstream() -> None:
    made = policy(allow=("example.com",), deny=("proxy.test",))
    assert decide_upstream(made, parse_upstream("http://proxy.test:3128"), [ip_address("93.184.215.14")]).allowed


def test_the_reference_page_explains_every_reason() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/egress.md").read_text()
    assert [reason for reason in RefusalReason if f"\n| `{reason}` | " not in page] == []
