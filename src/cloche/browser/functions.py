"""Which function carries out which use case."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from cloche.browser import dialogs, evaluate, observe, tabs
from cloche.browser.actions import fields, highlight, pointer, scrolling, typing, waiting
from cloche.browser.call import Call
from cloche.browser.contract import actions, logs, looking, pages, state
from cloche.browser.contract import tabs as tab_requests
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.browser.logs import answers
from cloche.browser.navigation import history, navigate
from cloche.browser.pictures import pdf, screenshot
from cloche.browser.state import cookies, inspect, permissions, reset, storage_state, viewport

Function = Callable[[Call, Any], Awaitable[BrowserResponse]]

FUNCTIONS: Final[Mapping[type[BrowserRequest], Function]] = {
    pages.NavigateRequest: navigate.navigate,
    pages.BackRequest: history.back,
    pages.ForwardRequest: history.forward,
    pages.ReloadRequest: history.reload,
    actions.ClickRequest: pointer.click,
    actions.HoverRequest: pointer.hover,
    actions.DragRequest: pointer.drag,
    actions.TypeRequest: typing.type_text,
    actions.PressRequest: typing.press,
    actions.SelectRequest: fields.select,
    actions.SetFileInputRequest: fields.set_file_input,
    actions.ScrollRequest: scrolling.scroll,
    actions.WaitForRequest: waiting.wait_for,
    actions.HighlightRequest: highlight.highlight,
    actions.CaptureSelectionRequest: observe.capture_selection,
    looking.ObserveRequest: observe.observe,
    looking.GetTitleRequest: observe.get_title,
    looking.ScreenshotRequest: screenshot.screenshot,
    looking.ExportPdfRequest: pdf.export_pdf,
    logs.NetworkLogRequest: answers.network_log,
    logs.ConsoleLogRequest: answers.console_log,
    actions.DialogRequest: dialogs.dialog,
    actions.EvaluateRequest: evaluate.evaluate,
    tab_requests.ListTabsRequest: tabs.list_tabs,
    tab_requests.OpenTabRequest: tabs.open_tab,
    tab_requests.SwitchTabRequest: tabs.switch_tab,
    tab_requests.CloseTabRequest: tabs.close_tab,
    state.SetViewportRequest: viewport.set_viewport,
    state.GetPermissionsRequest: permissions.get_permissions,
    state.SetPermissionsRequest: permissions.set_permissions,
    state.ResetStateRequest: reset.reset_state,
    state.GetCookiesRequest: cookies.get_cookies,
    state.SetCookiesRequest: cookies.set_cookies,
    state.ClearCookiesRequest: cookies.clear_cookies,
    state.GetStorageStateRequest: storage_state.get_storage_state,
    state.SetStorageStateRequest: storage_state.set_storage_state,
    state.InspectSessionRequest: inspect.inspect_session,
}
"""All but ActionLog: what was done is kept by `sessions.browsing`, also what was refused before it came here."""
