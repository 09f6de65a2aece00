"""Which function carries out which use case."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from cloche.browser import observe
from cloche.browser.actions import fields, highlight, pointer, scrolling, typing, waiting
from cloche.browser.call import Call
from cloche.browser.contract import actions, logs, looking, pages
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.browser.logs import answers
from cloche.browser.navigation import history, navigate
from cloche.browser.pictures import pdf, screenshot

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
}
