"""Requests that no honest client would send, to a real daemon: each gets a clear refusal, and the daemon goes on."""

import json
from typing import Any

import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.raw_http import RawAnswer, exchange, head

MIB = 1 << 20


async def post(daemon: DaemonProcess, body: bytes, *fields: str, content_type: str = "application/json") -> RawAnswer:
    """Send `body` as it is to `POST /v1/sessions`."""
    lines = (f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *fields)
    return await exchange(daemon.base_url, request_head(daemon, "POST", "/v1/sessions", *lines) + body)


def request_head(daemon: DaemonProcess, method: str, target: str, *fields: str) -> bytes:
    return head(method, target, "Host: localhost", f"Authorization: Bearer {daemon.key}", "Connection: close", *fields)


async def assert_unharmed(daemon: DaemonProcess) -> None:
    assert (await daemon.request("GET", "/readyz")).status == 200
    listed = await daemon.request("GET", "/v1/sessions?status=pending")
    assert listed.json["sessions"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"labels": {"a": "b"}',
        b"\xff\xfe{}",
        b"[]",
        b'"text"',
        b"null-",
        b'{"lifetime_s": NaN}',
        b'{"budget": {"cpu_cores": Infinity}}',
        b'{"budget": {"cpu_cores": 1e999}}',
        b'{"budget": {"cpu_cores": -Infinity}}',
        b'{"labels": {"a": "1", "a": "2"}}',
        rb'{"user_agent": "\ud800"}',
        b'{"labels": ' * 40 + b"{}" + b"}" * 40,
        b"[" * 200_000,
        b'{"labels": [' + b"1," * 20_000 + b"1]}",
        b'{"lifetime_s": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
async def test_a_body_that_is_no_sound_json_is_a_400(stub_daemon: DaemonProcess, body: bytes) -> None:
    answer = await post(stub_daemon, body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert answer.headers["content-type"] == "application/problem+json"
    await assert_unharmed(stub_daemon)


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        ({"colour": "blue"}, "colour"),
        ({"budget": {"gold": 1}}, "budget.gold"),
        ({"egress": {"allow_everything": True}}, "egress.allow_everything"),
        ({"engine": "firefox"}, "engine"),
        ({"engine": 1}, "engine"),
        ({"lifetime_s": "60"}, "lifetime_s"),
        ({"lifetime_s": 60.5}, "lifetime_s"),
        ({"lifetime_s": True}, "lifetime_s"),
        ({"lifetime_s": 0}, "lifetime_s"),
        ({"idle_timeout_s": -1}, "idle_timeout_s"),
        ({"idle_timeout_s": 1 << 70}, "idle_timeout_s"),
        ({"labels": {"bad name!": "x"}}, "labels"),
        ({"labels": {"a": "x" * 300}}, "labels"),
        ({"labels": {"a": "line\nbreak"}}, "labels"),
        ({"labels": {f"n{number}": "x" for number in range(40)}}, "labels"),
        ({"viewport": {"width": 1e30, "height": 10}}, "viewport.width"),
        ({"viewport": {"width": 0}}, "viewport.width"),
        ({"viewport": {"device_scale_factor": 100}}, "viewport.device_scale_factor"),
        ({"start_url": "file:///etc/passwd"}, "start_url"),
        ({"start_url": "chrome://settings"}, "start_url"),
        ({"start_url": "--no-sandbox"}, "start_url"),
        ({"start_url": "http://user:pass@site.test/"}, "start_url"),
        ({"start_url": "https://"}, "start_url"),
        ({"start_url": "http://site.test/ --no-sandbox"}, "start_url"),
        ({"locale": "en --no-sandbox"}, "locale"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"user_agent": "a\r\nX: y"}, "user_agent"),
        ({"budget": {"memory_bytes": 1}}, "budget.memory_bytes"),
        ({"budget": {"processes": 1}}, "budget.processes"),
        ({"budget": {"cpu_cores": 0}}, "budget.cpu_cores"),
        ({"egress": {"allow_hosts": [1]}}, "egress.allow_hosts"),
        ({"egress": {"allow_hosts": ["*.*"]}}, "egress.allow_hosts"),
        ({"egress": {"private_hosts": ["10.0.0.0/8"]}}, "egress.private_hosts"),
        ({"egress": {"upstream": "ftp://proxy.test"}}, "egress.upstream"),
    ],
    ids=str,
)
async def test_a_value_that_makes_no_sense_is_a_400_that_names_it(
    stub_daemon: DaemonProcess, body: dict[str, Any], culprit: str
) -> None:
    answer = await stub_daemon.request("POST", "/v1/sessions", body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    named = [answer.json.get("field", ""), *(each["field"] for each in answer.json.get("errors", []))]
    assert any(name == culprit or name.startswith(f"{culprit}.") for name in named), named


async def test_a_body_above_one_mebibyte_is_a_413_whether_it_says_its_length_or_not(stub_daemon: DaemonProcess) -> None:
    big = b'{"user_agent": "' + b"x" * MIB + b'"}'
    assert (await post(stub_daemon, big)).status == 413
    lines = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    chunked = request_head(stub_daemon, "POST", "/v1/sessions", *lines) + chunk * 20 + b"0\r\n\r\n"
    answer = await exchange(stub_daemon.base_url, chunked)
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    await assert_unharmed(stub_daemon)


async def test_a_length_that_is_announced_and_too_large_is_refused_before_the_body(stub_daemon: DaemonProcess) -> None:
    lines = ("Content-Type: application/json", f"Content-Length: {1 << 40}")
    answer = await exchange(stub_daemon.base_url, request_head(stub_daemon, "POST", "/v1/sessions", *lines))
    assert answer.status == 413


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
)
async def test_a_body_of_another_type_is_a_400(stub_daemon: DaemonProcess, content_type: str) -> None:
    answer = await post(stub_daemon, b"{}", content_type=content_type)
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "fields",
    [
        ("X-Long: " + "a" * 20_000,),
        tuple(f"X-{number}: a" for number in range(200)),
        ("X-Bad: a\x00b",),
        ("Bad Name: a",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -1",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
    ],
    ids=lambda fields: fields[0][:20],
)
async def test_a_head_that_is_too_large_or_broken_is_refused(
    stub_daemon: DaemonProcess, fields: tuple[str, ...]
) -> None:
    answer = await exchange(stub_daemon.base_url, request_head(stub_daemon, "POST", "/v1/sessions", *fields))
    assert answer.status == 400
    await assert_unharmed(stub_daemon)


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\x00" * 100, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
async def test_what_is_not_http_at_all_is_refused(stub_daemon: DaemonProcess, data: bytes) -> None:
    assert (await exchange(stub_daemon.base_url, data)).status in (0, 400)
    await assert_unharmed(stub_daemon)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/sessions/../keys",
        "/v1/sessions/%2e%2e/keys",
        "/v1/sessions/..%2fkeys",
        "/v1//sessions",
        "//v1/sessions",
        "/v1/sessions/",
        "/v1/sessions;x=y",
        "/v1/sessions%00",
        "/V1/SESSIONS",
        "/static/../../etc/passwd",
        "/v1/sessions/" + "a" * 8_000,
        "/%ff%fe",
        "/docs/../v1/keys",
    ],
    ids=lambda target: target[:30],
)
async def test_a_path_that_plays_tricks_reaches_nothing(stub_daemon: DaemonProcess, target: str) -> None:
    answer = await exchange(stub_daemon.base_url, request_head(stub_daemon, "GET", target))
    assert answer.status in (400, 404)
    assert answer.json["code"] in ("invalid_request", "not_found")


