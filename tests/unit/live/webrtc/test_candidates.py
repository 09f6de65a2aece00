from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import InvalidError
from cloche.live.webrtc.candidates import CallRule, Refusal, read_candidate, why_not_address, why_not_call

ABROAD = CallRule(loopback=False, private=True)
AT_HOME = CallRule(loopback=True, private=True)
PUBLIC_ONLY = CallRule(loopback=False, private=False)


def named(host: str, port: int = 50000, *, transport: str = "udp", component: int = 1, kind: str = "host") -> str:
    return f"candidate:1 {component} {transport} 2122260223 {host} {port} typ {kind} generation 0 ufrag abcd"


def refusal(text: str, rule: CallRule = ABROAD) -> Refusal | None:
    return why_not_call(read_candidate(text), rule)


def test_a_browsers_candidate_is_read() -> None:
    candidate = read_candidate(
        "candidate:2191616315 1 UDP 1685987071 93.184.215.14 52662 typ srflx raddr 0.0.0.0 rport 0 generation 0"
    )
    assert (candidate.host, candidate.port, candidate.kind) == ("93.184.215.14", 52662, "srflx")
    assert candidate.transport == "udp"
    assert why_not_call(candidate, PUBLIC_ONLY) is None


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "candidate:",
        "x" * 2000,
        "candidate:1 1 udp 1 93.184.215.14 99999 typ host",
        "candidate:1 1 udp 99999999999 93.184.215.14 5000 typ host",
        "candidate:1 1 udp 1 93.184.215.14 5000 typ",
        "candidate:1 1 udp 1 93.184.215.14 5000 typ host\r\na=evil",
        "candidate:1 -1 udp 1 93.184.215.14 5000 typ host",
        named("93.184.215.14\0"),
    ],
)
def test_garbage_is_refused_and_not_quoted(garbage: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read_candidate(garbage)
    assert caught.value.fields == {"reason": "bad_candidate"}
    assert caught.value.detail == "not an ICE candidate"


@given(st.text(max_size=300))
def test_any_text_is_a_candidate_or_an_invalid_error(text: str) -> None:
    try:
        candidate = read_candidate(text)
    except InvalidError:
        return
    why_not_call(candidate, AT_HOME)


def test_names_are_left_out_quietly() -> None:
    assert refusal(named("5f7a0ae3-2b6a-4e8e-a3d5-8e8a4f7bb6ac.local")) is Refusal.NAME
    assert refusal(named("internal.corp.test")) is Refusal.NAME


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (named("93.184.215.14", 9, transport="tcp"), Refusal.TRANSPORT),
        (named("93.184.215.14", component=2), Refusal.COMPONENT),
        (named("93.184.215.14", kind="prflx"), Refusal.KIND),
        (named("93.184.215.14", 53), Refusal.PORT),
        (named("93.184.215.14", 1023), Refusal.PORT),
        (named("fe80::1%eth0"), Refusal.NAME),
    ],
)
def test_what_else_is_left_out(text: str, why: Refusal) -> None:
    assert refusal(text) is why


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "224.0.0.251",
        "ff02::fb",
        "255.255.255.255",
        "0.0.0.0",
        "::",
        "fe80::1",
        "fec0::1",
        "240.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2001::1",
    ],
)
def test_some_addresses_are_never_called(host: str) -> None:
    assert why_not_address(ip_address(host), AT_HOME) is Refusal.ADDRESS


def test_a_second_spelling_of_loopback_is_none() -> None:
    assert why_not_address(ip_address("::ffff:127.0.0.1"), AT_HOME) is Refusal.ADDRESS


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_is_called_only_where_the_daemon_is_bound_to_it(host: str) -> None:
    assert refusal(named(host)) is Refusal.LOOPBACK
    assert refusal(named(host), AT_HOME) is None


@pytest.mark.parametrize("host", ["10.1.2.3", "172.16.0.1", "192.168.1.7", "100.64.3.3", "fd12::7"])
def test_private_networks_are_called_unless_that_is_off(host: str) -> None:
    assert refusal(named(host)) is None
    assert refusal(named(host), PUBLIC_ONLY) is Refusal.PRIVATE


@pytest.mark.parametrize("host", ["93.184.215.14", "2606:2800:21f:cb07::14"])
def test_public_addresses_are_called(host: str) -> None:
    assert refusal(named(host), PUBLIC_ONLY) is None
