"""Relay: the three things that a browser extension may ask of a session's browser, for the doors.

It is a smaller door to use cases that stand in `browser.contract.use_cases`: it checks who the extension says it is,
keeps what is answered under a size that an extension can carry, and has no behaviour of its own.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Literal

from annotated_types import Interval, MaxLen

from cloche.browser.contract.actions import CaptureSelectionRequest, CaptureSelectionResponse
from cloche.browser.contract.common import STRICT, BrowserResponse, Milliseconds, Selector, Url, Usage
from cloche.browser.contract.looking import ObserveRequest, ObserveResponse
from cloche.browser.contract.tabs import BrowserTab, OpenTabRequest, OpenTabResponse
from cloche.errors import InvalidError
from cloche.sessions.interface import SessionBrowser
from cloche.sessions.principal import Principal

MAX_PAYLOAD_BYTES: Final = 32 << 10

RelayKind = Literal["open_tab", "capture_selection", "send_page_snapshot"]
PayloadBytes = Annotated[int, Interval(ge=0, le=MAX_PAYLOAD_BYTES)]

_EXTENSION_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,96}")
_PAYLOAD_OF: Final[dict[str, str]] = {
    "open_tab": "open_tab",
    "capture_selection": "capture_selection",
    "send_page_snapshot": "page_snapshot",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOpenTab:
    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: Url = ""
    activate: bool = True
    timeout_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayCaptureSelection:
    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    selector: Selector = ""
    max_selection_bytes: PayloadBytes = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPageSnapshot:
    """As `ObserveRequest` has them: with no `include_…` set, the accessibility tree."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    include_dom_snapshot: bool = False
    include_accessibility_tree: bool = False
    include_visible_text: bool = False
    max_dom_snapshot_bytes: PayloadBytes = 0
    max_accessibility_tree_bytes: PayloadBytes = 0
    max_visible_text_bytes: PayloadBytes = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayActionRequest:
    """`action` says what is to be done; only the field that belongs to it may be given."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    extension_id: Annotated[str, MaxLen(96)] = ""
    """1 to 96 letters, digits, dots, underscores and hyphens."""
    action: RelayKind
    open_tab: RelayOpenTab | None = None
    capture_selection: RelayCaptureSelection | None = None
    page_snapshot: RelayPageSnapshot | None = None
    max_payload_bytes: PayloadBytes = 0
    """Of the page's text in the answer, all parts together, and of the URL to open; 0: 32 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySelection:
    selector: str = ""
    selected_text: str = ""
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySnapshot:
    """What of `ObserveResponse` an extension is told; `fence` as there."""

    accessibility_tree: str = ""
    dom_snapshot: str = ""
    visible_text: str = ""
    accessibility_tree_truncated: bool = False
    dom_truncated: bool = False
    visible_text_truncated: bool = False
    page_url: str = ""
    title: str = ""
    snapshot_id: str = ""
    fence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayActionResponse:
    """Success and failure as in `BrowserResponse`; on success the one result that belongs to the action."""

    success: bool = True
    action: str = ""
    error: str = ""
    detail: str = ""
    rule: str = ""
    usage: Usage = field(default_factory=Usage)
    opened_tab: BrowserTab | None = None
    selection: RelaySelection | None = None
    snapshot: RelaySnapshot | None = None


async def relay(browser: SessionBrowser, principal: Principal, action: RelayActionRequest) -> RelayActionResponse:
    """Do what an extension asks. Raises: InvalidError, and what `SessionBrowser.perform` raises."""
    limit = action.max_payload_bytes or MAX_PAYLOAD_BYTES
    response = await browser.perform(principal, request_of(action, limit))
    return _answer(action, response)


def request_of(action: RelayActionRequest, limit: int) -> OpenTabRequest | CaptureSelectionRequest | ObserveRequest:
    """The use case that an action stands for. Raises: InvalidError."""
    if not _EXTENSION_ID.fullmatch(action.extension_id):
        detail = "an extension id has 1 to 96 letters, digits, dots, underscores and hyphens"
        raise InvalidError(detail, field="extension_id")
    for name in _PAYLOAD_OF.values():
        if name != _PAYLOAD_OF[action.action] and getattr(action, name) is not None:
            raise InvalidError(f"`{name}` does not belong to the action {action.action}", field=name)
    match action.action:
        case "open_tab":
            return _open_tab(action.open_tab or RelayOpenTab(), limit)
        case "capture_selection":
            asked = action.capture_selection or RelayCaptureSelection()
            return CaptureSelectionRequest(
                selector=asked.selector, max_selection_bytes=_smaller(asked.max_selection_bytes, limit)
            )
        case "send_page_snapshot":
            return _observe(action.page_snapshot or RelayPageSnapshot(), limit)


def _open_tab(asked: RelayOpenTab, limit: int) -> OpenTabRequest:
    if len(asked.url.encode()) > limit:
        raise InvalidError("the URL is larger than `max_payload_bytes`", field="open_tab.url")
    return OpenTabRequest(url=asked.url, activate=asked.activate, timeout_ms=asked.timeout_ms)


def _observe(asked: RelayPageSnapshot, limit: int) -> ObserveRequest:
    """What is asked for shares the limit in equal parts."""
    includes = (asked.include_dom_snapshot, asked.include_accessibility_tree, asked.include_visible_text)
    share = max(limit // max(sum(includes), 1), 1)
    return ObserveRequest(
        include_dom_snapshot=asked.include_dom_snapshot,
        include_accessibility_tree=asked.include_accessibility_tree or not any(includes),
        include_visible_text=asked.include_visible_text,
        max_dom_snapshot_bytes=_smaller(asked.max_dom_snapshot_bytes, share),
        max_accessibility_tree_bytes=_smaller(asked.max_accessibility_tree_bytes, share),
        max_visible_text_bytes=_smaller(asked.max_visible_text_bytes, share),
    )


def _smaller(asked: int, limit: int) -> int:
    return min(asked or limit, limit)


def _answer(action: RelayActionRequest, response: BrowserResponse) -> RelayActionResponse:
    opened, selection, snapshot = None, None, None
    match response:
        case OpenTabResponse():
            opened = response.tab
        case CaptureSelectionResponse(success=True):
            selection = RelaySelection(
                selector=response.selector, selected_text=response.selected_text, truncated=response.truncated
            )
        case ObserveResponse(success=True):
            snapshot = _snapshot(response)
        case _:
            assert not response.success
    return RelayActionResponse(
        success=response.success,
        action=action.action,
        error=response.error,
        detail=response.detail,
        rule=response.rule,
        usage=response.usage,
        opened_tab=opened,
        selection=selection,
        snapshot=snapshot,
    )


def _snapshot(response: ObserveResponse) -> RelaySnapshot:
    return RelaySnapshot(
        accessibility_tree=response.accessibility_tree,
        dom_snapshot=response.dom_snapshot,
        visible_text=response.visible_text,
        accessibility_tree_truncated=response.accessibility_tree_truncated,
        dom_truncated=response.dom_truncated,
        visible_text_truncated=response.visible_text_truncated,
        page_url=response.page_url,
        title=response.title,
        snapshot_id=response.snapshot_id,
        fence=response.fence,
    )