@pytest.mark.parametrize(
    "id_", ["x", "ses_", "ses_01", "key_01HZZZZZZZZZZZZZZZZZZZZZZZ", "ses_01HZZZZZZZZZZZZZZZZZZZZZZI", "ses_%00", "é"]
)
async def test_an_id_of_the_wrong_form_is_a_400(stub_daemon: DaemonProcess, id_: str) -> None:
    target = f"/v1/sessions/{id_}".encode().decode("latin-1") if id_.isascii() else "/v1/sessions/%C3%A9"
    answer = await exchange(stub_daemon.base_url, request_head(stub_daemon, "GET", target))
    assert (answer.status, answer.json["field"]) == (400, "id")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=x",
        "status=asleep",
        "label=",
        "label=a",
        "label=:b",
        "cursor=" + "c" * 300,
    ],
)
async def test_a_query_outside_the_limits_is_a_400(stub_daemon: DaemonProcess, query: str) -> None:
    answer = await stub_daemon.request("GET", f"/v1/sessions?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")


async def test_a_method_that_a_path_does_not_have_is_a_405(stub_daemon: DaemonProcess) -> None:
    answer = await stub_daemon.request("PATCH", "/v1/sessions", {})
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]


async def test_no_answer_tells_a_path_a_class_or_a_traceback(stub_daemon: DaemonProcess) -> None:
    texts = []
    for body in (b"{", b'{"a":1}', json.dumps({"start_url": "x"}).encode()):
        texts.append((await post(stub_daemon, body)).body)
    texts.append((await stub_daemon.request("GET", "/v1/sessions/zzz")).body)
    for text in texts:
        assert b"Traceback" not in text
        assert b"cloche." not in text
        assert str(stub_daemon.directory).encode() not in text
