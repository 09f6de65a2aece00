"""What is typed in an address bar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.navigation.destination import check_destination
from cloche.live.input.address import Address, Unreadable, read_address


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("example.org", "https://example.org"),
        ("  example.org/a?b#c\n", "https://example.org/a?b#c"),
        ("example.org:8443/x", "https://example.org:8443/x"),
        ("example.org/a b", "https://example.org/a%20b"),
        ("//example.org", "https://example.org"),
        ("münchen.example", "https://münchen.example"),
        ("http://example.org", "http://example.org"),
        ("HTTPS://example.org", "https://example.org"),
        ("localhost", "http://localhost"),
        ("localhost:8000/a", "http://localhost:8000/a"),
        ("app.localhost:3000", "http://app.localhost:3000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("10.0.0.1", "http://10.0.0.1"),
        ("[::1]:8000/a", "http://[::1]:8000/a"),
        ("intranet/wiki", "http://intranet/wiki"),
        ("intranet:8080", "http://intranet:8080"),
        ("https://intranet", "https://intranet"),
        ("about:blank", "about:blank"),
        ("About:Blank", "about:blank"),
    ],
)
def test_addresses(typed: str, url: str) -> None:
    assert read_address(typed) == Address(url)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", Unreadable.EMPTY),
        (" \n", Unreadable.EMPTY),
        ("a." * 5000, Unreadable.TOO_LONG),
        ("cats", Unreadable.SEARCH),
        ("why?", Unreadable.SEARCH),
        ("how are cats made", Unreadable.SEARCH),
        ("note: buy milk", Unreadable.SEARCH),
        ("3.14", Unreadable.SEARCH),
        ("0x7f.1", Unreadable.SEARCH),
        ("javascript:alert(1)", Unreadable.SCHEME),
        ("JavaScript:1", Unreadable.SCHEME),
        ("file:///etc/passwd", Unreadable.SCHEME),
        ("chrome://settings", Unreadable.SCHEME),
        ("devtools://devtools", Unreadable.SCHEME),
        ("view-source:https://example.org", Unreadable.SCHEME),
        ("data:text/html,x", Unreadable.SCHEME),
        ("about:version", Unreadable.SCHEME),
        ("ftp://example.org", Unreadable.SCHEME),
        ("https:example.org", Unreadable.HOST),
        ("https://", Unreadable.HOST),
        ("/etc/passwd", Unreadable.HOST),
        ("example..org", Unreadable.HOST),
        ("example.org:99999", Unreadable.HOST),
        ("example.org:0", Unreadable.HOST),
        ("https://[::1", Unreadable.HOST),
        ("https://exam ple.org", Unreadable.HOST),
        ("user@example.org", Unreadable.CREDENTIALS),
        ("https://bank.example@evil.example", Unreadable.CREDENTIALS),
        ("example.org\\@evil.example", Unreadable.CHARACTERS),
        ("exam\u200bple.org", Unreadable.CHARACTERS),
        ("example.org/\x07", Unreadable.CHARACTERS),
        ("java\nscript:alert(1)", Unreadable.CHARACTERS),
        ("example.org/\ud800", Unreadable.CHARACTERS),
    ],
)
def test_what_is_no_address_says_why(typed: str, reason: Unreadable) -> None:
    assert read_address(typed) is reason


bits = st.sampled_from(
    ["http", "https", ":", "/", "//", "@", "\\", "?", "#", ".", "[", "]", "::1", "80", " ", "%", "x"]
)


@given(st.text(max_size=40) | st.lists(bits, max_size=12).map("".join))
def test_whatever_is_typed_what_is_read_is_an_address_that_the_browser_takes(typed: str) -> None:
    read = read_address(typed)
    if isinstance(read, Address):
        assert check_destination(read.url) == read.url
