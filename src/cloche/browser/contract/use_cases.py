"""The table of all use cases: what both doors, the clients and the tests are made from. Pure.

Relay is not here: it is a door of its own (`api.relay`) to three of these.
"""

from dataclasses import dataclass
from typing import Final

from cloche.browser.contract import actions, logs, looking, pages, state, tabs
from cloche.browser.contract.common import ActionRequest, BrowserRequest, BrowserResponse, TabRequest


@dataclass(frozen=True, slots=True)
class UseCase:
    """One row. `method` is its name in `sessions.interface.SessionBrowser`."""

    rpc: str
    method: str
    request: type[BrowserRequest]
    response: type[BrowserResponse]
    verb: str
    path: str
    """REST: below the session's address. GET takes the request as a query."""

    @property
    def is_action(self) -> bool:
        """Whether it acts on a page: such calls take from the budget and stand in the action log."""
        return issubclass(self.request, ActionRequest) or self.rpc in _ALSO_ACTIONS

    @property
    def names_tab(self) -> bool:
        return issubclass(self.request, TabRequest)


_ALSO_ACTIONS: Final = frozenset({"OpenTab", "SwitchTab", "CloseTab", "Dialog", "ResetState", "SetPermissions"})


def _row(rpc: str, method: str, module: object, verb: str, path: str) -> UseCase:
    return UseCase(rpc, method, getattr(module, f"{rpc}Request"), getattr(module, f"{rpc}Response"), verb, path)


USE_CASES: Final[tuple[UseCase, ...]] = (
    _row("Navigate", "navigate", pages, "POST", "/navigate"),
    UseCase("Back", "back", pages.BackRequest, pages.NavigateResponse, "POST", "/back"),
    UseCase("Forward", "forward", pages.ForwardRequest, pages.NavigateResponse, "POST", "/forward"),
    UseCase("Reload", "reload", pages.ReloadRequest, pages.NavigateResponse, "POST", "/reload"),
    _row("Click", "click", actions, "POST", "/click"),
    _row("Hover", "hover", actions, "POST", "/hover"),
    _row("Drag", "drag", actions, "POST", "/drag"),
    _row("Type", "type", actions, "POST", "/type"),
    _row("Press", "press", actions, "POST", "/press"),
    _row("Select", "select", actions, "POST", "/select"),
    _row("SetFileInput", "set_file_input", actions, "POST", "/upload"),
    _row("Scroll", "scroll", actions, "POST", "/scroll"),
    _row("WaitFor", "wait_for", actions, "POST", "/wait_for"),
    _row("Highlight", "highlight", actions, "POST", "/highlight"),
    _row("Dialog", "dialog", actions, "POST", "/dialog"),
    _row("Evaluate", "evaluate", actions, "POST", "/evaluate"),
    _row("CaptureSelection", "capture_selection", actions, "GET", "/selection"),
    _row("SetViewport", "set_viewport", state, "POST", "/viewport"),
    _row("Observe", "observe", looking, "GET", "/observe"),
    _row("Screenshot", "screenshot", looking, "GET", "/screenshot"),
    _row("ExportPdf", "export_pdf", looking, "GET", "/pdf"),
    _row("GetTitle", "get_title", looking, "GET", "/title"),
    _row("NetworkLog", "network_log", logs, "GET", "/network_log"),
    _row("ConsoleLog", "console_log", logs, "GET", "/console_log"),
    _row("ActionLog", "action_log", logs, "GET", "/action_log"),
    _row("ListTabs", "list_tabs", tabs, "GET", "/tabs"),
    _row("OpenTab", "open_tab", tabs, "POST", "/tabs"),
    _row("SwitchTab", "switch_tab", tabs, "POST", "/tabs/switch"),
    _row("CloseTab", "close_tab", tabs, "POST", "/tabs/close"),
    _row("GetPermissions", "get_permissions", state, "GET", "/permissions"),
    _row("SetPermissions", "set_permissions", state, "POST", "/permissions"),
    _row("ResetState", "reset_state", state, "POST", "/reset_state"),
    _row("GetCookies", "get_cookies", state, "GET", "/cookies"),
    _row("SetCookies", "set_cookies", state, "POST", "/cookies"),
    _row("ClearCookies", "clear_cookies", state, "POST", "/cookies/clear"),
    _row("GetStorageState", "get_storage_state", state, "GET", "/storage_state"),
    _row("SetStorageState", "set_storage_state", state, "POST", "/storage_state"),
    _row("InspectSession", "inspect_session", state, "GET", "/inspect"),
)
