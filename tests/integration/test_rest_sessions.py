"""Sessions over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import structlog

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import CapacityError, NoRoomError, QuotaError, StartError
from cloche.ids import SessionId, new_session_id
from cloche.sessions.model import EndReason
from cloche.testing.api import RunningApi, running_api

FIELDS = {
    *("id", "status", "reason", "owner", "created_at", "expires_at", "connect_url", "live_url", "engine", "browser"),
    *("viewport", "budget", "egress", "labels", "action_allowed_domains", "machine", "usage"),
    *("profile", "private", "downloads", "live", "standby", "started", "pool", "queue_position"),
}


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def test_a_session_is_made_with_links_to_the_host_that_was_asked(api: RunningApi) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions", json={"labels": {"team": "blue"}, "viewport": {"width": 900}})
    session = answer.json()
    assert answer.status_code == 201 and set(session) == FIELDS
    assert answer.headers["location"] == f"/v1/sessions/{session['id']}"
    assert session["connect_url"].startswith(f"ws://127.0.0.1:{api.port}/v1/sessions/{session['id']}/cdp?token=")
    assert session["live_url"].startswith(f"http://127.0.0.1:{api.port}/v1/sessions/{session['id']}/live?token=")
    assert (session["status"], session["owner"], session["labels"]) == ("ready", "alice", {"team": "blue"})
    assert session["viewport"] == {"width": 900, "height": 800, "device_scale_factor": 1.0}
    assert session["browser"] == {"product": "Chrome/156.0.0.0", "revision": "@1"}
    assert datetime.fromisoformat(session["created_at"]).tzinfo is not None


@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_the_body_may_be_left_out(api: RunningApi, body: bytes) -> None:
    async with api.http(api.user_key) as client:
        headers = {"content-type": "application/json"} if body else {}
        assert (await client.post("/v1/sessions", content=body, headers=headers)).status_code == 201


async def test_without_waiting_the_answer_is_pending_at_once(api: RunningApi) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions?wait=false")
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["browser"]) == ("pending", None)
    assert answer.json()["connect_url"]


async def test_the_public_url_stands_in_links() -> None:
    async with running_api(public_url="https://cloche.example/b") as api:
        session = await api.session()
    assert session["connect_url"].startswith("wss://cloche.example/b/v1/sessions/")
    assert session["live_url"].startswith("https://cloche.example/b/v1/sessions/")


async def test_a_proxys_password_does_not_come_back(api: RunningApi) -> None:
    session = await api.session({"egress": {"upstream": "socks5://u:secret@proxy:1080"}})
    assert session["egress"]["upstream"] == "socks5://***@proxy:1080"


async def test_budgets_and_domains_of_the_browser_service_reach_the_session_and_come_back(api: RunningApi) -> None:
    asked = {"budget": {"actions": 5, "on_exhausted": "end"}, "action_allowed_domains": ["shop.example"]}
    session = await api.session(asked)
    request = api.manager.requests[-1]
    assert (request.budget.actions, request.budget.on_exhausted) == (5, "end")
    assert session["action_allowed_domains"] == ["shop.example"]
    assert session["budget"]["on_exhausted"] in ("refuse", "end") and session["usage"]["actions"] == 0


async def test_the_connect_url_stays_the_same(api: RunningApi) -> None:
    session = await api.session()
    async with api.http(api.user_key) as client:
        again = (await client.get(f"/v1/sessions/{session['id']}")).json()
    assert again["connect_url"] == session["connect_url"]


async def test_an_ended_session_has_a_reason_and_no_links(api: RunningApi) -> None:
    session = await api.session()
    async with api.http(api.user_key) as client:
        closed = await client.delete(f"/v1/sessions/{session['id']}")
        again = await client.delete(f"/v1/sessions/{session['id']}")
    assert closed.status_code == again.status_code == 200
    for answer in (closed.json(), again.json()):
        assert (answer["status"], answer["reason"]) == ("closed", "closed_by_user")
        assert answer["connect_url"] is None and answer["live_url"] is None


async def test_extending_moves_the_end(api: RunningApi) -> None:
    session = await api.session()
    async with api.http(api.user_key) as client:
        answer = await client.post(f"/v1/sessions/{session['id']}/extend", json={"lifetime_s": 86_400})
        assert answer.status_code == 200 and answer.json()["expires_at"] > session["expires_at"]
        await api.manager.end(SessionId(session["id"]), EndReason.LIFETIME_REACHED)
        gone = await client.post(f"/v1/sessions/{session['id']}/extend", json={"lifetime_s": 60})
    assert gone.status_code == 410
    assert (gone.json()["code"], gone.json()["reason"]) == ("session_gone", "lifetime_reached")


async def test_listing_filters_and_goes_page_by_page(api: RunningApi) -> None:
    blue = [(await api.session({"labels": {"team": "blue", "n": str(n)}}))["id"] for n in range(5)]
    red = (await api.session({"labels": {"team": "red"}}))["id"]
    async with api.http(api.user_key) as client:

        async def listed(query: str) -> dict[str, Any]:
            answer = await client.get(f"/v1/sessions?{query}")
            assert answer.status_code == 200, answer.text
            page: dict[str, Any] = answer.json()
            return page

        found: list[str] = []
        query = "label=team:blue&limit=2"
        while True:
            page = await listed(query)
            found += [session["id"] for session in page["sessions"]]
            if page["next_cursor"] is None:
                break
            query = f"label=team:blue&limit=2&cursor={page['next_cursor']}"
        assert found == blue[::-1]
        both = await listed("label=team:blue&label=n:3")
        assert [session["id"] for session in both["sessions"]] == [blue[3]]
        await api.manager.end(SessionId(red), EndReason.CLOSED_BY_USER)
        assert [session["id"] for session in (await listed("status=closed"))["sessions"]] == [red]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "status=nonsense",
        "label=x",
        "label=:x",
        "cursor=nonsense",
        "label=a:1&label=a:2",
    ],
)
async def test_a_listing_that_makes_no_sense_is_refused(api: RunningApi, query: str) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.get(f"/v1/sessions?{query}")
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (QuotaError("enough", retry_after_s=9), 429, "9"),
        (NoRoomError("full", retry_after_s=3, reason="sessions"), 503, "3"),
        (StartError("no browser", reason="browser_missing"), 502, None),
    ],
)
async def test_a_session_that_cannot_be_made_says_why(
    api: RunningApi, error: CapacityError, status: int, retry_after: str | None
) -> None:
    api.manager.create_error = error
    async with api.http(api.user_key) as client:
        answer = await client.post("/v1/sessions")
    assert answer.status_code == status and answer.json()["code"] == error.code
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_create_says_how_long_it_may_wait_and_a_full_server_where_it_stood(api: RunningApi) -> None:
    told = {"reason": "queue_timeout", "short_of": "memory", "position": 2, "queued": 5}
    async with api.http(api.user_key) as client:
        for asked, given in ({"queue_timeout_s": 2.5}, 2.5), ({"queue_timeout_s": 0}, 0.0), ({}, None):
            assert (await client.post("/v1/sessions", json=asked)).json()["queue_position"] is None
            assert api.manager.requests[-1].queue_timeout_s == given
        for wrong in (-1, 3601, "5"):
            assert (await client.post("/v1/sessions", json={"queue_timeout_s": wrong})).status_code == 400
        api.manager.create_error = NoRoomError("full", **told)  # type: ignore[arg-type]
        refused = (await client.post("/v1/sessions")).json()
    assert {name: refused[name] for name in told} == told


async def test_a_client_that_hangs_up_gives_up_what_it_waits_for(api: RunningApi) -> None:
    api.manager.may_create.clear()
    async with api.http(api.user_key) as client:
        asking = spawn(client.post("/v1/sessions"), name="asking")
        await asyncio.wait_for(api.manager.creating.wait(), 5)
        await cancel_and_wait(asking)
    await asyncio.wait_for(api.manager.create_given_up.wait(), 5)


async def test_what_no_one_foresaw_is_an_internal_error_that_tells_nothing(api: RunningApi) -> None:
    api.manager.create_error = RuntimeError("secret path /etc/cloche")
    async with api.http(api.user_key) as client:
        with structlog.testing.capture_logs() as logs:
            answer = await client.post("/v1/sessions")
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"][-1] == "request_failed"
        assert answer.status_code == 500 and answer.json()["code"] == "internal"
        assert "secret" not in answer.text and "RuntimeError" not in answer.text
        api.manager.create_error = None
        assert (await client.post("/v1/sessions")).status_code == 201


async def test_a_client_that_vanishes_while_its_session_is_made_leaves_it_listed(api: RunningApi) -> None:
    api.manager.may_create.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    head = f"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {api.user_key}\r\nContent-Length: 0\r\n\r\n"
    writer.write(head.encode())
    async with api.http(api.user_key) as client:

        async def statuses() -> list[str]:
            return [each["status"] for each in (await client.get("/v1/sessions")).json()["sessions"]]

        async with asyncio.timeout(5):
            while await statuses() != ["pending"]:
                pass
            writer.transport.abort()
            api.manager.may_create.set()
            while await statuses() != ["ready"]:
                pass


@pytest.mark.parametrize(
    "session_id", ["x", "ses_x", "key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ses_01arz3ndektsv4rrffq69g5fav"]
)
async def test_an_id_of_the_wrong_form_is_refused(api: RunningApi, session_id: str) -> None:
    async with api.http(api.user_key) as client:
        answer = await client.get(f"/v1/sessions/{session_id}")
    assert answer.status_code == 400 and answer.json()["field"] == "id"


async def test_an_unknown_id_is_not_found(api: RunningApi) -> None:
    async with api.http(api.admin_key) as client:
        answer = await client.get(f"/v1/sessions/{new_session_id()}")
    assert answer.status_code == 404 and answer.json()["code"] == "not_found"
