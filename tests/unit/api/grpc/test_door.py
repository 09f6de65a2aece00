"""What is the same for every RPC: who asks, what is malformed, how it fails, when it is given up."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloche.api.grpc import door as door_module
from cloche.api.grpc.door import MAX_REQUEST_BYTES, received
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.limits import OFF_THE_LOOP_BYTES
from cloche.browser.contract.actions import ClickRequest, EvaluateRequest
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.browser.contract.use_cases import USE_CASES
from cloche.errors import BusyError, GoneError, InvalidError
from cloche.ids import new_session_id
from cloche.sessions.principal import Principal
from cloche.testing.browser import FakeSessionBrowser
from cloche.testing.grpc import RunningGrpc

RPCS = [*(case.rpc for case in USE_CASES), "RelayAction", "Health", "CreateSession", "CloseSession", "SleepSession",
        "HibernateSession", "WakeSession", "ListSessions", "GetSession"]  # fmt: skip
OF_A_SESSION = [rpc for rpc in RPCS if rpc not in ("Health", "CreateSession", "ListSessions")]
LEAST: dict[str, dict[str, Any]] = {"RelayAction": {"extension_id": "a", "action": "open_tab"}}


def request_for(rpc: str, session_id: pb.CanonicalId) -> Any:
    return getattr(pb, f"{rpc}Request")(session_id=session_id, **LEAST.get(rpc, {}))


class Slow(FakeSessionBrowser):
    """Answers when it is let, and tells when it was given up."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.given_up = asyncio.Event()

    async def perform(self, principal: Principal, request: BrowserRequest) -> BrowserResponse:
        self.asked.append((principal, request))
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        raise AssertionError("nothing sets that event")


async def test_no_rpc_answers_without_a_key(door: RunningGrpc) -> None:
    async with door.client() as nobody, door.client("ck_wrong") as stranger:
        for rpc in RPCS:
            failed = await nobody.fails(rpc)
            assert (failed.code, failed.metadata["cloche-code"]) == ("UNAUTHENTICATED", "unauthenticated"), rpc
        assert (await stranger.fails("Health")).code == "UNAUTHENTICATED"


async def test_a_key_may_come_as_x_api_key_and_of_two_credentials_the_bearer_counts(door: RunningGrpc) -> None:
    key = ("x-api-key", door.api.user_key)
    async with door.client() as client:
        assert (await client.call("Health", metadata=(key,))).status == "ok"
        failed = await client.fails("Health", metadata=(key, ("authorization", "Basic abc")))
        assert failed.code == "UNAUTHENTICATED"


async def test_sessions_of_others_and_unknown_ones_look_the_same_to_every_rpc(door: RunningGrpc) -> None:
    unknown = pb.CanonicalId(ulid=new_session_id())
    async with door.client(door.api.user_key) as alice, door.client(door.api.other_key) as mallory:
        mine = await alice.session()
        for rpc in OF_A_SESSION:
            foreign = await mallory.fails(rpc, request_for(rpc, mine))
            missing = await mallory.fails(rpc, request_for(rpc, unknown))
            assert (foreign.code, foreign.detail) == (missing.code, missing.detail), rpc
            assert (foreign.code, foreign.metadata["cloche-code"]) == ("NOT_FOUND", "not_found"), rpc
    assert door.api.manager.session_browser.asked == []


