"""A session's tabs. Pure."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Interval

from cloche.browser.contract.actions import DialogInfo
from cloche.browser.contract.common import BrowserRequest, BrowserResponse, Milliseconds, TabId, Url
from cloche.browser.contract.pages import WaitUntil


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserTab:
    tab_id: str = ""
    url: str = ""
    title: str = ""
    active: bool = False
    opener_tab_id: str = ""
    crashed: bool = False
    dialog: DialogInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTabsRequest(BrowserRequest):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTabsResponse(BrowserResponse):
    tabs: list[BrowserTab] = field(default_factory=list)
    active_tab_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTabRequest(BrowserRequest):
    url: Url = ""
    """Empty: about:blank."""
    activate: bool = True
    timeout_ms: Milliseconds = 0
    allow_redirects: bool = True
    max_redirects: Annotated[int, Interval(ge=0, le=20)] = 0
    wait_until: WaitUntil = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTabResponse(BrowserResponse):
    """Where the tab was opened and its page could not be, `tab` stands beside the failure."""

    tab: BrowserTab | None = None
    navigated: bool = False
    status_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTabRequest(BrowserRequest):
    tab_id: TabId = ""
    timeout_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTabResponse(BrowserResponse):
    active_tab: BrowserTab | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTabRequest(BrowserRequest):
    tab_id: TabId = ""
    """Empty: the active one. The last tab cannot be closed."""
    timeout_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTabResponse(BrowserResponse):
    closed_tab_id: str = ""
    active_tab: BrowserTab | None = None
    tabs_remaining: int = 0
