"""The RPCs about sessions, and Health."""

from datetime import timedelta
from typing import Any

import pytest

from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.sessions import session_request
from cloche.browser.contract.state import GetPermissionsRequest, GetPermissionsResponse, Permissions
from cloche.browser.contract.tabs import BrowserTab, ListTabsRequest, ListTabsResponse
from cloche.errors import ConflictError, InvalidError, QuotaError
from cloche.sandbox.spec import Engine
from cloche.sessions.model import Downloads, Viewport
from cloche.testing.grpc import RunningGrpc

BUDGET = pb.SessionBudget(
    max_navigation_timeout_ms=9000,
    max_session_lifetime_ms=90_001,
    max_screenshot_bytes=1 << 20,
    max_actions_per_session=12,
    max_actions_per_window=3,
    action_rate_window_ms=2000,
    max_type_input_bytes=100,
    max_tabs_per_session=2,
    max_memory_bytes=1 << 29,
    max_cpu_cores=1.5,
    on_exhausted="end",
)


async def test_health_counts_the_sessions_that_the_caller_sees(door: RunningGrpc) -> None:
    async with (
        door.client(door.api.user_key) as alice,
        door.client(door.api.other_key) as mallory,
        door.client(door.api.admin_key) as root,
    ):
        await alice.session()
        ended = await alice.session()
        await mallory.session()
        await alice.call("CloseSession", pb.CloseSessionRequest(session_id=ended))
        door.api.clock.offset = timedelta(seconds=90)
        healths = [await client.call("Health") for client in (alice, mallory, root)]
    assert [health.active_sessions for health in healths] == [1, 1, 2]
    assert all(health.status == "ok" and 90 <= health.uptime_seconds < 100 for health in healths)


def test_what_a_create_request_asks_is_what_the_manager_is_asked() -> None:
    request = session_request(
        pb.CreateSessionRequest(
            idle_ttl_ms=1500,
            budget=BUDGET,
            action_allowed_domains=["a.test"],
            private_hosts=["127.0.0.1:8000"],
            allow_private_targets=True,
            allow_hosts=["*.test"],
            deny_hosts=["b.test"],
            viewport=pb.SessionViewport(width=800, height=600),
            engine="chrome",
            labels={"team": "a"},
            channel="web",
            start_url="https://a.test/",
            locale="de-AT",
            timezone="Europe/Vienna",
            user_agent="x",
        )
    )
    assert (request.idle_timeout_s, request.lifetime_s) == (2, 91)  # no client gets less time than it asked for
    assert (request.engine, request.viewport) == (Engine.CHROME, Viewport(width=800, height=600))
    assert request.labels == {"team": "a", "channel": "web"}
    assert request.action_allowed_domains == ("a.test",)
    egress = request.egress
    assert (egress.private_hosts, egress.allow_hosts, egress.deny_hosts) == (
        ("127.0.0.1:8000",),
        ("*.test",),
        ("b.test",),
    )
    budget = request.budget
    assert (budget.navigation_timeout_ms, budget.screenshot_bytes, budget.actions) == (9000, 1 << 20, 12)
    assert (budget.actions_per_window, budget.action_window_ms, budget.type_bytes) == (3, 2000, 100)
    assert (budget.tabs, budget.memory_bytes, budget.cpu_cores) == (2, 1 << 29, 1.5)
    assert (budget.on_exhausted, budget.pdf_bytes) == ("end", None)
    assert (request.start_url, request.locale, request.timezone) == ("https://a.test/", "de-AT", "Europe/Vienna")


