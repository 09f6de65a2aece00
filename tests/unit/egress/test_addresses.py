import string
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.addresses import RANGES, AddressClass, LiteralError, classify, parse_literal

# Written down apart from the table under test: an address from every range that a page must not reach.
NOT_PUBLIC = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "this_network",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "cgnat",
    "100.127.255.254": "cgnat",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.169.254": "link_local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.1": "ietf_protocol",
    "192.0.0.8": "dummy",
    "192.0.0.170": "ietf_protocol",
    "192.0.2.1": "documentation",
    "192.31.196.1": "as112",
    "192.52.193.1": "amt",
    "192.88.99.1": "six_to_four",
    "192.168.0.1": "private",
    "192.175.48.1": "as112",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.254": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::8.8.8.8": "v4_compatible",
    "::127.0.0.1": "v4_compatible",
    "::ffff:8.8.8.8": "v4_mapped",
    "::ffff:127.0.0.1": "v4_mapped",
    "::ffff:0:8.8.8.8": "reserved",
    "64:ff9b::8.8.8.8": "nat64",
    "64:ff9b::10.0.0.1": "nat64",
    "64:ff9b:1::1": "nat64",
    "64:ff9b:1:ffff::1": "nat64",
    "100::1": "discard",
    "100:0:0:1::1": "dummy",
    "2001::1": "teredo",
    "2001:0:ffff::1": "teredo",
    "2001:1::1": "ietf_protocol",
    "2001:2::1": "benchmarking",
    "2001:3::1": "amt",
    "2001:4:112::1": "as112",
    "2001:10::1": "orchid",
    "2001:1f::1": "orchid",
    "2001:20::1": "orchid",
    "2001:2f::1": "orchid",
    "2001:30::1": "drone_id",
    "2001:1ff::1": "ietf_protocol",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "six_to_four",
    "2002:808:808::1": "six_to_four",
    "2620:4f:8000::1": "as112",
    "3fff::1": "documentation",
    "3fff:fff::1": "documentation",
    "4000::1": "reserved",
    "5f00::1": "srv6",
    "8000::1": "reserved",
    "fc00::1": "unique_local",
    "fdff::1": "unique_local",
    "fe00::1": "reserved",
    "fe80::1": "link_local",
    "febf::1": "link_local",
    "fec0::1": "site_local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast",
}
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "3ffe:ffff::1",
    "3fff:1000::1",
]


@pytest.mark.parametrize(("text", "kind"), NOT_PUBLIC.items())
def test_special_addresses_are_not_public_and_say_what_they_are(text: str, kind: str) -> None:
    assert classify(ip_address(text)) == kind


@pytest.mark.parametrize("text", PUBLIC)
def test_neighbours_of_special_ranges_are_public(text: str) -> None:
    assert classify(ip_address(text)) is AddressClass.PUBLIC


@pytest.mark.parametrize("row", RANGES, ids=lambda row: row[0])
def test_every_range_is_refused_from_its_first_address_to_its_last(row: tuple[str, AddressClass, str]) -> None:
    network = ip_network(row[0])
    assert classify(network[0]) is not AddressClass.PUBLIC
    assert classify(network[-1]) is not AddressClass.PUBLIC
    assert row[2].startswith("RFC ")


@pytest.mark.parametrize("kind", set(AddressClass) - {AddressClass.PUBLIC, AddressClass.THIS_MACHINE})
def test_every_class_has_a_range(kind: AddressClass) -> None:
    assert kind in {row[1] for row in RANGES}


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_public_that_the_standard_library_calls_private(address: IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_loopback:
        assert classify(address) is not AddressClass.PUBLIC


@given(st.ip_addresses(v=6) | st.integers(0, 2**125 - 1).map(lambda n: IPv6Address((1 << 125) | n)))
def test_no_ipv6_address_is_public_that_the_standard_library_calls_private(address: IPv6Address) -> None:
    if address.is_private or not address.is_global or (int(address) >> 125) != 1:
        assert classify(address) is not AddressClass.PUBLIC


@given(st.ip_addresses(v=4), st.sampled_from(["::", "::ffff:", "64:ff9b::"]))
def test_an_embedded_ipv4_address_is_never_public_however_public_it_is(inner: IPv4Address, prefix: str) -> None:
    assert classify(IPv6Address(f"{prefix}{inner}")) is not AddressClass.PUBLIC


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", IPv4Address("127.0.0.1")),
        ("8.8.8.8", IPv4Address("8.8.8.8")),
        ("::1", IPv6Address("::1")),
        ("[::1]", IPv6Address("::1")),
        ("[2001:DB8::A]", IPv6Address("2001:db8::a")),
        ("::ffff:127.0.0.1", IPv6Address("::ffff:7f00:1")),
    ],
)
def test_canonical_literals_are_read(text: str, address: IPv4Address | IPv6Address) -> None:
    assert parse_literal(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "0x",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.0x1",
        "1.2.3.256",
        "1.2.3.4.5",
        "example.5",
        "foo.0x7f",
        "1e3.0",
        "0",
        "[::1",
        "::1]",
        "[127.0.0.1]",
        "[]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "::g",
        "1:2:3",
        "12345::",
        "::1%",
    ],
)
def test_other_spellings_of_addresses_are_refused(text: str) -> None:
    with pytest.raises(LiteralError):
        parse_literal(text)


@pytest.mark.parametrize(
    "text", ["example.com", "a.b.c", "1and1.com", "127.0.0.1.nip.io", "0x7f.example", "xn--bcher-kva.de", ""]
)
def test_names_are_not_literals(text: str) -> None:
    assert parse_literal(text) is None


@given(st.text(max_size=60) | st.text(string.hexdigits + ".:[]xX%", max_size=40))
def test_any_text_is_an_address_a_name_or_refused(text: str) -> None:
    try:
        address = parse_literal(text)
    except LiteralError:
        return
    if address is not None:
        # What was accepted has one meaning: it reads the same when written canonically.
        assert parse_literal(str(address)) == address


@given(st.ip_addresses())
def test_every_address_written_canonically_is_read_back(address: IPv4Address | IPv6Address) -> None:
    assert parse_literal(str(address)) == address


def test_the_reference_page_shows_the_table_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/egress.md").read_text()
    shown = [line for line in page.splitlines() if line.endswith(" |") and line.count("`") == 4 and " | RFC " in line]
    assert shown == [f"| `{network}` | `{kind}` | {source} |" for network, kind, source in RANGES]
