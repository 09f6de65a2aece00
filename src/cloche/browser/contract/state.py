"""What a browser keeps and how it is set: viewport, permissions, cookies, storage; and the debug bundle. Pure."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval, MaxLen

from cloche.browser.contract.common import (
    LENIENT,
    ActionLogEntry,
    ActionRequest,
    ActionResponse,
    BrowserRequest,
    BrowserResponse,
    ByteCount,
    Count,
    TabRequest,
    Url,
)
from cloche.browser.contract.logs import ConsoleLogEntry, NetworkLogEntry, PageDiagnostics
from cloche.browser.contract.tabs import BrowserTab

PermissionSetting = Literal["", "keep", "deny", "allow", "ask"]
"""Empty and `keep`: leave as it is."""
CookieText = Annotated[str, MaxLen(8192)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetViewportRequest(ActionRequest):
    """CSS pixels: 50 to 10 000 each, at most 16 000 000 in area, and 33 177 600 device pixels."""

    width: Annotated[int, Interval(ge=0, le=10_000)] = 0
    """0 for both: back to the window's own size."""
    height: Annotated[int, Interval(ge=0, le=10_000)] = 0
    device_scale_factor: Annotated[float, Interval(ge=0.0, le=8.0)] = 0.0
    """0: 1."""
    mobile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetViewportResponse(ActionResponse):
    width: int = 0
    height: int = 0
    device_scale_factor: float = 0.0
    mobile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """`ask` is what Chromium does by itself: without a person to ask, that denies."""

    camera: str = "ask"
    microphone: str = "ask"
    location: str = "ask"
    notifications: str = "ask"
    clipboard: str = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPermissionsRequest(BrowserRequest):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPermissionsResponse(BrowserResponse):
    permissions: Permissions = field(default_factory=Permissions)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPermissionsRequest(BrowserRequest):
    camera: PermissionSetting = ""
    microphone: PermissionSetting = ""
    location: PermissionSetting = ""
    notifications: PermissionSetting = ""
    clipboard: PermissionSetting = ""
    reset_to_default: bool = False
    """Before the others are set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPermissionsResponse(BrowserResponse):
    permissions: Permissions = field(default_factory=Permissions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetStateRequest(BrowserRequest):
    """With none set: cookies and storage."""

    clear_cookies: bool = False
    clear_storage: bool = False
    """Of every origin that the browser has data of: localStorage, IndexedDB, caches, service workers …"""
    reset_tabs: bool = False
    """Close all tabs but a fresh one."""
    reset_permissions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetStateResponse(BrowserResponse):
    cookies_cleared: int = 0
    storage_entries_cleared: int = 0
    """Origins whose storage was cleared."""
    tabs_closed: int = 0
    permissions: Permissions = field(default_factory=Permissions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """As in Playwright's storage state."""

    name: Annotated[str, MaxLen(4096)] = ""
    value: CookieText = ""
    domain: Annotated[str, MaxLen(253)] = ""
    path: Annotated[str, MaxLen(4096)] = "/"
    expires: float = -1.0
    """Seconds since 1970; -1: until the browser ends."""
    httpOnly: bool = False
    secure: bool = False
    sameSite: Literal["Strict", "Lax", "None"] = "Lax"
    partitionKey: Annotated[str, MaxLen(2048)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCookie(Cookie):
    """A cookie in a storage state, which Playwright writes more of than is read here."""

    __pydantic_config__: ClassVar[dict[str, Any]] = LENIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCookiesRequest(BrowserRequest):
    urls: Annotated[list[Url], MaxLen(64)] = field(default_factory=list)
    """Only those that would be sent to these; none: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCookiesResponse(BrowserResponse):
    cookies: list[Cookie] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCookiesRequest(BrowserRequest):
    cookies: Annotated[list[Cookie], MaxLen(1000)] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCookiesResponse(BrowserResponse):
    cookies_set: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCookiesRequest(BrowserRequest):
    """All that fit every field that is given; none given: all."""

    name: Annotated[str, MaxLen(4096)] = ""
    domain: Annotated[str, MaxLen(253)] = ""
    path: Annotated[str, MaxLen(4096)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCookiesResponse(BrowserResponse):
    cookies_cleared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NameValue:
    name: Annotated[str, MaxLen(1 << 20)] = ""
    value: Annotated[str, MaxLen(8 << 20)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginState:
    __pydantic_config__: ClassVar[dict[str, Any]] = LENIENT

    origin: Annotated[str, MaxLen(2048)] = ""
    localStorage: Annotated[list[NameValue], MaxLen(10_000)] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageState:
    """Playwright's `storage_state` (JSON): cookies of all, localStorage by origin. What else is in it is left out."""

    __pydantic_config__: ClassVar[dict[str, Any]] = LENIENT

    cookies: Annotated[list[StoredCookie], MaxLen(10_000)] = field(default_factory=list)
    origins: Annotated[list[OriginState], MaxLen(1000)] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStorageStateRequest(BrowserRequest):
    """Of all origins that the browser has localStorage of and that a tab shows or `origins` names."""

    origins: Annotated[list[Annotated[str, MaxLen(2048)]], MaxLen(64)] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStorageStateResponse(BrowserResponse):
    storage_state: StorageState = field(default_factory=StorageState)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStorageStateRequest(BrowserRequest):
    storage_state: StorageState = field(default_factory=StorageState)
    clear_first: bool = False
    """Forget the cookies that are there, and the localStorage of the origins given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStorageStateResponse(BrowserResponse):
    cookies_set: int = 0
    origins_set: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageEntry:
    origin: str = ""
    area: str = ""
    """`local` or `session`."""
    name: str = ""
    value: str = ""
    """Redacted where its name says that it is secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectSessionRequest(TabRequest):
    """A redacted bundle for finding out what went wrong. With no `include_…` set, all of it."""

    include_cookies: bool = False
    include_storage: bool = False
    include_action_log: bool = False
    include_network_log: bool = False
    include_page_snapshot: bool = False
    include_console_log: bool = False
    include_page_diagnostics: bool = False
    max_cookie_bytes: ByteCount = 0
    max_storage_bytes: ByteCount = 0
    max_action_log_entries: Count = 0
    max_network_log_entries: Count = 0
    max_network_log_bytes: ByteCount = 0
    max_dom_snapshot_bytes: ByteCount = 0
    max_visible_text_bytes: ByteCount = 0
    max_console_log_entries: Count = 0
    max_console_log_bytes: ByteCount = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectSessionResponse(BrowserResponse):
    session_id: str = ""
    tabs: list[BrowserTab] = field(default_factory=list)
    cookies: list[Cookie] = field(default_factory=list)
    storage: list[StorageEntry] = field(default_factory=list)
    action_log: list[ActionLogEntry] = field(default_factory=list)
    network_log: list[NetworkLogEntry] = field(default_factory=list)
    dom_snapshot: str = ""
    visible_text: str = ""
    page_url: str = ""
    console_log: list[ConsoleLogEntry] = field(default_factory=list)
    page_diagnostics: PageDiagnostics | None = None
    cookies_truncated: bool = False
    storage_truncated: bool = False
    action_log_truncated: bool = False
    network_log_truncated: bool = False
    dom_truncated: bool = False
    visible_text_truncated: bool = False
    console_log_truncated: bool = False
