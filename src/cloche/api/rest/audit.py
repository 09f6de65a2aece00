"""`/v1/audit`: what was done, by whom, to what. An admin reads all of it, everybody what concerns the own things."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from cloche.api.auditing import ANSWERED_ANYHOW
from cloche.api.deps import KEY_SECURITY, Admin, ApiDeps, Audit, Caller, Deps
from cloche.api.rest.audit_schemas import AuditListOut, VerifiedOut, render_event, render_verified
from cloche.audit.model import AuditEvent, AuditFilter, AuditRecord
from cloche.errors import JournalError
from cloche.sessions.audit import exported_line
from cloche.sessions.principal import Principal

router = APIRouter(prefix="/v1/audit", tags=["audit"], dependencies=KEY_SECURITY)

NDJSON: Final = "application/x-ndjson"
LINES_AT_ONCE: Final = 200


async def wanted_of(
    kind: Annotated[str | None, Query(max_length=64, description="A kind, or its beginning: `session.`")] = None,
    actor: Annotated[str | None, Query(max_length=128)] = None,
    session_id: Annotated[str | None, Query(max_length=64)] = None,
    subject: Annotated[str | None, Query(max_length=128)] = None,
    since: Annotated[AwareDatetime | None, Query(description="At this time or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this time.")] = None,
) -> AuditFilter:
    return AuditFilter(
        kind=kind,
        actor=actor,
        session_id=session_id,
        subject=subject,
        since=since.astimezone(UTC) if since is not None else None,
        until=until.astimezone(UTC) if until is not None else None,
    )


Wanted = Annotated[AuditFilter, Depends(wanted_of)]


@router.get("")
async def list_audit_events(
    caller: Caller,
    audit: Audit,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=32)] = None,
    after: Annotated[int | None, Query(ge=0, lt=2**63, description="Oldest first, behind this number.")] = None,
) -> AuditListOut:
    """List what was done, newest first; with `after` oldest first, for following."""
    page = await audit.list(caller, wanted, limit=limit, cursor=cursor, after=after)
    return AuditListOut(events=[render_event(event) for event in page.events], next_cursor=page.next_cursor)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "One event a line."}},
)
async def export_audit_events(admin: Admin, audit: Audit, wanted: Wanted, deps: Deps) -> StreamingResponse:
    """All of it as JSON Lines, oldest first, with the hashes: whoever has it can follow the chain without a server."""
    _note(deps, "audit.exported", admin)
    with suppress(JournalError):  # one that cannot be written must be read all the more
        await deps.journal.settled()
    return StreamingResponse(_lines(audit.export(admin, wanted)), media_type=NDJSON)


@router.post("/verify")
async def verify_audit_journal(admin: Admin, audit: Audit, deps: Deps, request: Request) -> VerifiedOut:
    """Follow the whole chain, and tell the first row at which it does not hold."""
    verified = await audit.verify(admin)
    _note(deps, "audit.verified", admin, outcome="ok" if verified.broken_at is None else "broken")
    with suppress(JournalError):  # one that cannot be written must be looked at all the more
        await deps.journal.settled()
    setattr(request.state, ANSWERED_ANYHOW, True)
    return render_verified(verified)


async def _lines(events: AsyncIterator[AuditEvent]) -> AsyncIterator[bytes]:
    held: list[str] = []
    async for event in events:
        held.append(exported_line(event))
        if len(held) >= LINES_AT_ONCE:
            yield "".join(held).encode()
            held.clear()
    yield "".join(held).encode()


def _note(deps: ApiDeps, kind: str, admin: Principal, outcome: str = "ok") -> None:
    deps.journal.note(AuditRecord(kind=kind, actor=admin.name, outcome=outcome))