def test_an_empty_create_request_leaves_everything_to_the_server() -> None:
    request = session_request(pb.CreateSessionRequest())
    assert (request.engine, request.viewport, request.labels) == (Engine.SHELL, Viewport(), {})
    assert (request.idle_timeout_s, request.lifetime_s, request.budget.memory_bytes) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"allow_private_targets": True}, "allow_private_targets"),
        ({"engine": "gecko"}, "engine"),
        ({"private_hosts": ["ok.test:1", "white space"]}, "private_hosts.1"),
        ({"viewport": pb.SessionViewport(width=1, height=600)}, "viewport.width"),
        ({"viewport": pb.SessionViewport(device_scale_factor=float("nan"))}, "viewport.device_scale_factor"),
        ({"budget": pb.SessionBudget(max_cpu_cores=float("nan"))}, "budget.max_cpu_cores"),
        ({"budget": pb.SessionBudget(max_memory_bytes=1 << 63)}, "budget.max_memory_bytes"),
        ({"budget": pb.SessionBudget(max_session_lifetime_ms=1 << 60)}, "budget.max_session_lifetime_ms"),
        ({"budget": pb.SessionBudget(on_exhausted="explode")}, "budget.on_exhausted"),
        ({"idle_ttl_ms": 1 << 60}, "idle_ttl_ms"),
        ({"queue_timeout_ms": 3_600_001}, "queue_timeout_ms"),
        ({"channel": "a", "labels": {"channel": "b"}}, "channel"),
        ({"start_url": "file:///etc/passwd"}, "start_url"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_messages_own_name(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        session_request(pb.CreateSessionRequest(**fields))
    assert caught.value.fields["field"] == field


@pytest.mark.parametrize(
    ("asked", "given"), [({}, None), ({"queue_timeout_ms": 0}, 0.0), ({"queue_timeout_ms": 1500}, 1.5)]
)
def test_how_long_it_may_wait_for_a_place_is_asked_in_milliseconds(asked: dict[str, int], given: float | None) -> None:
    assert session_request(pb.CreateSessionRequest(**asked)).queue_timeout_s == given


def test_what_a_create_request_keeps_and_lets_out_is_what_it_says() -> None:
    plain = session_request(pb.CreateSessionRequest())
    assert (plain.profile, plain.private, plain.downloads) == (None, False, Downloads.OFF)
    asked = session_request(
        pb.CreateSessionRequest(
            allow_downloads=True, private_profile=True, budget=pb.SessionBudget(max_artifacts=3, max_artifact_bytes=9)
        )
    )
    assert (asked.private, asked.downloads) == (True, Downloads.QUARANTINE)
    assert (asked.budget.artifacts, asked.budget.artifact_bytes, asked.budget.artifacts_bytes) == (3, 9, None)


async def test_a_session_is_made_shown_listed_and_closed(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        made = await client.call("CreateSession", pb.CreateSessionRequest(principal="alice", channel="web"))
        assert (made.status, made.downloads_enabled, made.effective_budget.max_tabs_per_session) == ("ready", False, 32)
        assert made.expires_at_unix_ms - made.created_at_unix_ms == 3_600_000

        listed = await client.call("ListSessions")
        (summary,) = listed.sessions
        assert (summary.session_id, summary.principal, summary.channel) == (made.session_id, "alice", "web")
        assert not summary.HasField("tab_count") and not listed.truncated

        for rpc, request, status in (
            ("SleepSession", pb.SleepSessionRequest, "sleeping"),
            ("HibernateSession", pb.HibernateSessionRequest, "hibernated"),
            ("WakeSession", pb.WakeSessionRequest, "ready"),
        ):
            assert (await client.call(rpc, request(session_id=made.session_id))).status == status

        closed = await client.call("CloseSession", pb.CloseSessionRequest(session_id=made.session_id))
        assert (closed.closed, closed.reason) == (True, "closed_by_user")
        again = await client.call("CloseSession", pb.CloseSessionRequest(session_id=made.session_id))
        assert again == closed
        assert (await client.call("ListSessions")).sessions == []
        assert len((await client.call("ListSessions", pb.ListSessionsRequest(status="any"))).sessions) == 1


async def test_one_session_is_shown_with_its_tabs(door: RunningGrpc) -> None:
    tabs = [BrowserTab(tab_id="t1"), BrowserTab(tab_id="t2", url="https://a.test/", title="A", active=True)]
    answers = door.api.manager.session_browser.answers
    answers[ListTabsRequest] = ListTabsResponse(tabs=tabs, active_tab_id="t2")
    answers[GetPermissionsRequest] = GetPermissionsResponse(permissions=Permissions(camera="allow"))
    async with door.client(door.api.user_key) as client:
        request = pb.GetSessionRequest(session_id=await client.session())
        answer = await client.call("GetSession", request)
        summary = answer.session.summary
        assert answer.success and [tab.tab_id for tab in answer.session.tabs] == ["t1", "t2"]
        assert (summary.tab_count, summary.active_tab_id, summary.active_tab_title) == (2, "t2", "A")
        assert (summary.permissions.camera, summary.permissions.location) == ("allow", "ask")
        assert answer.session.effective_budget.max_memory_bytes == 1 << 30


async def test_a_browser_that_does_not_answer_hides_no_session(door: RunningGrpc) -> None:
    answers = door.api.manager.session_browser.answers
    answers[ListTabsRequest] = ConflictError("the browser is stopped", reason="browser_stopped")
    async with door.client(door.api.user_key) as client:
        request = pb.GetSessionRequest(session_id=await client.session())
        answer = await client.call("GetSession", request)
        assert (answer.success, answer.error, answer.detail) == (False, "conflict", "the browser is stopped")
        assert answer.session.summary.status == "ready"
        answers[ListTabsRequest] = ListTabsResponse(success=False, error="timeout", detail="no answer")
        assert (await client.call("GetSession", request)).error == "timeout"


async def test_an_ended_session_is_shown_without_tabs(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        session_id = await client.session()
        await client.call("CloseSession", pb.CloseSessionRequest(session_id=session_id))
        answer = await client.call("GetSession", pb.GetSessionRequest(session_id=session_id))
    assert answer.success and not answer.session.tabs
    assert (answer.session.summary.status, answer.session.summary.reason) == ("closed", "closed_by_user")


async def test_a_listing_comes_in_pages_and_an_admin_sees_everyones(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as alice, door.client(door.api.admin_key) as root:
        made = [await alice.session() for _ in range(3)]
        first = await alice.call("ListSessions", pb.ListSessionsRequest(limit=2))
        assert first.truncated and [each.session_id for each in first.sessions] == [made[2], made[1]]
        rest = await alice.call("ListSessions", pb.ListSessionsRequest(limit=2, cursor=first.next_cursor))
        assert not rest.truncated and [each.session_id for each in rest.sessions] == [made[0]]
        assert len((await root.call("ListSessions")).sessions) == 3
        for request, field in (
            (pb.ListSessionsRequest(limit=201), "limit"),
            (pb.ListSessionsRequest(status="lost"), "status"),
            (pb.ListSessionsRequest(cursor="made-up"), "cursor"),
        ):
            failed = await alice.fails("ListSessions", request)
            assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", field)


async def test_what_the_manager_refuses_is_told_in_the_messages_names(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        door.api.manager.create_error = InvalidError("must be at least 64", field="budget.processes")
        failed = await client.fails("CreateSession")
        assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "budget.max_processes")
        door.api.manager.create_error = QuotaError("ten already", retry_after_s=9)
        failed = await client.fails("CreateSession")
        assert (failed.code, failed.metadata["retry-after"]) == ("RESOURCE_EXHAUSTED", "9")
