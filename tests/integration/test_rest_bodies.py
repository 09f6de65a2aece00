"""Bodies and heads as strangers send them."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from cloche.api import http_protocol, limits
from cloche.api.limits import MAX_BODY_BYTES
from cloche.testing.api import RunningApi, running_api


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


BAD = {
    "malformed": b'{"labels":',
    "nan": b'{"viewport":{"device_scale_factor":NaN}}',
    "not an object": b"[]",
    "a string": b'"x"',
    "null field": b'{"labels":null}',
    "unknown field": b'{"enginee":"shell"}',
    "wrong type": b'{"lifetime_s":"60"}',
    "deep": b'{"labels":' + b"[" * 2000 + b"]" * 2000 + b"}",
    "wide": b'{"labels":{' + b",".join(b'"a%d":"b"' % number for number in range(20_000)) + b"}}",
    "not utf-8": b'{"user_agent":"\xff"}',
    "half a surrogate pair": b'{"user_agent":"\\ud800"}',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
async def test_a_bad_body_is_a_400_problem(api: RunningApi, body: bytes) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert not api.manager.requests


async def test_a_problem_names_the_field_and_does_not_repeat_its_value(api: RunningApi) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions", json={"viewport": {"width": "hunter2"}, "labels": {"a": 1}})
    problem = answer.json()
    assert problem["field"] == "viewport.width" and len(problem["errors"]) == 2
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_of_a_type_that_any_page_may_send_is_refused(api: RunningApi, media_type: str) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions", content=b"{}", headers={"content-type": media_type})
    assert answer.status_code == 400 and not api.manager.requests


async def test_a_huge_body_is_refused_by_its_length_alone(api: RunningApi) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = f"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {api.user_key}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert answer.startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_a_huge_body_without_a_length_is_refused_when_it_has_grown_too_large(api: RunningApi) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 64 * 1024

    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions", content=chunks(), headers={"content-type": "application/json"})
    assert answer.status_code == 413 and answer.json()["code"] == "too_large"


async def test_a_body_up_to_the_limit_is_read(api: RunningApi) -> None:
    body = json.dumps({"labels": {"a": "b"}}).encode().ljust(MAX_BODY_BYTES)
    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "head",
    [
        "GET /" + "a" * 20_000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + "a" * 20_000 + "\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + "X-A: b\r\n" * 100 + "\r\n",
        "nonsense\r\n\r\n",
    ],
    ids=["long target", "long field", "many fields", "not http"],
)
async def test_a_head_beyond_the_limits_ends_the_connection(api: RunningApi, head: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head.encode())
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionResetError:
        answer = b""  # what was not read resets the connection, and the answer with it
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionResetError:
        return


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: local", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nG"]
)
async def test_a_head_that_never_ends_does_not_hold_its_connection(
    api: RunningApi, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(sent)
    await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_never_ends_is_not_waited_for(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_TIMEOUT_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert answer.startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()


async def test_a_path_that_is_not_there_and_a_method_that_is_not_are_problems(api: RunningApi) -> None:
    async with api.http(api.user_key) as client:
        nowhere = await client.get("/v1/nothing")
        wrong = await client.put("/v1/sessions", json={})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert set(wrong.headers["allow"].split(", ")) & {"GET", "POST"}


async def test_every_answer_forbids_caches_sniffing_and_referrers(api: RunningApi) -> None:
    async with api.http(api.user_key) as client:
        for path in ("/healthz", "/v1/sessions", "/v1/nothing", "/openapi.json", "/docs"):
            headers = (await client.get(path)).headers
            assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "no-referrer"
            assert headers["x-content-type-options"] == "nosniff" and headers["x-request-id"]
            assert "server" not in headers
