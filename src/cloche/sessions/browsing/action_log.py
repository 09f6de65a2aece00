"""The last actions of a session: what was done where, by whom, and how it ended. Redacted, and never what was typed."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ulid import ULID

from cloche.browser.contract.common import ActionLogEntry
from cloche.browser.contract.logs import ActionLogRequest, ActionLogResponse
from cloche.browser.redact.text import redact_text
from cloche.browser.redact.urls import redact_url, shortened

MAX_SELECTOR_CHARS: Final = 256
MAX_ERROR_CHARS: Final = 512
MAX_URL_CHARS: Final = 512

OK: Final = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action that is over, as it was: nothing of it is shown as it stands here."""

    name: str
    selector: str
    outcome: str
    """`ok`, or the code of what it failed of."""
    error: str
    started_at: datetime
    ended_at: datetime
    attempts: int
    """0 for what was refused."""
    page_url: str
    tab_id: str
    principal: str


class ActionLog:
    """Owned by the session's browser service; holds the newest `size` entries."""

    def __init__(self, size: int) -> None:
        self._entries: deque[ActionLogEntry] = deque(maxlen=size)
        self._added = 0

    def add(self, action: Action) -> ActionLogEntry:
        """Redact an action and keep it."""
        entry = ActionLogEntry(
            action_id=f"act_{ULID()}",
            action_name=action.name,
            selector=shortened(redact_text(action.selector), MAX_SELECTOR_CHARS),
            success=action.outcome == OK,
            outcome=action.outcome,
            error=shortened(redact_text(action.error), MAX_ERROR_CHARS),
            started_at_unix_ms=_unix_ms(action.started_at),
            completed_at_unix_ms=_unix_ms(action.ended_at),
            attempts=action.attempts,
            page_url=redact_url(action.page_url, max_chars=MAX_URL_CHARS),
            tab_id=action.tab_id,
            principal=action.principal,
        )
        self._entries.append(entry)
        self._added += 1
        return entry

    def read(self, limit: int = 0) -> tuple[list[ActionLogEntry], bool]:
        """The newest `limit` entries (0: all), oldest first, and whether there are more."""
        return _newest(list(self._entries), limit)

    def answer(self, request: ActionLogRequest) -> ActionLogResponse:
        wanted = [entry for entry in self._entries if not (request.failed_only and entry.success)]
        entries, truncated = _newest(wanted, request.limit)
        return ActionLogResponse(entries=entries, truncated=truncated, dropped=self._added - len(self._entries))


def _newest(entries: list[ActionLogEntry], limit: int) -> tuple[list[ActionLogEntry], bool]:
    truncated = 0 < limit < len(entries)
    return (entries[-limit:] if truncated else entries), truncated


def _unix_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
