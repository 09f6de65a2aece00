"""What becomes of sessions, as it goes into the audit journal: most of their events, and who came and went.

An event that stands in the journal has the same name there. What the browser is asked for is written down by
`browsing.auditing`, which knows more of it than its event tells.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from cloche.audit.model import AuditRecord
from cloche.sessions.audit import AuditWriter
from cloche.sessions.events import Data
from cloche.sessions.model import EventType, Session
from cloche.sessions.news import OF_THINGS, Change
from cloche.sessions.principal import Principal
from cloche.sessions.runner_parts import RunnerParts

SERVER: Final = "cloche"
SANDBOX: Final = "sandbox"
LINK: Final = "link"
"""Whoever came by a session's own link, with its token and without a key."""

# What becomes of a file is noted where it is known, with the file's id: see `artifacts.collector`.
AUDITED: Final = frozenset(
    {
        EventType.EXTENDED,
        EventType.ADOPTED,
        EventType.CLOSING,
        EventType.CLOSED,
        EventType.FAILED,
        EventType.AGENT_EXEC,
        EventType.MACHINE_PROCESS,
        EventType.MACHINE_FILES,
        EventType.EGRESS_REFUSED,
        EventType.BUDGET_EXHAUSTED,
        EventType.MEMORY_EXCEEDED,
        EventType.PROFILE_RESTORED,
        EventType.PROFILE_SAVED,
        EventType.PROFILE_NOT_SAVED,
    }
)
_BY_THE_PAGE: Final = frozenset(
    {
        EventType.EGRESS_REFUSED,
        EventType.BUDGET_EXHAUSTED,
        EventType.MEMORY_EXCEEDED,
    }
)
_NOT_DONE: Final = frozenset({EventType.FAILED, EventType.EGRESS_REFUSED, EventType.PROFILE_NOT_SAVED})
"""Their outcome is the reason they give."""
_TOLD_OF_NO_PRIVATE_SESSION: Final = frozenset({"host", "name", "file_name", "url", "source_url", "page", "rule"})


def announce(
    parts: RunnerParts, session: Session, type_: EventType, data: Data | None = None, *, burst: int | None = None
) -> bool:
    """Tell an event to whoever listens, and the journal what belongs there. With `burst`, not too often."""
    if burst is None:
        parts.events.publish(session.id, type_, data)
    elif not parts.events.publish_coalesced(session.id, type_, data, burst=burst):
        return False
    kind, told = type_.partition(".")[0], data or {}
    if kind in OF_THINGS:
        parts.news.publish(session.owner, Change(kind, str(told.get(kind) or ""), str(type_)))
    parts.news.publish(session.owner, Change("session", session.id, str(type_)))
    if type_ in AUDITED:
        parts.audit.note(_record(session, type_, told))
    return True


def note_created(audit: AuditWriter, session: Session) -> None:
    options = session.options
    data: Data = {"engine": str(options.engine), "machine": options.machine, "private": options.private}
    data = {**data, "pool": options.pool} if options.pool is not None else data
    audit.note(session_record("session.created", session, actor=session.owner, data=data))


def note_close(audit: AuditWriter, session: Session, principal: Principal) -> None:
    """Somebody has asked for the end of a session."""
    audit.note(session_record("session.close", session, actor=principal.name))


def note_standby(audit: AuditWriter, kind: str, session: Session, principal: Principal) -> None:
    """Somebody has put a session to sleep, or woken it. What it does by itself is told by events alone."""
    audit.note(session_record(kind, session, actor=principal.name))


@asynccontextmanager
async def client_of(
    audit: AuditWriter, session: Session, principal: Principal | None, *, quiet: bool
) -> AsyncIterator[None]:
    """Write down a DevTools client for as long as it is there. Raises: JournalError when that cannot be done."""
    if quiet:
        yield
        return
    audit.require()
    actor = principal.name if principal is not None else LINK
    audit.note(session_record("devtools.attached", session, actor=actor))
    try:
        await audit.settled()
        yield
    finally:
        audit.note(session_record("devtools.detached", session, actor=actor))


def session_record(
    kind: str, session: Session, *, actor: str, subject: str = "", outcome: str = "ok", data: Data | None = None
) -> AuditRecord:
    """A record of something in a session; of a private one without where it was and what it saw."""
    kept = dict(data or {})
    if session.options.private:
        kept = {name: value for name, value in kept.items() if name not in _TOLD_OF_NO_PRIVATE_SESSION}
    return AuditRecord(
        kind=kind,
        actor=actor,
        owner=session.owner,
        session_id=session.id,
        subject=subject,
        outcome=outcome,
        data=kept,
    )


def _record(session: Session, type_: EventType, data: Data) -> AuditRecord:
    by_itself = SANDBOX if type_ in _BY_THE_PAGE else SERVER
    return session_record(
        str(type_),
        session,
        actor=str(data.get("by") or by_itself),
        subject=str(data.get("profile") or data.get("artifact") or ""),
        outcome=str(data.get("reason") or "failed") if type_ in _NOT_DONE else "ok",
        data={name: value for name, value in data.items() if name not in {"by", "profile", "artifact"}},
    )
