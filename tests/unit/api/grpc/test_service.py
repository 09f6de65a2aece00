"""The RPCs about a session's browser."""

from typing import Any

import pytest

from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.service import within_deadline
from cloche.browser.contract.actions import (
    CaptureSelectionRequest,
    CaptureSelectionResponse,
    ClickRequest,
    ClickResponse,
    Effects,
)
from cloche.browser.contract.common import Failure, Usage
from cloche.browser.contract.logs import ActionLogRequest
from cloche.browser.contract.looking import ObserveRequest, ObserveResponse, ScreenshotRequest, ScreenshotResponse
from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import InspectSessionRequest, InspectSessionResponse
from cloche.browser.contract.tabs import BrowserTab, OpenTabRequest, OpenTabResponse
from cloche.browser.contract.use_cases import USE_CASES
from cloche.errors import GoneError
from cloche.sessions.model import EndReason
from cloche.sessions.principal import Role
from cloche.testing.grpc import RunningGrpc


async def test_every_use_case_reaches_the_browser_as_itself(door: RunningGrpc) -> None:
    browser = door.api.manager.session_browser
    browser.taken = Usage(actions=7)
    async with door.client(door.api.user_key) as client:
        session_id = await client.session()
        for case in USE_CASES:
            answer = await client.call(case.rpc, getattr(pb, case.request.__name__)(session_id=session_id))
            assert answer.success and (answer.v, answer.usage.v, answer.usage.actions) == (1, 1, 7)
    assert [type(request) for _, request in browser.asked] == [case.request for case in USE_CASES]
    assert {(who.name, who.role) for who, _ in browser.asked} == {("alice", Role.USER)}


async def test_a_request_arrives_whole_and_its_answer_too(door: RunningGrpc) -> None:
    browser = door.api.manager.session_browser
    dialog_free = Effects(navigated=True, navigated_url="https://a.test/", new_tab_ids=["t9"])
    browser.answers[ClickRequest] = ClickResponse(x=3.5, matches=2, effects=dialog_free)
    async with door.client(door.api.user_key) as client:
        request = pb.ClickRequest(
            session_id=await client.session(), selector="ref=e7", button="right", modifiers=["Alt"], position_x=0.0
        )
        answer = await client.call("Click", request)
    (_, asked) = browser.asked[0]
    assert isinstance(asked, ClickRequest)
    assert (asked.selector, asked.button, asked.modifiers, asked.position_x) == ("ref=e7", "right", ["Alt"], 0.0)
    assert (answer.x, answer.matches, list(answer.effects.new_tab_ids)) == (3.5, 2, ["t9"])
    assert not answer.effects.HasField("dialog")


async def test_a_failure_in_the_page_is_an_answer(door: RunningGrpc) -> None:
    failed = ClickResponse(success=False, error=Failure.COVERED, detail="another element is over it")
    door.api.manager.session_browser.answers[ClickRequest] = failed
    async with door.client(door.api.user_key) as client:
        answer = await client.call("Click", pb.ClickRequest(session_id=await client.session()))
    assert (answer.HasField("success"), answer.success, answer.error) == (True, False, "covered")


async def test_a_number_that_is_none_never_reaches_the_browser(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        request = pb.ScrollRequest(session_id=await client.session(), delta_y=float("nan"))
        failed = await client.fails("Scroll", request)
    assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "delta_y")
    assert door.api.manager.session_browser.asked == []


async def test_large_pictures_and_files_pass(door: RunningGrpc) -> None:
    picture = bytes(20 << 20)
    door.api.manager.session_browser.answers[ScreenshotRequest] = ScreenshotResponse(image_bytes=picture)
    async with door.client(door.api.user_key) as client:
        session_id = await client.session()
        answer = await client.call("Screenshot", pb.ScreenshotRequest(session_id=session_id))
        assert len(answer.image_bytes) == len(picture)
        await client.call("SetFileInput", pb.SetFileInputRequest(session_id=session_id, file_bytes=picture))
    (_, asked) = door.api.manager.session_browser.asked[-1]
    assert getattr(asked, "file_bytes") == picture  # noqa: B009


