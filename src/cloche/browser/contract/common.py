"""What requests and responses of the browser service have in common. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from annotated_types import Interval, MaxLen

MAX_SELECTOR_CHARS: Final = 4096
MAX_TIMEOUT_MS: Final = 600_000
MAX_GEOMETRY: Final = 10_000_000.0

Milliseconds = Annotated[int, Interval(ge=0, le=MAX_TIMEOUT_MS)]
Count = Annotated[int, Interval(ge=0, le=1_000_000)]
ByteCount = Annotated[int, Interval(ge=0, le=1 << 31)]
Pixels = Annotated[float, Interval(ge=-MAX_GEOMETRY, le=MAX_GEOMETRY)]
"""CSS pixels."""
Selector = Annotated[str, MaxLen(MAX_SELECTOR_CHARS)]
"""See `browser.selector`: CSS, `text=…`, `role=button[name="Save"]`, `xpath=…`, `ref=…`; parts joined with ` >> `."""
TabId = Annotated[str, MaxLen(64)]
ShortText = Annotated[str, MaxLen(256)]
Text = Annotated[str, MaxLen(262_144)]
Url = Annotated[str, MaxLen(65_536)]


class Failure(StrEnum):
    """Why something asked of the browser did not succeed: the `error` of a response. Stable, part of the API."""

    SELECTOR_NOT_FOUND = "selector_not_found"
    SELECTOR_AMBIGUOUS = "selector_ambiguous"
    INVALID_SELECTOR = "invalid_selector"
    STALE_REF = "stale_ref"
    UNKNOWN_REF = "unknown_ref"
    NOT_VISIBLE = "not_visible"
    NOT_STABLE = "not_stable"
    NOT_ENABLED = "not_enabled"
    NOT_EDITABLE = "not_editable"
    COVERED = "covered"
    DETACHED = "detached"
    OUTSIDE_VIEWPORT = "outside_viewport"
    NOT_A_SELECT = "not_a_select"
    NOT_A_FILE_INPUT = "not_a_file_input"
    NOT_CHECKABLE = "not_checkable"
    VALUE_NOT_FOUND = "value_not_found"
    INVALID_KEY = "invalid_key"
    INPUT_TOO_LARGE = "input_too_large"
    OUTPUT_TOO_LARGE = "output_too_large"
    PAGE_TOO_LARGE = "page_too_large"
    NOT_SERIALIZABLE = "not_serializable"
    SCRIPT_ERROR = "script_error"
    TIMEOUT = "timeout"
    PAGE_UNRESPONSIVE = "page_unresponsive"
    PAGE_CRASHED = "page_crashed"
    DIALOG_OPEN = "dialog_open"
    NO_DIALOG = "no_dialog"
    NAVIGATED_AWAY = "navigated_away"
    NAVIGATION_FAILED = "navigation_failed"
    NAVIGATION_ABORTED = "navigation_aborted"
    BECAME_DOWNLOAD = "became_download"
    INVALID_URL = "invalid_url"
    POLICY_BLOCKED = "policy_blocked"
    DOMAIN_NOT_ALLOWED = "domain_not_allowed"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    RESPONSE_TOO_LARGE = "response_too_large"
    NO_HISTORY_ENTRY = "no_history_entry"
    TAB_NOT_FOUND = "tab_not_found"
    TAB_LIMIT_REACHED = "tab_limit_reached"
    LAST_TAB = "last_tab"
    SNAPSHOT_NOT_FOUND = "snapshot_not_found"
    BUDGET_EXHAUSTED = "budget_exhausted"
    RATE_LIMITED = "rate_limited"
    PAUSED_BY_VIEWER = "paused_by_viewer"
    BROWSER_RESTARTED = "browser_restarted"
    BROWSER_FAILED = "browser_failed"


class ActionError(Exception):
    """Something asked of the browser did not succeed. `detail` is for the user: short, and page text only quoted."""

    def __init__(self, code: Failure, detail: str, *, rule: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.rule = rule
        """With `policy_blocked` and `domain_not_allowed`: which rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What of a session's budget is taken and left. -1: there is no such limit, or it is not known."""

    actions: int = 0
    actions_left: int = -1
    window_actions_left: int = -1
    window_resets_in_ms: int = 0
    """When the next action of the sliding window is free again; 0 while there is one."""
    tabs: int = 0
    tabs_left: int = -1
    egress_bytes_left: int = -1
    memory_bytes: int = -1
    cpu_seconds: float = -1.0
    lifetime_left_ms: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLogEntry:
    """One action, redacted: never what was typed."""

    action_id: str = ""
    action_name: str = ""
    selector: str = ""
    success: bool = False
    outcome: str = ""
    """`ok`, or the failure's code."""
    error: str = ""
    """The failure's detail."""
    started_at_unix_ms: int = 0
    completed_at_unix_ms: int = 0
    attempts: int = 0
    page_url: str = ""
    tab_id: str = ""
    principal: str = ""


STRICT: Final[dict[str, Any]] = {
    "extra": "forbid",
    "strict": True,
    "allow_inf_nan": False,
    "val_json_bytes": "base64",
    "ser_json_bytes": "base64",
}
"""How a door's validation (pydantic's) is to take these; in JSON, bytes are base64."""


LENIENT: Final[dict[str, Any]] = STRICT | {"extra": "ignore"}
"""For what other programs write, and may write more into than we read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserRequest:
    """Base of all requests."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class TabRequest(BrowserRequest):
    """Base of those about one tab."""

    tab_id: TabId = ""
    """Empty: the active tab."""
    timeout_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest(TabRequest):
    """Base of those that act on the page."""

    capture_failure_screenshot: bool = False
    max_failure_screenshot_bytes: ByteCount = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementRequest(ActionRequest):
    """Base of those that act on one element."""

    selector: Selector = ""
    strict: bool = False
    """Refuse a selector that fits several elements; otherwise the first that is visible is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserResponse:
    """Base of all responses. What failed says so: `success` false, `error` a `Failure`, the rest empty."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"ser_json_bytes": "base64"}

    success: bool = True
    error: str = ""
    detail: str = ""
    rule: str = ""
    """Of the policy, where one stood in the way."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResponse(BrowserResponse):
    """Base of what actions answer."""

    action_log: ActionLogEntry = field(default_factory=ActionLogEntry)
    failure_screenshot_bytes: bytes = b""
    failure_screenshot_mime_type: str = ""
