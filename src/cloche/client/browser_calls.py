"""Every use case of the browser service as a value; see `calls`. Pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from cloche.client import browser_answers as answers
from cloche.client.browser_answers import BrowserAnswer
from cloche.client.calls import Call, Query, session_path

A = TypeVar("A", bound=BrowserAnswer)

SLACK_S: Final = 30.0
"""How much longer than its own `timeout_ms` an answer may take."""


class ActionFailedError(Exception):
    """Something asked of the browser did not succeed: an answer as any other, and no `ClocheError`.

    `code` says why (docs/reference/browser-service.md lists them), `detail` is for people.
    """

    def __init__(self, code: str, detail: str, response: BrowserAnswer) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.response = response


def checked(answer: A, check: bool) -> A:
    """Raises: ActionFailedError."""
    if check and not answer.success:
        raise ActionFailedError(answer.error, answer.detail, answer)
    return answer


@dataclass(frozen=True, slots=True)
class UseCase(Generic[A]):
    verb: str
    path: str
    answer: type[A]

    def call(self, session_id: str, fields: Mapping[str, Any]) -> Call[A]:
        """`fields` are those of the request; what is None is left out."""
        given = {name: value for name, value in fields.items() if value is not None}
        timeout_ms = given.get("timeout_ms", 0)
        return Call(
            method=self.verb,
            path=session_path(session_id) + self.path,
            parse=self.answer.model_validate_json,
            query=_query(given) if self.verb == "GET" else [],
            body=_sendable(given) if self.verb == "POST" else None,
            may_take_s=timeout_ms / 1000 + SLACK_S if isinstance(timeout_ms, int) else 0.0,
        )


def _query(fields: Mapping[str, Any]) -> Query:
    """Lists are repeated; a box is a name for each of its sides."""
    query: Query = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            query += [(f"{name}_{side}", _text(length)) for side, length in value.items()]
        elif isinstance(value, list | tuple):
            query += [(name, _text(item)) for item in value]
        else:
            query.append((name, _text(value)))
    return query


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sendable(value: Any) -> Any:
    """The same, with bytes as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _sendable(item) for name, item in value.items()}
    return [_sendable(item) for item in value] if isinstance(value, list | tuple) else value


NAVIGATE: Final = UseCase("POST", "/navigate", answers.Navigated)
BACK: Final = UseCase("POST", "/back", answers.Navigated)
FORWARD: Final = UseCase("POST", "/forward", answers.Navigated)
RELOAD: Final = UseCase("POST", "/reload", answers.Navigated)
CLICK: Final = UseCase("POST", "/click", answers.Pointed)
HOVER: Final = UseCase("POST", "/hover", answers.Pointed)
DRAG: Final = UseCase("POST", "/drag", answers.ElementAnswer)
TYPE: Final = UseCase("POST", "/type", answers.Typed)
PRESS: Final = UseCase("POST", "/press", answers.Pressed)
SELECT: Final = UseCase("POST", "/select", answers.Selected)
SET_FILE_INPUT: Final = UseCase("POST", "/upload", answers.FilesGiven)
SCROLL: Final = UseCase("POST", "/scroll", answers.Scrolled)
WAIT_FOR: Final = UseCase("POST", "/wait_for", answers.Waited)
HIGHLIGHT: Final = UseCase("POST", "/highlight", answers.Highlighted)
DIALOG: Final = UseCase("POST", "/dialog", answers.DialogAnswered)
EVALUATE: Final = UseCase("POST", "/evaluate", answers.Evaluated)
CAPTURE_SELECTION: Final = UseCase("GET", "/selection", answers.SelectionCaptured)
SET_VIEWPORT: Final = UseCase("POST", "/viewport", answers.ViewportSet)
OBSERVE: Final = UseCase("GET", "/observe", answers.Observed)
SCREENSHOT: Final = UseCase("GET", "/screenshot", answers.Screenshot)
EXPORT_PDF: Final = UseCase("GET", "/pdf", answers.Pdf)
GET_TITLE: Final = UseCase("GET", "/title", answers.Title)
NETWORK_LOG: Final = UseCase("GET", "/network_log", answers.NetworkLog)
CONSOLE_LOG: Final = UseCase("GET", "/console_log", answers.ConsoleLog)
ACTION_LOG: Final = UseCase("GET", "/action_log", answers.ActionLog)
LIST_TABS: Final = UseCase("GET", "/tabs", answers.Tabs)
OPEN_TAB: Final = UseCase("POST", "/tabs", answers.TabOpened)
SWITCH_TAB: Final = UseCase("POST", "/tabs/switch", answers.TabSwitched)
CLOSE_TAB: Final = UseCase("POST", "/tabs/close", answers.TabClosed)
GET_PERMISSIONS: Final = UseCase("GET", "/permissions", answers.Permissions)
SET_PERMISSIONS: Final = UseCase("POST", "/permissions", answers.Permissions)
RESET_STATE: Final = UseCase("POST", "/reset_state", answers.StateReset)
GET_COOKIES: Final = UseCase("GET", "/cookies", answers.Cookies)
SET_COOKIES: Final = UseCase("POST", "/cookies", answers.CookiesSet)
CLEAR_COOKIES: Final = UseCase("POST", "/cookies/clear", answers.CookiesCleared)
GET_STORAGE_STATE: Final = UseCase("GET", "/storage_state", answers.StorageState)
SET_STORAGE_STATE: Final = UseCase("POST", "/storage_state", answers.StorageStateSet)
INSPECT_SESSION: Final = UseCase("GET", "/inspect", answers.Inspection)
