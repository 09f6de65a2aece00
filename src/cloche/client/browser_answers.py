"""What comes back from the browser service, as types; the fields are explained in docs/reference/browser-service.md."""

import json
from typing import Any

from pydantic import Base64Bytes, Field

from cloche.client.answers import Answer


class Usage(Answer):
    """What of a session's budget is taken and left. -1: there is no such limit, or it is not known."""

    actions: int = 0
    actions_left: int = -1
    window_actions_left: int = -1
    window_resets_in_ms: int = 0
    tabs: int = 0
    tabs_left: int = -1
    egress_bytes_left: int = -1
    memory_bytes: int = -1
    cpu_seconds: float = -1.0
    lifetime_left_ms: int = -1


class LoggedAction(Answer):
    action_id: str = ""
    action_name: str = ""
    selector: str = ""
    success: bool = False
    outcome: str = ""
    error: str = ""
    started_at_unix_ms: int = 0
    completed_at_unix_ms: int = 0
    attempts: int = 0
    page_url: str = ""
    tab_id: str = ""
    principal: str = ""


class BrowserAnswer(Answer):
    """Base of them all. `error` is the code of what failed, `rule` the policy's where one stood in the way."""

    success: bool
    error: str = ""
    detail: str = ""
    rule: str = ""
    usage: Usage = Usage()


class ActionAnswer(BrowserAnswer):
    action_log: LoggedAction = LoggedAction()
    failure_screenshot_bytes: Base64Bytes = b""
    failure_screenshot_mime_type: str = ""


class Dialog(Answer):
    """`message` is the page's own words."""

    type: str = ""
    message: str = ""
    default_prompt: str = ""
    url: str = ""


class Download(Answer):
    """`artifact_id` is what it has become, where that was there in time for the answer."""

    url: str = ""
    suggested_filename: str = ""
    guid: str = ""
    artifact_id: str = ""


class Effects(Answer):
    """What an action caused, as far as it showed before the answer."""

    navigated: bool = False
    navigated_url: str = ""
    new_tab_ids: tuple[str, ...] = ()
    downloads: tuple[Download, ...] = ()
    dialog: Dialog | None = None
    file_chooser: bool = False


class ElementAnswer(ActionAnswer):
    matches: int = 0
    effects: Effects = Effects()


class Redirect(Answer):
    url: str = ""
    status_code: int = 0


class NavigationTiming(Answer):
    response_ms: int = -1
    commit_ms: int = -1
    dom_content_loaded_ms: int = -1
    load_ms: int = -1


class Navigated(ActionAnswer):
    final_url: str = ""
    status_code: int = 0
    title: str = ""
    body_bytes: int = 0
    latency_ms: int = 0
    redirects: tuple[Redirect, ...] = ()
    timing: NavigationTiming = NavigationTiming()
    reached: str = ""


class Pointed(ElementAnswer):
    """Of a click and a hover; where, in CSS pixels of the viewport."""

    x: float = 0.0
    y: float = 0.0


class Typed(ElementAnswer):
    typed_bytes: int = 0


class Pressed(ElementAnswer):
    key: str = ""


class Selected(ElementAnswer):
    selected_value: str = ""
    selected_values: tuple[str, ...] = ()


class FilesGiven(ElementAnswer):
    uploaded_file_name: str = ""
    uploaded_file_bytes: int = 0
    uploaded_files: int = 0


class Scrolled(ElementAnswer):
    scroll_x: float = 0.0
    scroll_y: float = 0.0


class Waited(ActionAnswer):
    waited_ms: int = 0
    matched_selector: str = ""
    matched_text: str = ""
    matched_url: str = ""


class Highlighted(ActionAnswer):
    selector: str = ""


class DialogAnswered(ActionAnswer):
    dialog: Dialog = Dialog()


class Evaluated(ActionAnswer):
    value_json: str = ""
    type: str = ""

    @property
    def value(self) -> Any:
        """The result; None too for `undefined` and functions."""
        return json.loads(self.value_json) if self.value_json else None


class SelectionCaptured(BrowserAnswer):
    selector: str = ""
    selected_text: str = ""
    truncated: bool = False


class ViewportSet(ActionAnswer):
    width: int = 0
    height: int = 0
    device_scale_factor: float = 0.0
    mobile: bool = False


