from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.upstream_url import Upstream, UpstreamKind, parse_upstream
from cloche.errors import InvalidError


@pytest.mark.parametrize(
    ("url", "kind", "host", "port"),
    [
        ("http://proxy.test:3128", "http", "proxy.test", 3128),
        ("http://Proxy.test/", "http", "proxy.test", 80),
        ("HTTP://1.2.3.4:8080", "http", IPv4Address("1.2.3.4"), 8080),
        ("socks5://[2606:4700::1]:1081", "socks5", IPv6Address("2606:4700::1"), 1081),
        (" socks5://proxy.test ", "socks5", "proxy.test", 1080),
    ],
)
def test_proxy_urls_are_read(url: str, kind: str, host: object, port: int) -> None:
    upstream = parse_upstream(url)
    assert (upstream.kind, upstream.host, upstream.port) == (kind, host, port)
    assert (upstream.username, upstream.resolves, upstream.trusted) == ("", False, False)


def test_credentials_are_decoded_and_never_shown() -> None:
    upstream = parse_upstream("http://ann:s%40cret%2F@proxy.test:3128")
    assert (upstream.username, upstream.password) == ("ann", "s@cret/")
    assert "ann" not in repr(upstream) and "s@cret" not in repr(upstream)


def test_an_http_proxy_may_want_a_token_alone() -> None:
    assert parse_upstream("http://token@proxy.test").username == "token"


@pytest.mark.parametrize(
    "url", ["socks5h://proxy.test", "socks5://proxy.test?resolve=upstream", "http://p.test/?resolve=upstream"]
)
def test_the_proxy_resolves_where_the_url_says_so(url: str) -> None:
    assert parse_upstream(url).resolves


def test_only_the_server_makes_an_upstream_trusted() -> None:
    assert parse_upstream("http://10.0.0.1:3128", trusted=True) == Upstream(
        kind=UpstreamKind.HTTP, host=IPv4Address("10.0.0.1"), port=3128, trusted=True
    )


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "proxy.test:3128",
            "https://proxy.test",
            "ftp://proxy.test",
            "socks4://proxy.test",
            "//proxy.test",
            "http://",
        ),
        *("http://:3128", "http://proxy.test:0", "http://proxy.test:65536", "http://proxy.test:x", "http://a b/"),
        *("http://proxy.test/path", "http://proxy.test#x", "http://proxy.test?x=1", "http://proxy.test?resolve=no"),
        *("http://127.1:80", "http://0x7f.1", "http://[fe80::1%25lo]:80", "http://[::1", "http://[x]:80"),
        *("socks5://user@proxy.test", "socks5://:pw@proxy.test", "http://:pw@proxy.test", "http://a%3Ab:c@proxy.test"),
        *(
            "http://a%0Ab:c@proxy.test",
            "http://ä:c@proxy.test",
            f"socks5://u:{'x' * 256}@proxy.test",
            "http://" + "a" * 3000,
        ),
        "http://proxy.test?resolve=upstream&resolve=upstream",
    ],
)
def test_other_urls_are_invalid_and_the_message_repeats_nothing_of_them(url: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_upstream(url, field="egress.upstream")
    assert caught.value.fields == {"field": "egress.upstream"}
    assert "proxy.test" not in caught.value.detail


@given(st.text(max_size=60).map(lambda text: f"http://{text}") | st.text(max_size=60))
def test_any_text_is_an_upstream_or_invalid(text: str) -> None:
    try:
        upstream = parse_upstream(text)
    except InvalidError:
        return
    assert 1 <= upstream.port <= 65535
