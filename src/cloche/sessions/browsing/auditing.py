"""What a session's browser was asked for, as it goes into the audit journal.

Of each call: who, which use case, on which tab and page (its address redacted), and how it ended. Never a selector, a
key, a value, a typed text or what came back; of a private session not the page either.
"""

from typing import Final

from cloche.audit.model import AuditRecord
from cloche.browser.contract.actions import TypeRequest
from cloche.browser.contract.common import BrowserRequest
from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.use_cases import UseCase
from cloche.browser.redact.urls import redact_url
from cloche.sessions.audit import AuditWriter
from cloche.sessions.model import Session
from cloche.sessions.principal import Principal

SECRET_READS: Final = frozenset({"get_cookies", "get_storage_state", "inspect_session"})
"""They hand out what whoever has it is logged in with: as little without a record as any action."""
MAX_PAGE_CHARS: Final = 300


class CallAudit:
    """Owned by the browser service of one session."""

    def __init__(self, writer: AuditWriter) -> None:
        self._writer = writer

    def require(self, case: UseCase) -> None:
        """Raises: JournalError when the case must be written down and cannot be."""
        if must_stand(case):
            self._writer.require()

    async def settled(self, case: UseCase) -> None:
        """Wait until the case is written, if it must be before it is answered. Raises: JournalError."""
        if must_stand(case):
            await self._writer.settled()

    def note(
        self,
        session: Session,
        principal: Principal,
        case: UseCase,
        request: BrowserRequest,
        *,
        outcome: str,
        tab_id: str,
        page_url: str,
        took_s: float,
    ) -> None:
        data: dict[str, str | int] = {"tab": tab_id, "took_ms": round(took_s * 1000)}
        if page_url and not session.options.private:
            data["page"] = redact_url(page_url, max_chars=MAX_PAGE_CHARS)
        if isinstance(request, NavigateRequest) and outcome != "ok" and not session.options.private:
            data["to"] = redact_url(request.url, max_chars=MAX_PAGE_CHARS)
        if isinstance(request, TypeRequest):
            data["typed_bytes"] = len(request.text.encode("utf-8", "surrogatepass"))
        self._writer.note(
            AuditRecord(
                kind=kind_of(case),
                actor=principal.name,
                owner=session.owner,
                session_id=session.id,
                outcome=outcome,
                data=data,
            )
        )


def kind_of(case: UseCase) -> str:
    return f"{'action' if is_change(case) else 'read'}.{case.method}"


def is_change(case: UseCase) -> bool:
    return case.is_action or case.verb != "GET"


def must_stand(case: UseCase) -> bool:
    """Whether a case is answered only once it is written down."""
    return is_change(case) or case.method in SECRET_READS
