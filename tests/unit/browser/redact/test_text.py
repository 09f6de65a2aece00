import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.redact import urls
from cloche.browser.redact.bodies import redact_body
from cloche.browser.redact.headers import redact_header, redact_headers
from cloche.browser.redact.names import REDACTED, is_secret_name
from cloche.browser.redact.text import redact_named, redact_text
from cloche.browser.redact.urls import redact_url

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
HEX40 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
UUID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"

SECRET_NAMES = [
    *["access_token", "accessToken", "X-Auth-Token", "session_id", "sessionId", "apiKey", "APIKey", "api-key", "jwt"],
    *[
        "client-secret",
        "csrfToken",
        "CSRFToken",
        "passwd",
        "otp",
        "user[password]",
        "PHPSESSID",
        "JSESSIONID",
        "db_pass",
    ],
    *[
        "connect.sid",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "token2",
        "PassWord",
        "one_time_code",
        "card_pin",
        "auth",
    ],
]
PLAIN_NAMES = [
    *[
        "author",
        "authority",
        ":authority",
        "tokenizer",
        "tokenization",
        "secretary",
        "sessions_count",
        "session_timeout",
    ],
    *["token_type", "max_tokens", "token_count", "passenger", "compass", "bypass", "spin", "keyboard", "country_code"],
    *["state", "code", "monkey", "signal", "design", "cookie_policy", "otpor", "page", "id", "", "123", "é"],
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_with_a_secrets_word_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_word_that_only_holds_a_secrets_word_is_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://user:pw@example.com/a?b=c#frag", "https://example.com/a?b=c"),
        ("https:user:pw@example.com/", "https://example.com/"),
        ("HTTPS:\\\\user:pw@example.com\\a", "https://example.com\\a"),
        ("https://a@b@example.com", "https://example.com"),
        ("//user@example.com/", "//example.com/"),
        ("view-source:https://u:p@h/", "view-source:https://h/"),
        ("https://h/?access%5Ftoken=abc&author=Ann", f"https://h/?access%5Ftoken={REDACTED}&author=Ann"),
        ("https://h/cb?code=abc&state=xyz&zip_code=1", f"https://h/cb?code={REDACTED}&state={REDACTED}&zip_code=1"),
        (f"https://h/?id={JWT}", f"https://h/?id={REDACTED}"),
        (f"https://h/reset/{HEX40}", f"https://h/reset/{REDACTED}"),
        (f"https://h/x/{HEX40}/y", f"https://h/x/{REDACTED}/y"),
        (f"https://h/users/{UUID}", f"https://h/users/{UUID}"),
        (f"https://h/reset-password/{UUID}", f"https://h/reset-password/{REDACTED}"),
        ("https://h/Introduction-to-Algorithms-3rd-Edition", "https://h/Introduction-to-Algorithms-3rd-Edition"),
        ("https://h/main.3f2a9c1b8d7e6f5a4b3c.js", "https://h/main.3f2a9c1b8d7e6f5a4b3c.js"),
        ("/cart;jsessionid=1A2B?x=1", f"/cart;jsessionid={REDACTED}?x=1"),
        ("data:image/png;base64,iVBORw0KGgo=", "data:image/png"),
        ("DATA:,hello", "data:"),
        ("blob:https://u:p@h:8443/5d0c-11", "blob:https://h:8443"),
        ("blob:null/5d0c-11", "blob:null"),
        ("http://[::1", "http://[::1"),
        ("mailto:ann@example.com", "mailto:ann@example.com"),
        ("about:blank", "about:blank"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_an_address_keeps_all_but_its_secrets(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted


def test_long_addresses_and_values_are_cut() -> None:
    assert redact_url("https://h/?q=" + "z" * 500) == "https://h/?q=" + "z" * 127 + "…"
    assert len(redact_url("https://h/" + "a/" * 5000)) == 2048
    assert len(redact_url("https://h/" + "a/" * 5000, max_chars=0)) == 16


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("sent Bearer abc123 to it", f"sent Bearer {REDACTED} to it"),
        ("the bearer of bad news, and basic knowledge", "the bearer of bad news, and basic knowledge"),
        ("token=abc&page=2", f"token={REDACTED}&page=2"),
        ("Login failed (password: hunter2).", f"Login failed (password: {REDACTED})."),
        ('Note: msg="password=hunter2"', f'Note: msg="password={REDACTED}"'),
        ('{"apiKey": "a b", "author": "Ann"', f'{{"apiKey": "{REDACTED}", "author": "Ann"'),
        ("Authorization: Bearer a.b-c\nHost: h", f"Authorization: {REDACTED}\nHost: h"),
        ("Cookie: a=b; c=d\nAccept: */*", f"Cookie: {REDACTED}\nAccept: */*"),
        (f"got {JWT}!", f"got {REDACTED}!"),
        ("key ck_0123456789abcdefghij ok", f"key {REDACTED} ok"),
        ("AKIAIOSFODNN7EXAMPLE ghp_" + "a1" * 18 + " xoxb-123456789012-abc", f"{REDACTED} {REDACTED} {REDACTED}"),
        ("paid with 4111 1111 1111 1111.", f"paid with {REDACTED}."),
        ("in 2024 4111-1111-1111-1111", f"in 2024 {REDACTED}"),
        ("order 4111 1111 1111 1112 at 1700000000000", "order 4111 1111 1111 1112 at 1700000000000"),
        ("GET https://u:p@h/a?sig=1&b=2#c failed", f"GET https://h/a?sig={REDACTED}&b=2 failed"),
        ("http://auth:8080/login by author: Jane, 12:30", "http://auth:8080/login by author: Jane, 12:30"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x", f"{REDACTED} x"),
        ('password: ""', 'password: ""'),
    ],
)
def test_only_the_secret_leaves_a_text(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


def test_headers_are_redacted_by_name_and_by_value() -> None:
    headers = {
        "Authorization": "Bearer x",
        "set-cookie": "sid=1; Path=/",
        "X-Api-Key": "k",
        "Referer": "https://u@h/?token=t#f",
        "Access-Control-Allow-Credentials": "true",
        "X-Note": f"see {JWT}",
        "Content-Type": "text/html; charset=utf-8",
    }
    assert redact_headers(headers) == {
        "Authorization": REDACTED,
        "set-cookie": REDACTED,
        "X-Api-Key": REDACTED,
        "Referer": f"https://h/?token={REDACTED}",
        "Access-Control-Allow-Credentials": "true",
        "X-Note": f"see {REDACTED}",
        "Content-Type": "text/html; charset=utf-8",
    }


def test_cookies_are_redacted_by_name_and_by_how_random_they_look() -> None:
    assert redact_named("session", "1") == REDACTED
    assert redact_named("_x", HEX40) == REDACTED
    assert redact_named("author", "Ann") == "Ann"
    assert redact_named("prefs", '{"theme":"dark","authToken":"abc"}') == f'{{"theme":"dark","authToken":"{REDACTED}"}}'


def test_bodies_are_redacted_as_their_type_is_written() -> None:
    body = {"user": "ann", "password": "p", "nested": [{"tokens": ["a", "b"], "pin": 1, "otp": None}], "max_tokens": 5}
    assert json.loads(redact_body(json.dumps(body), "application/json; charset=utf-8")) == {
        "user": "ann",
        "password": REDACTED,
        "nested": [{"tokens": REDACTED, "pin": REDACTED, "otp": None}],
        "max_tokens": 5,
    }
    assert redact_body("a=1&password=p%26q", "application/x-www-form-urlencoded") == f"a=1&password={REDACTED}"
    assert redact_body('{"password": "hunter2", "a": [', "application/json") == f'{{"password": "{REDACTED}", "a": ['
    assert redact_body("password=p", "text/plain") == f"password={REDACTED}"


def test_a_part_of_a_form_with_files_is_redacted_by_its_fields_name() -> None:
    form = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    text = form.format("password", "hunter2") + form.format("author", "Ann") + "--b--\r\n"
    redacted = redact_body(text, "multipart/form-data; boundary=b")
    assert redacted == text.replace("hunter2", REDACTED)


def read_every_way(text: str) -> None:
    for mime_type in ("", "application/json", "multipart/form-data", "application/x-www-form-urlencoded"):
        redact_body(text, mime_type)
    redact_url(text)
    redact_url("https://h/" + text)
    redact_named(text, text)


# Reading such a text once for every place where a pattern could begin would outlast the tests' patience by hours.
@pytest.mark.parametrize("unit", ["eyJ", "Aa", "password:", "1 ", "@/"])
def test_a_hostile_text_is_read_once(unit: str) -> None:
    read_every_way(unit * (30_000 // len(unit)))


@pytest.mark.long
@pytest.mark.parametrize(
    "unit",
    [
        *[
            "eyJ",
            "eyJaaaaaaaa.",
            "a",
            "A",
            "Aa",
            "1 ",
            "4",
            "-----BEGIN PRIVATE KEY-----",
            "password",
            "password:",
            "'",
        ],
        *[
            "token=",
            "http://",
            "@",
            "@/",
            "/",
            ";",
            "&",
            "=",
            '"',
            "\\",
            '"\\',
            "bearer ",
            " ",
            "\n",
            "a.",
            "a-",
            "[",
            "{",
        ],
        *["{'a':", "#", "ck_", "xox", "password=<", "cookie:", "name=", "\n--", "blob:", "view-source:", "%", "reset/"],
    ],
)
def test_a_large_hostile_text_is_read_once(unit: str) -> None:
    read_every_way(unit * (300_000 // len(unit)))


def test_json_too_deep_for_the_stack_is_read_as_text() -> None:
    deep = "[" * 100_000 + '{"password":"hunter2"}'
    assert "hunter2" not in redact_body(deep, "application/json")


pieces = st.sampled_from(
    [
        *["https:", "//", "x:", "blob:", "data:", "view-source:", "token", "password", "a", "=1", JWT, HEX40, "reset"],
        *["bearer ", "Authorization: ", "cookie", "4111111111111111", REDACTED, "é", "\ud800"],
        *"@:/?#&=;,.\"'\\<>[]{} \n…",
    ]
)
messy = st.text() | st.lists(pieces, max_size=14).map("".join)


@given(messy, st.integers(0, 60))
def test_an_address_redacted_twice_is_as_redacted_once(url: str, max_chars: int) -> None:
    once = redact_url(url, max_chars=max_chars)
    assert len(once) <= max(16, max_chars)
    assert redact_url(once, max_chars=max_chars) == once


@given(messy)
def test_a_text_redacted_twice_is_as_redacted_once(text: str) -> None:
    assert redact_text(redact_text(text)) == redact_text(text)


@given(messy, messy, st.sampled_from(["application/json", "multipart/form-data", "text/html", "", "a/b;"]))
def test_nothing_makes_it_raise(name: str, value: str, mime_type: str) -> None:
    redact_header(name, value)
    redact_named(name, value)
    redact_body(value, mime_type)
    redact_body(json.dumps({name: value}), mime_type)


planted = st.from_regex(r"[A-Za-z0-9_.~!$*-]{8,24}", fullmatch=True).map(lambda text: f"PLANTED{text}")
separators = st.sampled_from(["", " ", " \n "])


@given(st.sampled_from([name for name in SECRET_NAMES if name != "user[password]"]), planted, st.text(max_size=8))
def test_what_is_under_a_secrets_name_never_shows(name: str, secret: str, around: str) -> None:
    clean = "".join(character for character in around if character.isalnum())
    shown = [
        redact_url(f"https://h/?{clean}=1&{name}={secret}&x={clean}"),
        redact_header(name, secret),
        redact_named(name, secret),
        redact_body(json.dumps({clean: [{name: {"value": secret}}]}), "application/json"),
        redact_body(f"{clean}=1&{name}={secret}", "application/x-www-form-urlencoded"),
        redact_text(f"{clean} {name}={secret} {clean}"),
        redact_text(f"{clean} {name}: '{secret}' {clean}"),
        redact_text(json.dumps({clean: 1, name: secret})[:-1]),
    ]
    assert not [text for text in shown if "PLANTED" in text]


@given(
    st.sampled_from(["author", "authority", "tokenizer", "secretary"]), st.from_regex(r"[a-z]{1,12}", fullmatch=True)
)
def test_innocent_pairs_are_untouched(name: str, value: str) -> None:
    for text in (f"{name}={value}", f"{name}: {value}", f'{{"{name}": "{value}"}}'):
        assert redact_text(text) == text
    assert redact_url(f"https://h/?{name}={value}") == f"https://h/?{name}={value}"
    assert redact_named(name, value) == value


def test_of_an_address_of_megabytes_only_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    segment = urls._segment
    monkeypatch.setattr(urls, "_segment", lambda text, **how: read.append(text) or segment(text, **how))
    shown = redact_url("https://site.test/?token=secret&" + "/aa" * 1_000_000)
    assert shown.startswith(f"https://site.test/?token={REDACTED}&")
    assert shown.endswith("…")
    redact_url("https://site.test" + "/aa" * 1_000_000)
    assert sum(map(len, read)) < 10_000