async def test_an_ended_session_says_why_it_ended(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        session_id = await client.session()
        await door.api.manager.end(f"ses_{session_id.ulid}", EndReason.IDLE_TIMEOUT)  # type: ignore[arg-type]
        failed = await client.fails("Click", pb.ClickRequest(session_id=session_id))
    assert (failed.code, failed.metadata["cloche-reason"]) == (GoneError.grpc_status, "idle_timeout")


async def test_an_inspection_tells_of_the_session_too(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        session_id = await client.session(channel="web")
        inspected = InspectSessionResponse(session_id=f"ses_{session_id.ulid}", page_url="https://a.test/")
        door.api.manager.session_browser.answers[InspectSessionRequest] = inspected
        answer = await client.call("InspectSession", pb.InspectSessionRequest(session_id=session_id))
    assert answer.session_id == answer.session.session_id == session_id
    assert (answer.session.channel, answer.page_url) == ("web", "https://a.test/")


@pytest.mark.parametrize(
    ("fields", "asked", "answer", "result"),
    [
        (
            {"action": "open_tab", "open_tab": pb.RelayOpenTab(url="https://a.test/", activate=False)},
            OpenTabRequest(url="https://a.test/", activate=False),
            OpenTabResponse(tab=BrowserTab(tab_id="t1")),
            "opened_tab",
        ),
        (
            {"action": "capture_selection", "capture_selection": pb.RelayCaptureSelection(max_selection_bytes=9)},
            CaptureSelectionRequest(max_selection_bytes=9),
            CaptureSelectionResponse(selected_text="abc"),
            "selection",
        ),
        (
            {"action": "send_page_snapshot", "page_snapshot": pb.RelayPageSnapshot(include_visible_text=True)},
            ObserveRequest(
                include_visible_text=True,
                max_dom_snapshot_bytes=32768,
                max_accessibility_tree_bytes=32768,
                max_visible_text_bytes=32768,
            ),
            ObserveResponse(visible_text="abc"),
            "snapshot",
        ),
    ],
    ids=["open_tab", "capture_selection", "page_snapshot"],
)
async def test_a_relayed_action_is_the_use_case_behind_it(
    door: RunningGrpc, fields: dict[str, Any], asked: Any, answer: Any, result: str
) -> None:
    door.api.manager.session_browser.answers[type(asked)] = answer
    async with door.client(door.api.user_key) as client:
        request = pb.RelayActionRequest(session_id=await client.session(), extension_id="ext.1", **fields)
        told = await client.call("RelayAction", request)
    assert told.success and (told.action, told.WhichOneof("result")) == (fields["action"], result)
    assert [each for _, each in door.api.manager.session_browser.asked] == [asked]


async def test_a_relay_is_narrow(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        session_id = await client.session()
        for field, fields in (
            ("extension_id", {"action": "open_tab", "extension_id": ""}),
            ("extension_id", {"action": "open_tab", "extension_id": "a b"}),
            ("extension_id", {"action": "open_tab", "extension_id": "x" * 97}),
            ("action", {"action": "drop_tables"}),
            ("max_payload_bytes", {"action": "open_tab", "max_payload_bytes": 32769}),
            ("page_snapshot", {"action": "open_tab", "page_snapshot": pb.RelayPageSnapshot()}),
        ):
            whole: dict[str, Any] = {"extension_id": "a", **fields}
            failed = await client.fails("RelayAction", pb.RelayActionRequest(session_id=session_id, **whole))
            assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", field)
    assert door.api.manager.session_browser.asked == []


@pytest.mark.parametrize(
    ("asked_ms", "remaining_s", "timeout_ms"),
    [
        (0, None, 0),
        (700, None, 700),
        (700, 5.0, 700),
        (0, 5.0, 4900),
        (7000, 5.0, 4900),
        (0, 0.01, 1),
        (0, 1e9, 600_000),
    ],
)
def test_a_request_ends_a_little_before_its_caller_stops_waiting(
    asked_ms: int, remaining_s: float | None, timeout_ms: int
) -> None:
    request = NavigateRequest(url="about:blank", timeout_ms=asked_ms)
    assert within_deadline(request, remaining_s) == NavigateRequest(url="about:blank", timeout_ms=timeout_ms)


def test_a_request_that_cannot_be_told_its_time_stays_as_it_is() -> None:
    request = ActionLogRequest(limit=3)
    assert within_deadline(request, 1.0) is request
