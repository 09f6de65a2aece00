"""Request and response heads at the door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.devtools_door.head import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    Endpoint,
    agent_opening,
    agent_request,
    chromium_request,
    content_length,
    parse_answer,
    parse_upgrade,
)
from cloche.errors import AgentError, InvalidError, NotFoundError
from cloche.wire.http_head import parse_head
from cloche.wire.websocket import accept_value

ID = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"
BROWSER_PATH = "/devtools/browser/aaaa-bbbb"
FIELDS = (
    "Host: 127.0.0.1:8090",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
)


def head(
    target: str = f"/v1/sessions/{ID}/cdp?token=t", *fields: str, method: str = "GET", version: str = "1.1"
) -> bytes:
    lines = [f"{method} {target} HTTP/{version}", *(fields or FIELDS)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def without(name: str, *more: str) -> tuple[str, ...]:
    return tuple(field for field in FIELDS if not field.lower().startswith(name)) + more


@pytest.mark.parametrize(
    ("path", "endpoint", "target"),
    [
        ("cdp", Endpoint.BROWSER, BROWSER_PATH),
        ("cdp/", Endpoint.BROWSER, BROWSER_PATH),
        ("devtools/browser/whatever-1", Endpoint.BROWSER, BROWSER_PATH),
        ("devtools/page/ABC123", Endpoint.PAGE, "/devtools/page/ABC123"),
    ],
)
def test_each_path_of_the_door_leads_to_chromiums(path: str, endpoint: Endpoint, target: str) -> None:
    upgrade = parse_upgrade(head(f"/v1/sessions/{ID}/{path}?token=abc&x=1"))
    assert (upgrade.session_id, upgrade.endpoint, upgrade.token) == (ID, endpoint, "abc")
    assert chromium_request(upgrade, BROWSER_PATH).startswith(f"GET {target} HTTP/1.1\r\n".encode())


PROCESS = "0123abcd-0000-4000-8000-00000000000f"


def test_a_process_has_a_door_of_its_own_and_no_token_opens_it() -> None:
    upgrade = parse_upgrade(head(f"/v1/sessions/{ID}/process/{PROCESS}/attach?token=t"))
    assert (upgrade.endpoint, upgrade.target_id, upgrade.token) == (Endpoint.PROCESS, PROCESS, None)


def test_the_agent_gets_the_key_and_nothing_else_and_the_client_gets_our_answer() -> None:
    fields = (*FIELDS, "Sec-WebSocket-Protocol: tty", "Cookie: a=b", "Sec-WebSocket-X: y")
    upgrade = parse_upgrade(head(f"/v1/sessions/{ID}/process/{PROCESS}/attach", *fields))
    sent = parse_head(agent_request(upgrade))
    assert sent is not None
    assert (sent.path, sent.fields["sec-websocket-key"]) == (f"/process/{PROCESS}/attach", "AAAAAAAAAAAAAAAAAAAAAA==")
    assert set(sent.fields) == {"host", "connection", "upgrade", "sec-websocket-version", "sec-websocket-key"}
    status, answer = parse_answer(agent_opening(upgrade))
    assert (status, answer.one("sec-websocket-accept")) == (101, accept_value("AAAAAAAAAAAAAAAAAAAAAA=="))


@pytest.mark.parametrize(
    "rest",
    ["process/x/attach", f"process/{PROCESS}", f"process/{PROCESS.upper()}/attach", f"process/{PROCESS}/attach/x"],
)
def test_no_other_path_of_a_process_is_the_doors(rest: str) -> None:
    with pytest.raises(NotFoundError):
        parse_upgrade(head(f"/v1/sessions/{ID}/{rest}"))


def test_only_the_handshakes_own_fields_go_on() -> None:
    secrets = ("Authorization: Bearer ck_x", "X-API-Key: ck_x", "Cookie: c", "Origin: http://a", "Forwarded: for=b")
    upgrade = parse_upgrade(head(f"/v1/sessions/{ID}/cdp", *FIELDS, *secrets))
    assert chromium_request(upgrade, BROWSER_PATH) == (
        b"GET /devtools/browser/aaaa-bbbb HTTP/1.1\r\nHost: 127.0.0.1:9222\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/sessions",
        f"/v1/sessions/{ID}",
        f"/v1/sessions/{ID}/live",
        f"/v1/sessions/{ID}/cdp/more",
        f"/v1/sessions/{ID}/devtools/worker/A",
        f"/v1/sessions/{ID}/devtools/page/",
        f"/v1/sessions/{ID}/devtools/page/../browser",
        f"/v1/sessions/{ID}/devtools/page/A%0d%0aX",
        f"//v1/sessions/{ID}/cdp",
        "/v1/sessions/a/b/cdp",
    ],
)
def test_another_path_is_not_the_doors(path: str) -> None:
    with pytest.raises(NotFoundError):
        parse_upgrade(head(path))


@pytest.mark.parametrize(
    "data",
    {
        "a malformed id": head("/v1/sessions/ses_x/cdp"),
        "not GET": head(method="POST"),
        "HTTP/1.0": head(version="1.0"),
        "no upgrade": head("/v1/sessions/x/cdp", *without("upgrade")),
        "another protocol": head(f"/v1/sessions/{ID}/cdp", *without("upgrade", "Upgrade: h2c")),
        "upgrade twice": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "Upgrade: websocket"),
        "no connection": head(f"/v1/sessions/{ID}/cdp", *without("connection", "Connection: close")),
        "another version": head(
            f"/v1/sessions/{ID}/cdp", *without("sec-websocket-version", "Sec-WebSocket-Version: 8")
        ),
        "no key": head(f"/v1/sessions/{ID}/cdp", *without("sec-websocket-key")),
        "a short key": head(f"/v1/sessions/{ID}/cdp", *without("sec-websocket-key", "Sec-WebSocket-Key: AAAA")),
        "a key that is not base64": head(
            f"/v1/sessions/{ID}/cdp", *without("sec-websocket-key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=!")
        ),
        "a body": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "Content-Length: 4"),
        "chunks": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "Transfer-Encoding: chunked"),
        "a folded field": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "X-A: b", " c"),
        "a space before the colon": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "X-A : b"),
        "a bare line feed": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "X-A: b\nX-B: c"),
        "a control character": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "X-A: b\x00"),
        "no end": head()[:-2],
        "too many fields": head(f"/v1/sessions/{ID}/cdp", *FIELDS, *["X-A: b"] * MAX_FIELDS),
        "too large": head(f"/v1/sessions/{ID}/cdp", *FIELDS, "X-A: " + "b" * MAX_HEAD_BYTES),
        "too many queries": head(f"/v1/sessions/{ID}/cdp?" + "a=1&" * 50),
        "an address that is none": head("http://[x/v1"),
        "nothing": b"",
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_not_a_proper_upgrade_is_refused(data: tuple[str, bytes]) -> None:
    with pytest.raises(InvalidError):
        parse_upgrade(data[1])


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for whole in (data, head().replace(b"token", data), head()[:40] + data + head()[40:]):
        try:
            upgrade = parse_upgrade(whole)
        except (InvalidError, NotFoundError):
            continue
        request = chromium_request(upgrade, BROWSER_PATH)
        assert request.count(b"\r\n\r\n") == 1 and request.endswith(b"\r\n\r\n")
        assert request.lower().count(b"\r\nhost:") == 1


def test_an_answers_status_and_fields_are_read() -> None:
    status, fields = parse_answer(b"HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n\r\n")
    assert status == 101 and fields.one("upgrade") == "WebSocket" and fields.one("x") is None


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 99 X\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad\r\n\r\n"]
)
def test_an_answer_that_is_none_is_the_browsers_fault(data: bytes) -> None:
    with pytest.raises(AgentError):
        parse_answer(data)


@pytest.mark.parametrize(
    "fields", [b"", b"Content-Length: -1\r\n", b"Content-Length: 11\r\n", b"Content-Length: 1\r\n" * 2]
)
def test_a_body_must_say_a_length_within_the_limit(fields: bytes) -> None:
    _, parsed = parse_answer(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
    with pytest.raises(AgentError):
        content_length(parsed, 10)


def test_a_length_up_to_the_limit_is_taken() -> None:
    _, parsed = parse_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    assert content_length(parsed, 10) == 10
