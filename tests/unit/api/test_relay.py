"""What an extension may ask, as use cases and back."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.relay import (
    MAX_PAYLOAD_BYTES,
    RelayActionRequest,
    RelayCaptureSelection,
    RelayOpenTab,
    RelayPageSnapshot,
    relay,
    request_of,
)
from cloche.browser.contract.actions import CaptureSelectionRequest, CaptureSelectionResponse
from cloche.browser.contract.common import Usage
from cloche.browser.contract.looking import ObserveRequest, ObserveResponse
from cloche.browser.contract.tabs import BrowserTab, OpenTabRequest, OpenTabResponse
from cloche.errors import InvalidError
from cloche.ids import PrincipalName
from cloche.sessions.principal import Principal, Role
from cloche.testing.browser import FakeSessionBrowser

ALICE = Principal(PrincipalName("alice"), Role.USER)
OPEN = RelayActionRequest(extension_id="abc", action="open_tab", open_tab=RelayOpenTab(url="https://a.test/"))
SELECT = RelayActionRequest(extension_id="abc", action="capture_selection")
SNAPSHOT = RelayActionRequest(extension_id="abc", action="send_page_snapshot")


async def test_a_tab_is_opened_and_told_of() -> None:
    browser = FakeSessionBrowser()
    tab = BrowserTab(tab_id="t2", url="https://a.test/")
    browser.answers[OpenTabRequest] = OpenTabResponse(tab=tab, usage=Usage(actions=3))
    told = await relay(browser, ALICE, OPEN)
    assert browser.asked == [(ALICE, OpenTabRequest(url="https://a.test/"))]
    assert (told.success, told.action, told.opened_tab, told.usage.actions) == (True, "open_tab", tab, 3)
    assert told.selection is None and told.snapshot is None


async def test_a_selection_comes_back_with_what_it_was() -> None:
    browser = FakeSessionBrowser()
    browser.answers[CaptureSelectionRequest] = CaptureSelectionResponse(selected_text="hi", truncated=True)
    told = await relay(browser, ALICE, SELECT)
    assert told.selection is not None
    assert (told.selection.selected_text, told.selection.truncated) == ("hi", True)


async def test_a_snapshot_comes_back_with_its_fence() -> None:
    browser = FakeSessionBrowser()
    browser.answers[ObserveRequest] = ObserveResponse(accessibility_tree="- button", fence="f1", snapshot_id="s1")
    told = await relay(browser, ALICE, SNAPSHOT)
    assert told.snapshot is not None
    assert (told.snapshot.accessibility_tree, told.snapshot.fence) == ("- button", "f1")


@pytest.mark.parametrize("action", [OPEN, SELECT, SNAPSHOT], ids=lambda action: action.action)
async def test_what_fails_says_so_and_brings_no_result(action: RelayActionRequest) -> None:
    browser = FakeSessionBrowser()
    for request, response in (
        (OpenTabRequest, OpenTabResponse),
        (CaptureSelectionRequest, CaptureSelectionResponse),
        (ObserveRequest, ObserveResponse),
    ):
        browser.answers[request] = response(success=False, error="policy_blocked", detail="no", rule="deny a.test")
    told = await relay(browser, ALICE, action)
    assert (told.success, told.error, told.detail, told.rule) == (False, "policy_blocked", "no", "deny a.test")
    assert (told.opened_tab, told.selection, told.snapshot) == (None, None, None)


@pytest.mark.parametrize("extension_id", ["", "a" * 97, "a/b", "a b", "ä", "a\n"])
def test_an_extension_has_an_id_of_plain_characters(extension_id: str) -> None:
    with pytest.raises(InvalidError) as caught:
        request_of(replace(SELECT, extension_id=extension_id), 100)
    assert caught.value.fields["field"] == "extension_id"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"capture_selection": RelayCaptureSelection()}, "capture_selection"),
        ({"page_snapshot": RelayPageSnapshot()}, "page_snapshot"),
    ],
)
def test_what_belongs_to_another_action_is_refused(payload: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        request_of(replace(OPEN, **payload), 100)
    assert caught.value.fields["field"] == field


def test_a_url_counts_as_payload() -> None:
    with pytest.raises(InvalidError):
        request_of(OPEN, 10)


@given(st.integers(1, MAX_PAYLOAD_BYTES), st.tuples(*[st.booleans()] * 3), st.integers(0, MAX_PAYLOAD_BYTES))
def test_the_parts_of_a_snapshot_share_the_limit(limit: int, includes: tuple[bool, bool, bool], asked: int) -> None:
    dom, tree, text = includes
    wanted = RelayPageSnapshot(
        include_dom_snapshot=dom,
        include_accessibility_tree=tree,
        include_visible_text=text,
        max_dom_snapshot_bytes=asked,
        max_accessibility_tree_bytes=asked,
        max_visible_text_bytes=asked,
    )
    request = request_of(replace(SNAPSHOT, page_snapshot=wanted), limit)
    assert isinstance(request, ObserveRequest)
    caps = (request.max_dom_snapshot_bytes, request.max_accessibility_tree_bytes, request.max_visible_text_bytes)
    flags = (request.include_dom_snapshot, request.include_accessibility_tree, request.include_visible_text)
    assert all(cap >= 1 and (asked == 0 or cap <= asked) for cap in caps)
    assert sum(cap for cap, flag in zip(caps, flags, strict=True) if flag) <= max(limit, 3)
    assert any(flags)
