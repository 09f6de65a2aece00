from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.addresses import LiteralError
from cloche.egress.hosts import (
    MAX_LIST_ENTRIES,
    HostError,
    HostName,
    PrivateHost,
    is_loopback_name,
    parse_host,
    parse_host_pattern,
    parse_host_patterns,
    parse_private_ceiling,
    parse_private_host,
    parse_private_hosts,
    private_hosts_outside,
)
from cloche.errors import InvalidError

LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda text: text[2:4] != "--")
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
    ],
)
def test_names_are_lower_case_and_without_the_root_dot(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "a..b", ".a", "a..", "-a.test", "a-.test", "a b.test", "a\0b.test", "a/b", "a@b", "bücher.de"),
        *("a" * 64 + ".test", "a." * 127 + "b", "\u212a.test", "a\n", "*.test", "a%2eb.test"),
    ],
)
def test_what_is_not_a_host_name_is_refused(text: str) -> None:
    with pytest.raises(HostError):
        parse_host(text)


def test_an_odd_spelling_of_an_address_is_no_host_either() -> None:
    with pytest.raises(LiteralError):
        parse_host("0x7f.1")


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_host_or_refused_and_hosts_are_stable(text: str) -> None:
    try:
        host = parse_host(text)
    except (HostError, LiteralError):
        return
    assert parse_host(str(host)) == host
    assert str(host).isascii()


@pytest.mark.parametrize("text", ["localhost", "LOCALHOST.", "a.localhost", "a.b.localhost"])
def test_localhost_and_what_is_below_it_are_loopback_names(text: str) -> None:
    assert is_loopback_name(parse_host(text))