class Observed(BrowserAnswer):
    """Everything of the page stands between two lines that begin with `fence`, which the page cannot know."""

    accessibility_tree: str = ""
    dom_snapshot: str = ""
    visible_text: str = ""
    accessibility_tree_truncated: bool = False
    dom_truncated: bool = False
    visible_text_truncated: bool = False
    page_url: str = ""
    title: str = ""
    snapshot_id: str = ""
    next_cursor: str = ""
    fence: str = ""
    is_diff: bool = False
    element_count: int = 0
    matched_count: int = 0


class LayoutMetrics(Answer):
    viewport_width: float = 0.0
    viewport_height: float = 0.0
    device_scale_factor: float = 1.0
    document_scroll_width: float = 0.0
    document_scroll_height: float = 0.0
    document_client_width: float = 0.0
    document_client_height: float = 0.0
    horizontal_overflow: bool = False
    vertical_overflow: bool = False


class Screenshot(BrowserAnswer):
    image_bytes: Base64Bytes = b""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    layout_metrics: LayoutMetrics = LayoutMetrics()


class Pdf(BrowserAnswer):
    pdf_bytes: Base64Bytes = b""
    mime_type: str = ""
    size_bytes: int = 0
    sha256: str = ""
    artifact_id: str = ""
    """As what it is kept, if it is."""


class Title(BrowserAnswer):
    title: str = ""
    page_url: str = ""


class NetworkLog(BrowserAnswer):
    """Each entry has the fields of a `NetworkLogEntry`."""

    entries: tuple[dict[str, Any], ...] = ()
    truncated: bool = False
    next_after: int = 0
    dropped: int = 0


class ConsoleLog(BrowserAnswer):
    """Each entry has the fields of a `ConsoleLogEntry`."""

    entries: tuple[dict[str, Any], ...] = ()
    truncated: bool = False
    page_diagnostics: dict[str, Any] | None = None
    next_after: int = 0
    dropped: int = 0


class ActionLog(BrowserAnswer):
    entries: tuple[LoggedAction, ...] = ()
    truncated: bool = False
    dropped: int = 0


class Tab(Answer):
    tab_id: str = ""
    url: str = ""
    title: str = ""
    active: bool = False
    opener_tab_id: str = ""
    crashed: bool = False
    dialog: Dialog | None = None


class Tabs(BrowserAnswer):
    tabs: tuple[Tab, ...] = ()
    active_tab_id: str = ""


class TabOpened(BrowserAnswer):
    tab: Tab | None = None
    navigated: bool = False
    status_code: int = 0


class TabSwitched(BrowserAnswer):
    active_tab: Tab | None = None


class TabClosed(BrowserAnswer):
    closed_tab_id: str = ""
    active_tab: Tab | None = None
    tabs_remaining: int = 0


class Permissions(BrowserAnswer):
    """What pages may use, each `ask`, `allow` or `deny`."""

    permissions: dict[str, str] = Field(default_factory=dict)


class StateReset(BrowserAnswer):
    cookies_cleared: int = 0
    storage_entries_cleared: int = 0
    tabs_closed: int = 0
    permissions: dict[str, str] = Field(default_factory=dict)


class Cookies(BrowserAnswer):
    """In Playwright's format."""

    cookies: tuple[dict[str, Any], ...] = ()


class CookiesSet(BrowserAnswer):
    cookies_set: int = 0


class CookiesCleared(BrowserAnswer):
    cookies_cleared: int = 0


class StorageState(BrowserAnswer):
    """In Playwright's format."""

    storage_state: dict[str, Any] = Field(default_factory=dict)


class StorageStateSet(BrowserAnswer):
    cookies_set: int = 0
    origins_set: int = 0


class Inspection(BrowserAnswer):
    """A redacted bundle for finding out what went wrong."""

    session_id: str = ""
    tabs: tuple[Tab, ...] = ()
    cookies: tuple[dict[str, Any], ...] = ()
    storage: tuple[dict[str, Any], ...] = ()
    action_log: tuple[LoggedAction, ...] = ()
    network_log: tuple[dict[str, Any], ...] = ()
    dom_snapshot: str = ""
    visible_text: str = ""
    page_url: str = ""
    console_log: tuple[dict[str, Any], ...] = ()
    page_diagnostics: dict[str, Any] | None = None
    cookies_truncated: bool = False
    storage_truncated: bool = False
    action_log_truncated: bool = False
    network_log_truncated: bool = False
    dom_truncated: bool = False
    visible_text_truncated: bool = False
    console_log_truncated: bool = False