async def test_who_asks_is_never_taken_from_the_body(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        for rpc, request in (
            ("CreateSession", pb.CreateSessionRequest(principal="root")),
            ("ListSessions", pb.ListSessionsRequest(principal="mallory")),
        ):
            failed = await client.fails(rpc, request)
            assert (failed.code, failed.metadata["cloche-field"]) == ("PERMISSION_DENIED", "principal")
        assert (await client.call("ListSessions", pb.ListSessionsRequest(principal="alice"))).sessions == []
    assert door.api.manager.requests == []


async def test_an_id_that_is_none_is_malformed(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        for ulid in ("", "ses_", "01J", "key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "0" * 10_000, "ses_ses_"):
            failed = await client.fails("Click", pb.ClickRequest(session_id=pb.CanonicalId(ulid=ulid)))
            assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "session_id"), ulid


async def test_an_id_is_understood_with_and_without_its_prefix(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        bare = await client.session()
        assert len(bare.ulid) == 26
        for ulid in (bare.ulid, f"ses_{bare.ulid}"):
            answer = await client.call("GetTitle", pb.GetTitleRequest(session_id=pb.CanonicalId(ulid=ulid)))
            assert answer.success


async def test_another_version_and_what_is_no_message_are_malformed(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        failed = await client.fails("Health", pb.HealthRequest(v=2))
        assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "v")
        assert (await client.call("Health", pb.HealthRequest(v=1))).v == 1
        assert (await client.fails("Health", b"\xff\xff\xff")).code == "INVALID_ARGUMENT"
        latin = b"\x3a\x01\xe4"  # field 7, `selector`: no UTF-8
        assert (await client.fails("Click", latin)).code == "INVALID_ARGUMENT"


async def test_a_message_that_is_too_large_is_refused_and_the_connection_goes_on(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        failed = await client.fails("Health", bytes(MAX_REQUEST_BYTES + 1))
        assert failed.code == "RESOURCE_EXHAUSTED"
        assert (await client.call("Health")).status == "ok"


async def test_who_has_no_key_is_answered_before_the_message_is_taken_in(door: RunningGrpc) -> None:
    async with door.client() as client:
        assert (await client.fails("Health", bytes(MAX_REQUEST_BYTES + 1))).code == "UNAUTHENTICATED"


async def test_an_error_of_ours_is_told_and_another_one_only_logged(door: RunningGrpc) -> None:
    answers = door.api.manager.session_browser.answers
    async with door.client(door.api.user_key) as client:
        request = pb.ClickRequest(session_id=await client.session(), selector="a")
        answers[ClickRequest] = BusyError("too many calls", retry_after_s=3)
        failed = await client.fails("Click", request)
        assert (failed.code, failed.detail, failed.metadata["retry-after"]) == (
            "RESOURCE_EXHAUSTED",
            "too many calls",
            "3",
        )
        answers[ClickRequest] = GoneError("the session has ended", reason="idle_timeout")
        assert (await client.fails("Click", request)).metadata["cloche-reason"] == "idle_timeout"
        answers[ClickRequest] = RuntimeError("/secret/path of a bug")
        with capture_logs() as logs:
            failed = await client.fails("Click", request)
        assert (failed.code, failed.detail) == ("INTERNAL", "internal error")
        assert [entry["event"] for entry in logs] == ["grpc_call_failed", "grpc_call"]


async def test_every_call_is_counted_logged_and_has_an_id(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        call = client.start("Health")
        await call
        assert len(dict(await call.trailing_metadata())["x-request-id"]) == 26
        assert len((await client.fails("Click")).metadata["x-request-id"]) == 26
    count = door.deps.registry.get_sample_value
    assert count("cloche_grpc_calls_total", {"rpc": "Health", "code": "OK"}) == 1
    assert count("cloche_grpc_calls_total", {"rpc": "Click", "code": "INVALID_ARGUMENT"}) == 1


async def test_a_call_that_is_given_up_ends_what_it_asked_for(door: RunningGrpc) -> None:
    door.api.manager.session_browser = slow = Slow()
    async with door.client(door.api.user_key) as client:
        call = client.start("Evaluate", pb.EvaluateRequest(session_id=await client.session()))
        async with asyncio.timeout(5):
            await slow.begun.wait()
            call.cancel()
            await slow.given_up.wait()
            with pytest.raises(asyncio.CancelledError):
                await call


async def test_a_deadline_bounds_what_is_asked_and_then_ends_it(door: RunningGrpc) -> None:
    door.api.manager.session_browser = slow = Slow()
    async with door.client(door.api.user_key) as client:
        request = pb.EvaluateRequest(session_id=await client.session(), timeout_ms=60_000)
        failed = await client.fails("Evaluate", request, timeout_s=0.5)
        async with asyncio.timeout(5):
            await slow.given_up.wait()
    assert failed.code == "DEADLINE_EXCEEDED"
    (_, asked) = slow.asked[0]
    assert isinstance(asked, EvaluateRequest) and 0 < asked.timeout_ms <= 400


async def test_a_call_whose_message_does_not_come_is_ended(door: RunningGrpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "MESSAGE_TIMEOUT_S", 0.05)
    async with door.client() as client, asyncio.timeout(5):
        key = (("x-api-key", door.api.user_key),)
        silent = client.channel.stream_unary("/cloche.browser.v1.BrowserService/Health")(metadata=key)
        assert (await silent.code()).name == "INVALID_ARGUMENT"


async def test_a_message_of_ever_so_many_values_is_refused_before_it_is_parsed(
    door: RunningGrpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "MAX_LARGE_VALUES", 1_000)
    one = pb.SetCookiesRequest(cookies=[pb.Cookie()]).SerializeToString()
    async with door.client(door.api.user_key) as alice:
        failed = await alice.fails("SetCookies", one * OFF_THE_LOOP_BYTES)
    assert (failed.code, failed.metadata["cloche-code"]) == ("RESOURCE_EXHAUSTED", "too_large")
    assert failed.detail == "a request may hold 1000 values"


async def test_a_large_message_is_asked_for_to_its_end_since_grpc_keeps_it_until_then() -> None:
    ended = []

    async def requests(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(1 << 20)
        ended.append(count)

    assert len(await received(requests(1), 1.0)) == 1 << 20
    assert ended == [1]
    with pytest.raises(InvalidError):
        await received(requests(2), 1.0)
