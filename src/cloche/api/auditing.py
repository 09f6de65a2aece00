"""Between the HTTP doors and the audit journal: no change is confirmed before its record is written, and no failed
sign-in goes unrecorded.

Whoever does something notes it; that it is written before the answer leaves is the same for all of them, and so it is
here. Use cases that doors without HTTP have too wait for themselves.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloche.api.auth.failures import AuthFailures, denied
from cloche.errors import JournalError
from cloche.sessions.audit import AuditWriter

ANSWERED_ANYHOW: Final = "answered_anyhow"
"""What a route sets in its request's state to be answered also where its record cannot be written."""
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class AuditMiddleware:
    """Inside of what makes problems of errors: a record that could not be written is one."""

    def __init__(self, app: ASGIApp, journal: AuditWriter, failures: AuthFailures) -> None:
        self._app = app
        self._journal = journal
        self._failures = failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        unwritten: JournalError | None = None

        async def after_its_record(message: Message) -> None:
            nonlocal unwritten
            if message["type"] == "http.response.start":
                try:
                    await self._on_answer(scope, message["status"])
                except JournalError as error:
                    unwritten = error
            # Raised from here it would look to the framework like a handler's error after the answer has begun.
            if unwritten is None:
                await send(message)

        await self._app(scope, receive, after_its_record)
        if unwritten is not None:
            raise unwritten

    async def _on_answer(self, scope: Scope, status: int) -> None:
        if status == _UNAUTHORIZED:
            self._failures.note(scope["client"][0] if scope.get("client") else "")
        elif status == _FORBIDDEN and (caller := scope.get("state", {}).get("caller")) is not None:
            path = getattr(scope.get("route"), "path", "")
            self._journal.note(denied(caller, f"{scope['method']} {path}"))
        elif status < 400 and scope["method"] not in _READS and not scope.get("state", {}).get(ANSWERED_ANYHOW):
            await self._journal.settled()
