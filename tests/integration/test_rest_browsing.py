"""The browser service over real HTTP, with a browser in memory behind it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx2
import pytest
from pydantic import TypeAdapter

from cloche.api import limits
from cloche.api.relay import RelayActionRequest
from cloche.api.rest.browsing import OPERATIONS, encode
from cloche.api.rest.browsing_examples import EXAMPLES
from cloche.browser.contract.actions import ClickRequest, EvaluateRequest, SetFileInputRequest, TypeRequest
from cloche.browser.contract.common import BrowserRequest, BrowserResponse, Usage
from cloche.browser.contract.looking import (
    Box,
    ExportPdfRequest,
    ExportPdfResponse,
    GetTitleRequest,
    GetTitleResponse,
    ObserveRequest,
    ScreenshotRequest,
    ScreenshotResponse,
)
from cloche.browser.contract.state import SetStorageStateRequest
from cloche.browser.contract.tabs import OpenTabRequest, OpenTabResponse
from cloche.concurrency.tasks import spawn
from cloche.errors import BusyError, ConflictError, DeadlineError
from cloche.sessions.model import EndReason
from cloche.sessions.principal import Principal
from cloche.testing.api import RunningApi, running_api
from cloche.testing.browser import FakeSessionBrowser

PNG = b"\x89PNG\r\n\x1a\n\xff\xfe"


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


@pytest.fixture
async def path(api: RunningApi) -> str:
    return f"/v1/sessions/{await api.session_id()}"


@pytest.fixture
async def client(api: RunningApi) -> AsyncIterator[httpx2.AsyncClient]:
    async with api.http(api.user_key) as client:
        yield client


def last(api: RunningApi) -> BrowserRequest:
    return api.manager.session_browser.asked[-1][1]


async def test_every_row_of_the_table_has_a_route_that_asks_for_just_that(
    api: RunningApi, path: str, client: httpx2.AsyncClient
) -> None:
    for operation in OPERATIONS:
        if operation.request is RelayActionRequest:
            continue
        example = EXAMPLES[operation.name]
        assert isinstance(example.response, BrowserResponse)
        api.manager.session_browser.answers[operation.request] = example.response
        sent = {"params" if operation.verb == "GET" else "json": example.request}
        answer = await client.request(operation.verb, path + operation.path, **sent)
        assert answer.status_code == 200, (operation.name, answer.text)
        assert answer.json() == json.loads(encode(example.response)), operation.name
        assert answer.headers["content-type"] == "application/json"
        wanted = TypeAdapter(operation.request).validate_json(json.dumps(example.request))
        assert last(api) == wanted, operation.name
    askers = {principal.name for principal, _ in api.manager.session_browser.asked}
    assert askers == {"alice"}


async def test_nothing_sent_means_the_defaults(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    for operation in OPERATIONS:
        if operation.request is RelayActionRequest:
            continue
        answer = await client.request(operation.verb, path + operation.path)
        assert answer.status_code == 200, (operation.name, answer.text)
        assert last(api) == operation.request(), operation.name


async def test_nobody_but_the_owner_gets_to_the_browser(api: RunningApi, path: str) -> None:
    async with api.http() as nobody, api.http(api.other_key) as stranger, api.http(api.admin_key) as admin:
        for operation in OPERATIONS:
            body = None if operation.verb == "GET" else EXAMPLES[operation.name].request
            statuses = [
                (await each.request(operation.verb, path + operation.path, json=body)).status_code
                for each in (nobody, stranger)
            ]
            assert statuses == [401, 404], operation.name
        assert api.manager.session_browser.asked == []
        assert (await admin.get(path + "/title")).status_code == 200


async def test_who_asks_is_told_by_the_key_and_not_by_the_body(
    api: RunningApi, path: str, client: httpx2.AsyncClient
) -> None:
    answer = await client.post(path + "/click", json={"principal": "root", "selector": "a"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "principal")
    assert api.manager.session_browser.asked == []


async def test_a_session_that_has_ended_is_gone(api: RunningApi, client: httpx2.AsyncClient) -> None:
    session_id = await api.session_id()
    await api.manager.end(session_id, EndReason.CLOSED_BY_USER)
    answer = await client.post(f"/v1/sessions/{session_id}/click", json={"selector": "a"})
    assert (answer.status_code, answer.json()["code"]) == (410, "session_gone")
    malformed = await client.get("/v1/sessions/nonsense/title")
    assert (malformed.status_code, malformed.json()["code"]) == (400, "invalid_request")


async def test_what_concerns_the_session_is_a_problem(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    for error in (BusyError("too many"), ConflictError("stopped", reason="browser_stopped"), DeadlineError("late")):
        api.manager.session_browser.answers[ClickRequest] = error
        answer = await client.post(path + "/click", json={"selector": "a"})
        assert (answer.status_code, answer.json()["code"]) == (error.http_status, error.code)


async def test_what_fails_in_the_page_is_an_answer(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    failed = OpenTabResponse(
        success=False, error="policy_blocked", detail="no", rule="deny a.test", usage=Usage(actions=2, actions_left=0)
    )
    api.manager.session_browser.answers[OpenTabRequest] = failed
    answer = await client.post(path + "/tabs", json={"url": "https://a.test"})
    told = answer.json()
    assert answer.status_code == 200
    assert (told["success"], told["error"], told["rule"]) == (False, "policy_blocked", "deny a.test")
    assert (told["usage"]["actions"], told["usage"]["actions_left"]) == (2, 0)


BAD_BODIES: Final[list[tuple[str, str | None]]] = [
    ('{"selector": "a", "selektor": "b"}', "selektor"),
    ('{"selector": 7}', "selector"),
    ('{"click_count": "1"}', "click_count"),
    ('{"click_count": 4}', "click_count"),
    ('{"click_count": 1.5}', "click_count"),
    ('{"force": 1}', "force"),
    ('{"button": "side"}', "button"),
    ('{"modifiers": ["Hyper"]}', "modifiers.0"),
    ('{"position_x": 1e9}', "position_x"),
    ('{"timeout_ms": -1}', "timeout_ms"),
    ('{"selector": "%s"}' % ("a" * 4097), "selector"),
    ('{"position_x": NaN}', None),
    ('{"position_x": 1e999}', None),
    ('{"selector": "a", "selector": "b"}', None),
    ('{"selector": "\\ud800"}', None),
    ("[]", None),
    ("null", None),
    ('"a"', None),
    ("{", None),
    ("[" * 50_000, None),
]


async def test_a_body_that_is_not_to_the_letter_is_refused(
    api: RunningApi, path: str, client: httpx2.AsyncClient
) -> None:
    for body, field in BAD_BODIES:
        answer = await client.post(path + "/click", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), body[:100]
        if field is not None:
            error = answer.json()["errors"][0]
            assert (error["field"], error["in"]) == (field, "body"), body[:100]
    assert api.manager.session_browser.asked == []


async def test_a_body_is_json_by_its_type_too(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    for route in ("/click", "/evaluate"):
        answer = await client.post(path + route, content="{}", headers={"content-type": "text/plain"})
        assert answer.status_code == 400
    assert api.manager.session_browser.asked == []


BAD_QUERIES: Final = [
    ("nothing=1", "nothing"),
    ("quality=101", "quality"),
    ("quality=x", "quality"),
    ("scale=nan", "scale"),
    ("clip_x=inf", "clip.x"),
    ("clip=1", "clip"),
    ("full_page=maybe", "full_page"),
    ("format=gif", "format"),
    ("selector=a&selector=b", "selector"),
    ("tab_id=" + "x" * 65, "tab_id"),
    ("&".join(["mask=a"] * 33), "mask"),
]


async def test_a_query_that_is_not_understood_is_refused(
    api: RunningApi, path: str, client: httpx2.AsyncClient
) -> None:
    for query, name in BAD_QUERIES:
        answer = await client.get(f"{path}/screenshot?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), query
        error = answer.json()["errors"][0]
        assert (error["field"], error["in"]) == (name, "query"), query
    assert api.manager.session_browser.asked == []


async def test_a_query_may_hold_lists_and_a_box(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    query = "mask=a&mask=b&clip_x=1.5&clip_width=10&full_page=true&quality=7"
    assert (await client.get(f"{path}/screenshot?{query}")).status_code == 200
    assert last(api) == ScreenshotRequest(mask=["a", "b"], clip=Box(x=1.5, width=10.0), full_page=True, quality=7)


async def test_a_body_takes_the_place_of_a_query(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    answer = await client.post(path + "/click?selector=a")
    assert (answer.status_code, answer.json()["errors"][0]["in"]) == (400, "query")


async def test_a_picture_can_be_had_as_it_is(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    shot = ScreenshotResponse(image_bytes=PNG, mime_type="image/png", width=2, height=2)
    api.manager.session_browser.answers[ScreenshotRequest] = shot
    for accept in ("image/png", "image/*", "image/webp;q=0.5, image/png, */*;q=0.1", "IMAGE/PNG"):
        answer = await client.get(path + "/screenshot", headers={"accept": accept})
        assert (answer.status_code, answer.content) == (200, PNG), accept
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["vary"] == "accept"


async def test_a_picture_is_json_otherwise(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    shot = ScreenshotResponse(image_bytes=PNG, mime_type="image/png")
    api.manager.session_browser.answers[ScreenshotRequest] = shot
    for accept in ("*/*", "application/json", "image/png;q=0", "application/json, image/*;q=0.9", "application/pdf"):
        answer = await client.get(path + "/screenshot", headers={"accept": accept})
        assert base64.b64decode(answer.json()["image_bytes"], validate=True) == PNG, accept
        assert answer.headers["vary"] == "accept"


async def test_a_printed_page_is_a_file_to_keep(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    printed = ExportPdfResponse(pdf_bytes=b"%PDF-1.4", mime_type="application/pdf")
    api.manager.session_browser.answers[ExportPdfRequest] = printed
    answer = await client.get(path + "/pdf?landscape=true", headers={"accept": "application/pdf"})
    assert (answer.status_code, answer.content) == (200, b"%PDF-1.4")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert last(api) == ExportPdfRequest(landscape=True)


async def test_where_there_are_no_bytes_the_answer_says_why(
    api: RunningApi, path: str, client: httpx2.AsyncClient
) -> None:
    failed = ScreenshotResponse(success=False, error="output_too_large", detail="9 MB")
    api.manager.session_browser.answers[ScreenshotRequest] = failed
    raw = await client.get(path + "/screenshot", headers={"accept": "image/png"})
    plain = await client.get(path + "/screenshot")
    assert (raw.status_code, raw.json()["error"]) == (422, "output_too_large")
    assert raw.headers["content-type"] == "application/json"
    assert (plain.status_code, plain.json()["error"]) == (200, "output_too_large")


async def test_what_is_no_picture_is_not_called_one(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    shot = ScreenshotResponse(image_bytes=b"<script>", mime_type="text/html")
    api.manager.session_browser.answers[ScreenshotRequest] = shot
    answer = await client.get(path + "/screenshot", headers={"accept": "image/png"})
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_a_file_of_eight_megabytes_fits_where_files_go_and_nowhere_else(
    api: RunningApi, path: str, client: httpx2.AsyncClient
) -> None:
    file = bytes(range(256)) * (8 << 12)
    body = {"selector": "#f", "file_name": "a.bin", "file_bytes": base64.b64encode(file).decode()}
    assert (await client.post(path + "/upload", json=body)).status_code == 200
    asked = last(api)
    assert isinstance(asked, SetFileInputRequest)
    assert asked.file_bytes == file
    small = await client.post(path + "/click", json={"selector": "a" * limits.MAX_BODY_BYTES})
    assert small.status_code == 413


async def test_a_large_body_has_an_end_whether_it_is_announced_or_not(
    api: RunningApi, path: str, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_LARGE_BODY_BYTES", 1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    for content in (pieces(), b" " * 1001):
        answer = await client.post(path + "/evaluate", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_large_body_is_read_only_for_who_has_a_key(api: RunningApi, path: str) -> None:
    async with api.http() as nobody:
        answer = await nobody.post(path + "/upload", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 401


LARGE: Final[list[tuple[str, type[BrowserRequest], dict[str, Any]]]] = [
    ("/evaluate", EvaluateRequest, {"expression": "1" * (1 << 20)}),
    (
        "/storage_state",
        SetStorageStateRequest,
        {"storage_state": {"cookies": [{"name": "a", "value": "b" * 8192}] * 300}},
    ),
]


async def test_what_may_be_large_may_be_large(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    for route, kind, body in LARGE:
        assert (await client.post(path + route, json=body)).status_code == 200
        assert last(api) == TypeAdapter(kind).validate_json(json.dumps(body))
        wrong = await client.post(path + route, json=body | {"none": "x"})
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "none")


async def test_bytes_are_base64(path: str, client: httpx2.AsyncClient) -> None:
    for file_bytes in ("a b", "ä", "=", "a"):
        answer = await client.post(path + "/upload", json={"file_bytes": file_bytes})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file_bytes")


async def test_half_a_character_of_a_page_does_not_break_the_answer(
    api: RunningApi, path: str, client: httpx2.AsyncClient
) -> None:
    api.manager.session_browser.answers[GetTitleRequest] = GetTitleResponse(title="a\ud800b", page_url="x")
    told = (await client.get(path + "/title")).json()
    assert (told["title"], told["page_url"], told["success"]) == ("a?b", "x", True)


class WaitingBrowser(FakeSessionBrowser):
    """Never comes to an end."""

    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()
        self.given_up = asyncio.Event()

    async def perform(self, principal: Principal, request: BrowserRequest) -> BrowserResponse:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()
        raise AssertionError("nothing ends the wait but being cancelled")


async def test_who_hangs_up_ends_the_action(api: RunningApi, path: str) -> None:
    for verb, route in (("POST", "/click"), ("GET", "/observe"), ("POST", "/evaluate")):
        browser = api.manager.session_browser = WaitingBrowser()
        async with api.http(api.user_key) as client:
            asking = spawn(client.request(verb, path + route, json={} if verb == "POST" else None), name="ask")
            async with asyncio.timeout(5):
                await browser.began.wait()
                asking.cancel()
                await browser.given_up.wait()
            await asyncio.wait([asking])


async def test_an_extension_reaches_three_use_cases(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    opened = await client.post(path + "/relay", json=EXAMPLES["relay"].request)
    assert (opened.status_code, opened.json()["action"], opened.json()["success"]) == (200, "open_tab", True)
    assert isinstance(last(api), OpenTabRequest)
    looked = await client.post(path + "/relay", json={"extension_id": "x", "action": "send_page_snapshot"})
    assert looked.json()["snapshot"] is not None
    assert last(api) == ObserveRequest(
        include_accessibility_tree=True,
        max_accessibility_tree_bytes=32_768,
        max_dom_snapshot_bytes=32_768,
        max_visible_text_bytes=32_768,
    )
    for body in (
        {"extension_id": "x", "action": "close_tab"},
        {"extension_id": "x y", "action": "open_tab"},
        {"extension_id": "x"},
        {"extension_id": "x", "action": "open_tab", "max_payload_bytes": 32_769},
        {"extension_id": "x", "action": "open_tab", "page_snapshot": {}},
    ):
        assert (await client.post(path + "/relay", json=body)).status_code == 400, body


async def test_the_metrics_count_by_route(api: RunningApi, path: str, client: httpx2.AsyncClient) -> None:
    await client.post(path + "/type", json={"selector": "a", "text": "b"})
    assert last(api) == TypeRequest(selector="a", text="b")
    async with api.http(api.admin_key) as admin:
        figures = (await admin.get("/metrics")).text
    assert (
        'cloche_http_requests_total{method="POST",route="/v1/sessions/{session_id}/type",status="200"} 1.0' in figures
    )
