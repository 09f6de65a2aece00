"""Which addresses may be asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.navigation.destination import check_destination, host_and_port


@pytest.mark.parametrize(
    "url",
    [
        "about:blank",
        "http://site.test",
        "HTTPS://site.test:8443/a?b=c%20d#e",
        "http://[::1]:80/",
        "http://bücher.example/ü",
        "https://site.test/?next=C:\\path",
    ],
)
def test_web_addresses_are_handed_on_as_they_are(url: str) -> None:
    assert check_destination(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "site.test",
        "site.test:80/a",
        "//site.test",
        "/path",
        "file:///etc/passwd",
        "data:text/html,x",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "chrome://version",
        "view-source:http://site.test",
        "blob:http://site.test/x",
        "ftp://site.test/",
        "ws://site.test/",
        "about:srcdoc",
        "http:site.test",
        "http:/site.test",
        "http:\\\\site.test",
        "http://",
        "http:///path",
        "http://:80/",
        "http://user@site.test/",
        "http://user:password@site.test/",
        "http://site.test:99999/",
        "http://site.test:0/",
        "http://site.test:port/",
        "http://[::1/",
        " http://site.test",
        "http://site.test/a b",
        "http://site.test/\x00",
        "http://site.test/\t",
        "http://site.test/\u202e",
        "http://site.test/\ud800",
        "http://site.test/" + "a" * 40_000,
    ],
)
def test_what_is_no_web_address_or_could_be_read_otherwise_is_refused(url: str) -> None:
    with pytest.raises(ActionError) as refused:
        check_destination(url)
    assert refused.value.code is Failure.INVALID_URL


def test_a_bare_host_is_told_what_is_missing() -> None:
    with pytest.raises(ActionError) as refused:
        check_destination("example.com")
    assert "https://" in refused.value.detail


@given(st.text(max_size=200))
def test_whatever_is_let_through_is_a_web_address(text: str) -> None:
    try:
        url = check_destination(text)
    except ActionError:
        return
    assert url == "about:blank" or url.lower().startswith(("http://", "https://"))


@given(st.sampled_from(["http", "https"]), st.text(max_size=50))
def test_the_peer_of_any_address_is_a_host_and_a_port_or_nobody(scheme: str, rest: str) -> None:
    peer = host_and_port(f"{scheme}://{rest}")
    assert peer is None or (bool(peer[0]) and 0 <= peer[1] < 65_536)


def test_the_port_is_the_schemes_where_none_is_given() -> None:
    assert host_and_port("https://Site.test/") == ("site.test", 443)
    assert host_and_port("http://[::1]:8080/") == ("::1", 8080)
    assert host_and_port("about:blank") is None
