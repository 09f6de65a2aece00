import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.ports import ALL_SCHEMES, DEFAULT_PORTS, DENIED_PORTS, Scheme, parse_ports, scheme_of
from cloche.errors import InvalidError


@pytest.mark.parametrize("port", [80, 443, 8080, 8443, 3000, 5173, 9200, 1024, 65535])
def test_ports_that_sites_are_served_on_are_open(port: int) -> None:
    assert DEFAULT_PORTS.permits(port)


@pytest.mark.parametrize(
    "port", [0, 22, 23, 25, 110, 135, 137, 139, 445, 465, 587, 3306, 5432, 6379, 11211, 27017, 65536]
)
def test_ports_where_http_does_harm_are_closed(port: int) -> None:
    assert not DEFAULT_PORTS.permits(port)


def test_named_ranges_open_only_themselves() -> None:
    rule = parse_ports("443, 8000-8010")
    assert [port for port in (80, 443, 444, 7999, 8000, 8010, 8011) if rule.permits(port)] == [443, 8000, 8010]


def test_a_port_named_alone_opens_although_it_is_closed_by_default_but_a_range_over_it_does_not() -> None:
    assert parse_ports("25").permits(25)
    assert not parse_ports("20-30").permits(25)
    assert parse_ports("20-30,25").permits(25)


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "80-", "-80", "90-80", "a", "80-90-100", "1.5", "²", ",".join(["80"] * 65)]
)
def test_other_port_lists_are_invalid(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_ports(text, field="egress_ports")
    assert caught.value.fields == {"field": "egress_ports"}


@given(st.integers(1, 65535))
def test_every_port_is_open_by_default_unless_it_is_listed(port: int) -> None:
    assert DEFAULT_PORTS.permits(port) == (port not in DENIED_PORTS)


@pytest.mark.parametrize("method", [b"GET / HTTP/1.1", b"post /", b"OPTIONS *", b"PRI * HTTP/2.0", b"!x"])
def test_a_request_line_begins_http(method: bytes) -> None:
    assert scheme_of(method[0]) is Scheme.HTTP


def test_a_tls_record_begins_https() -> None:
    assert scheme_of(0x16) is Scheme.HTTPS


@pytest.mark.parametrize("byte", [0x00, 0x01, 0x05, 0x13, 0x15, 0x17, 0x20, 0x80, 0xFF], ids=hex)
def test_stun_socks_and_other_binary_protocols_begin_neither(byte: int) -> None:
    assert scheme_of(byte) is None


def test_no_byte_begins_anything_but_the_known_schemes() -> None:
    assert {scheme_of(byte) for byte in range(256)} == {None, *ALL_SCHEMES}


@given(port=st.integers(1, 65535))
@pytest.mark.parametrize(
    ("one", "other"), [("1-65535", "443"), ("80,8000-9000", "8500-9500"), ("22", "1-65535"), ("80", "81")]
)
def test_two_rules_together_permit_what_both_permit(one: str, other: str, port: int) -> None:
    a, b = parse_ports(one), parse_ports(other)
    assert a.narrowed(b).permits(port) == (a.permits(port) and b.permits(port))