@pytest.mark.parametrize("text", ["localhost.example", "notlocalhost", "127.0.0.1"])
def test_other_hosts_are_not_loopback_names(text: str) -> None:
    assert not is_loopback_name(parse_host(text))


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("example.com", ["example.com"], ["www.example.com", "xexample.com", "example.com.evil", "com"]),
        ("*.example.com", ["www.example.com", "a.b.example.com"], ["example.com", "xexample.com", "example.org"]),
        ("EXAMPLE.com.", ["example.com"], []),
        ("bücher.example", ["xn--bcher-kva.example"], ["bucher.example"]),
        ("*.straße.example", ["a.xn--strae-oqa.example"], ["a.strasse.example"]),
        ("*", ["anything.test", "8.8.8.8", "::1"], []),
        ("203.0.114.7", [], ["203.0.114.7.example"]),
    ],
)
def test_patterns_match_names(pattern: str, matching: list[str], other: list[str]) -> None:
    parsed = parse_host_pattern(pattern)
    assert all(parsed.matches_name(parse_host(text)) for text in matching)
    assert not any(parsed.matches_name(parse_host(text)) for text in other)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("203.0.114.7", ["203.0.114.7"], ["203.0.114.8", "::203.0.114.7"]),
        ("203.0.114.0/24", ["203.0.114.0", "203.0.114.255"], ["203.0.115.0"]),
        ("[2606:4700::1111]", ["2606:4700::1111"], ["2606:4700::1112"]),
        ("2606:4700::/32", ["2606:4700:ffff::1"], ["2606:4701::", "8.8.8.8"]),
        ("*", ["8.8.8.8", "::1"], []),
        ("example.com", [], ["8.8.8.8"]),
    ],
)
def test_patterns_match_addresses(pattern: str, matching: list[str], other: list[str]) -> None:
    parsed = parse_host_pattern(pattern)
    assert all(parsed.matches_address(ip_address(text)) for text in matching)
    assert not any(parsed.matches_address(ip_address(text)) for text in other)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "**", "*.", "*.*", "*.*.com", "a.*.com", "*example.com", "example.com:443", "http://example.com"),
        *("example.com/path", "*.1.2.3.4", "*.[::1]", "1.2.3.4/33", "1.2.3.4/24", "::/129", "1.2.3.4/-1", "1.2.3.4/"),
        *(
            "1.2.3.4/255.255.255.0",
            "/8",
            "127.1",
            "0x7f.0.0.1",
            "fe80::1%lo",
            "xn--a.example" + "x" * 600,
            "a b",
            "ü" * 80,
        ),
        "1.2.3.4/²",
    ],
)
def test_other_patterns_are_invalid_and_name_their_field(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_host_pattern(text, field="deny_hosts")
    assert caught.value.fields == {"field": "deny_hosts"}
    assert len(caught.value.detail) < 300


@given(st.text(max_size=80))
def test_any_text_is_a_pattern_or_invalid_and_patterns_read_back(text: str) -> None:
    try:
        pattern = parse_host_pattern(text)
    except InvalidError:
        return
    assert parse_host_pattern(pattern.text) == pattern


@given(NAME, LABEL)
def test_a_wildcard_matches_exactly_what_is_below_it(name: str, label: str) -> None:
    wildcard, exact = parse_host_pattern(f"*.{name}"), parse_host_pattern(name)
    below, beside = parse_host(f"{label}.{name}"), parse_host(f"{label}{name}")
    assert wildcard.matches_name(below) and not exact.matches_name(below)
    assert exact.matches_name(parse_host(name)) and not wildcard.matches_name(parse_host(name))
    assert not wildcard.matches_name(beside) and not exact.matches_name(beside)


def test_lists_lose_repetitions_and_are_bounded() -> None:
    assert [entry.text for entry in parse_host_patterns(["a.test", "A.test.", "*"], field="f")] == ["a.test", "*"]
    many = [f"h{number}.test" for number in range(MAX_LIST_ENTRIES)]
    assert len(parse_host_patterns(many, field="f")) == MAX_LIST_ENTRIES
    with pytest.raises(InvalidError):
        parse_host_patterns([*many, "one.more"], field="f")
    with pytest.raises(InvalidError):
        parse_private_hosts([f"{name}:80" for name in (*many, "one.more")])


@pytest.mark.parametrize(
    ("text", "entry", "shown"),
    [
        ("127.0.0.1:8000", PrivateHost(IPv4Address("127.0.0.1"), 8000), "127.0.0.1:8000"),
        ("Intranet.test:443", PrivateHost(HostName("intranet.test"), 443), "intranet.test:443"),
        ("[::1]:8000", PrivateHost(IPv6Address("::1"), 8000), "[::1]:8000"),
        ("localhost:65535", PrivateHost(HostName("localhost"), 65535), "localhost:65535"),
    ],
)
def test_private_hosts_are_read_and_shown(text: str, entry: PrivateHost, shown: str) -> None:
    assert parse_private_host(text) == entry
    assert str(entry) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "intranet.test", ":80", "a:", "a:0", "a:65536", "a:-1", "a:+1", "a: 1", "a:1x", "a:000080"),
        *("::1:8000", "[::1]", "*:80", "*.a:80", "10.0.0.0/8:80", "127.1:80", "http://a:80", "a:80/x", "a:²", "a:*"),
    ],
)
def test_other_private_hosts_are_invalid(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_private_host(text)
    assert caught.value.fields == {"field": "private_hosts"}


@pytest.mark.parametrize(
    ("ceiling", "asked", "outside"),
    [
        (["127.0.0.1:8000"], ["127.0.0.1:8000"], []),
        (["127.0.0.1:8000"], ["127.0.0.1:8001", "localhost:8000"], ["127.0.0.1:8001", "localhost:8000"]),
        (["127.0.0.1:*"], ["127.0.0.1:1", "127.0.0.2:1"], ["127.0.0.2:1"]),
        (["10.0.0.0/8:443"], ["10.1.2.3:443", "10.1.2.3:80", "a.test:443"], ["10.1.2.3:80", "a.test:443"]),
        (["*.corp.test:443"], ["a.corp.test:443", "corp.test:443", "10.0.0.1:443"], ["corp.test:443", "10.0.0.1:443"]),
        (["[::1]:*"], ["[::1]:80", "127.0.0.1:80"], ["127.0.0.1:80"]),
        (["*:80"], ["a.test:80", "10.0.0.1:80", "a.test:81"], ["a.test:81"]),
        ([], ["a.test:80"], ["a.test:80"]),
    ],
)
def test_a_ceiling_covers_what_it_says_and_no_more(ceiling: list[str], asked: list[str], outside: list[str]) -> None:
    entries = parse_private_hosts(asked)
    beyond = private_hosts_outside(entries, [parse_private_ceiling(text) for text in ceiling])
    assert [str(entry) for entry in beyond] == outside


def test_no_ceiling_lets_everything_be_named() -> None:
    assert private_hosts_outside(parse_private_hosts(["10.0.0.1:22"]), None) == ()


@pytest.mark.parametrize("text", ["127.0.0.1", "a.test:x", "::1:80", "", "10.0.0.1/8:80"])
def test_a_malformed_ceiling_is_invalid(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_private_ceiling(text)
    assert caught.value.fields == {"field": "private_hosts_ceiling"}
