import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.start_url import MAX_URL_BYTES, check_start_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("HTTP://example.com", "HTTP://example.com"),
        ("about:blank", "about:blank"),
        ("data:text/html,<h1>hi there</h1>", "data:text/html,<h1>hi there</h1>"),
        ("example.com", "https://example.com"),
        ("localhost:3000/a", "https://localhost:3000/a"),
        ("[::1]:8000", "https://[::1]:8000"),
        ("bücher.example/ü", "https://bücher.example/ü"),
    ],
)
def test_what_a_person_would_type_is_an_address(text: str, url: str) -> None:
    assert check_start_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-", "--no-sandbox", "--user-data-dir=/x", "file:///etc/passwd", "javascript:alert(1)", "chrome://version",
        "about:version", "view-source:https://example.com", "https://", "http://:80", "https://example.com:99999",
        "https://user@example.com", "https://user:secret@example.com", "user:secret@example.com", "https://a b",
        "https://example.com\n--no-sandbox", "example.com\0", " example.com", "https://[::1", "ftp://example.com",
        "https://example.com/" + "a" * MAX_URL_BYTES, "\ud800.example", "data:,\u202e",
    ],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|URL"):
        check_start_url(text)


@given(
    st.one_of(st.text(), st.builds(lambda head, tail: head + tail, st.sampled_from(["http://", "data:"]), st.text()))
)
def test_what_is_taken_looks_like_no_option_and_is_taken_again(text: str) -> None:
    try:
        url = check_start_url(text)
    except ValueError:
        return
    assert url == "about:blank" or url.lower().startswith(("http://", "https://", "data:"))
    assert url.isprintable()
    assert len(url.encode()) <= MAX_URL_BYTES
    assert check_start_url(url) == url
