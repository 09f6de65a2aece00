"""The console log: what pages wrote, what they threw, and what the browser has to say about them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cloche.browser.contract.logs import ConsoleLogEntry
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import AnswerMalformedError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.logs.console_events import Called, EntryAdded, Stack, Thrown
from cloche.browser.logs.console_text import message_of, stack_of, text_of
from cloche.browser.logs.rings import Rings
from cloche.browser.redact.text import redact_text
from cloche.browser.redact.urls import redact_url

if TYPE_CHECKING:
    from cloche.browser.tab import Tab

MAX_MESSAGE_CHARS: Final = 1024
MAX_SOURCE_CHARS: Final = 256
MAX_STACK_CHARS: Final = 1024
FORGET_EVERY: Final = 200
"""Messages, after which Chromium is told that the objects in them are not needed: it keeps them for us otherwise."""

SEVERITIES: Final = ("debug", "info", "warning", "error")
_OF_CALL: Final = {"debug": "debug", "trace": "debug", "warning": "warning", "error": "error", "assert": "error"}
_OF_LEVEL: Final = {"verbose": "debug", "info": "info", "warning": "warning", "error": "error"}


class ConsoleLog:
    """An observer of all tabs (`memory.Observer`). Owned by the session's `Memory`."""

    def __init__(self, entries_per_tab: int) -> None:
        self.rings: Rings[list[ConsoleLogEntry]] = Rings(entries_per_tab)
        """Lists of one, so that a repetition can be counted in its place. As they came: `shown` goes before an answer.

        A page can log more than can be redacted, and its answers would have to wait behind that.
        """
        self.methods = frozenset(_TAKERS)
        self._since_forgotten = 0

    def take(self, tab: "Tab", session: TargetSession, method: str, params: msgspec.Raw) -> None:
        kind, taker = _TAKERS[method]
        try:
            taker(self, tab, session, read(params, kind))
        except AnswerMalformedError:
            session.connection.not_understood(method)

    def _called(self, tab: "Tab", session: TargetSession, event: Called) -> None:
        severity = _OF_CALL.get(event.type, "info")
        self._add(tab, severity, f"console.{event.type[:56]}", message_of(event), event.stackTrace, event.timestamp)
        self._since_forgotten += len(event.args)
        if self._since_forgotten >= FORGET_EVERY:
            self._since_forgotten = 0
            session.notify("Runtime.releaseObjectGroup", {"objectGroup": "console"})

    def _thrown(self, tab: "Tab", session: TargetSession, event: Thrown) -> None:
        details = event.exceptionDetails
        what = text_of(details.exception) if details.exception is not None else ""
        message = f"{details.text} {what}".strip()
        stack = details.stackTrace
        place = (details.url, details.lineNumber, details.columnNumber)
        self._add(tab, "error", "exception", message, stack, event.timestamp, place)

    def _entry(self, tab: "Tab", session: TargetSession, event: EntryAdded) -> None:
        entry = event.entry
        place = (entry.url, entry.lineNumber, -1)
        severity = _OF_LEVEL.get(entry.level, "info")
        self._add(tab, severity, entry.source[:64], entry.text, entry.stackTrace, entry.timestamp, place)

    def _add(
        self,
        tab: "Tab",
        severity: str,
        kind: str,
        message: str,
        stack: Stack | None,
        at: float,
        place: tuple[str, int, int] = ("", -1, -1),
    ) -> None:
        url, line, column = place
        if not url and stack is not None and stack.callFrames:
            top = stack.callFrames[0]
            url, line, column = top.url, top.lineNumber, top.columnNumber
        entry = ConsoleLogEntry(
            severity=severity,
            kind=kind,
            message=message[: 2 * MAX_MESSAGE_CHARS],
            source=url[: 8 * MAX_SOURCE_CHARS],
            line=line + 1 if line >= 0 else -1,
            column=column + 1 if column >= 0 else -1,
            stack=stack_of(stack)[: 2 * MAX_STACK_CHARS],
            page_url=tab.url[: 8 * MAX_SOURCE_CHARS],
            tab_id=tab.id,
            captured_at_unix_ms=round(at),
        )
        last = self.rings.last(tab.id)
        if last is not None and _same(last[0], entry):
            last[0] = replace(last[0], count=last[0].count + 1, captured_at_unix_ms=entry.captured_at_unix_ms)
        else:
            self.rings.add(tab.id, [entry])


def shown(entry: ConsoleLogEntry) -> ConsoleLogEntry:
    """Return an entry without its secrets, and no longer than may be."""
    return replace(
        entry,
        message=redact_text(entry.message)[:MAX_MESSAGE_CHARS],
        source=redact_url(entry.source, max_chars=MAX_SOURCE_CHARS) if entry.source else "",
        stack=redact_text(entry.stack)[:MAX_STACK_CHARS],
        page_url=redact_url(entry.page_url, max_chars=MAX_SOURCE_CHARS),
    )


def _same(one: ConsoleLogEntry, other: ConsoleLogEntry) -> bool:
    return replace(one, count=1, captured_at_unix_ms=0) == replace(other, count=1, captured_at_unix_ms=0)


_Taker = Callable[[ConsoleLog, "Tab", TargetSession, Any], None]
_TAKERS: Final[dict[str, tuple[type[Any], _Taker]]] = {
    "Runtime.consoleAPICalled": (Called, ConsoleLog._called),
    "Runtime.exceptionThrown": (Thrown, ConsoleLog._thrown),
    "Log.entryAdded": (EntryAdded, ConsoleLog._entry),
}
