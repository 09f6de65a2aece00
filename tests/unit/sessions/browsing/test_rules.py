from dataclasses import replace

import pytest

from cloche.browser.contract.actions import (
    ClickRequest,
    DialogRequest,
    EvaluateRequest,
    TypeRequest,
    WaitForRequest,
)
from cloche.browser.contract.common import ActionError, ActionRequest, BrowserRequest
from cloche.browser.contract.looking import ExportPdfRequest, ObserveRequest, ScreenshotRequest
from cloche.browser.contract.pages import BackRequest, ForwardRequest, NavigateRequest, ReloadRequest
from cloche.browser.contract.state import GetCookiesRequest, ResetStateRequest, SetViewportRequest
from cloche.browser.contract.tabs import CloseTabRequest, OpenTabRequest, SwitchTabRequest
from cloche.browser.contract.use_cases import USE_CASES, UseCase
from cloche.sessions.browsing.domains import AllowedDomains
from cloche.sessions.browsing.rules import CASES, require_domain, timeout_ms, waits_its_turn
from cloche.testing.sessions import BUDGET

SHOP = AllowedDomains(("shop.test",))
TIMES = replace(BUDGET, navigation_timeout_ms=9000, action_timeout_ms=2000)


@pytest.mark.parametrize(
    ("request_", "ms"),
    [
        (NavigateRequest(), 9000),
        (BackRequest(timeout_ms=8000), 8000),
        (ReloadRequest(timeout_ms=600_000), 9000),
        (OpenTabRequest(), 9000),
        (ClickRequest(), 2000),
        (ClickRequest(timeout_ms=1), 1),
        (WaitForRequest(timeout_ms=600_000), 2000),
        (ObserveRequest(), 9000),
        (ScreenshotRequest(timeout_ms=100), 100),
        (ExportPdfRequest(), 9000),
        (GetCookiesRequest(), 9000),
        (ResetStateRequest(), 9000),
    ],
)
def test_a_call_gets_what_it_asks_for_and_no_more_than_the_budget(request_: BrowserRequest, ms: int) -> None:
    assert timeout_ms(CASES[type(request_)], request_, TIMES) == ms


@pytest.mark.parametrize("case", USE_CASES, ids=lambda case: case.rpc)
def test_no_use_case_is_without_end(case: UseCase) -> None:
    assert 0 < timeout_ms(case, case.request(), TIMES) <= 9000


def test_only_what_uses_pointer_and_keys_or_moves_the_page_waits_its_turn() -> None:
    waiting = {case.rpc for case in USE_CASES if waits_its_turn(case.request())}

    assert waiting == {
        *("Navigate", "Back", "Forward", "Reload", "Click", "Hover", "Drag", "Type", "Press", "Select"),
        *("SetFileInput", "Scroll", "SetViewport"),
    }


@pytest.mark.parametrize(
    "request_",
    [
        NavigateRequest(url="https://shop.test/"),
        NavigateRequest(url="about:blank"),
        OpenTabRequest(url="https://www.shop.test/"),
        OpenTabRequest(),
        BackRequest(),
        ForwardRequest(),
        SetViewportRequest(),
        DialogRequest(accept=False),
        SwitchTabRequest(),
        CloseTabRequest(),
        ResetStateRequest(),
    ],
)
def test_a_page_that_may_not_be_acted_on_can_be_left(request_: BrowserRequest) -> None:
    require_domain(SHOP, request_, "https://evil.test/")


@pytest.mark.parametrize(
    ("request_", "page"),
    [
        (NavigateRequest(url="https://evil.test/"), "https://shop.test/"),
        (OpenTabRequest(url="https://evil.test/"), "https://shop.test/"),
        (ReloadRequest(), "https://evil.test/"),
        (DialogRequest(accept=True), "https://evil.test/"),
        (EvaluateRequest(), "about:blank"),
        (TypeRequest(), "https://evil.test/"),
    ],
)
def test_neither_a_page_elsewhere_nor_a_way_there_is_allowed(request_: BrowserRequest, page: str) -> None:
    with pytest.raises(ActionError):
        require_domain(SHOP, request_, page)


def test_every_action_on_a_page_is_bound_to_the_domains_but_for_those_named() -> None:
    free = set()
    for case in USE_CASES:
        try:
            require_domain(SHOP, case.request(), "https://evil.test/")
        except ActionError:
            assert issubclass(case.request, ActionRequest), case.rpc
        else:
            free.add(case.rpc)
    acting = {case.rpc for case in USE_CASES if case.is_action}
    assert free & acting == {
        *("Navigate", "OpenTab"),  # bound by where they lead; here nowhere
        *("Back", "Forward", "SetViewport", "Dialog", "SwitchTab", "CloseTab", "ResetState", "SetPermissions"),
    }
