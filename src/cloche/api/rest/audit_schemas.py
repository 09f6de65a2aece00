"""The shapes of `/v1/audit`."""

from datetime import datetime

from pydantic import BaseModel, Field

from cloche.audit.model import AuditEvent, Verified


class AuditEventOut(BaseModel):
    seq: int = Field(description="Its place in the journal, from 1 on.")
    at: datetime
    kind: str
    actor: str = Field(description="Whose key it was; `cloche` for the server itself, `sandbox` for a page.")
    owner: str = Field(description="Whose session, profile, artifact or key it is.")
    session_id: str
    subject: str = Field(description="The id of the key, profile or artifact.")
    outcome: str = Field(description="`ok`, or the code of an error.")
    data: dict[str, str | int | bool | None]
    hash: str


class AuditListOut(BaseModel):
    events: list[AuditEventOut]
    next_cursor: str | None


class VerifiedOut(BaseModel):
    holds: bool
    rows: int
    segments: int
    first_seq: int
    last_seq: int
    broken_at: int | None = Field(description="The first row at which the chain does not hold.")
    reason: str


def render_event(event: AuditEvent) -> AuditEventOut:
    record = event.record
    return AuditEventOut.model_validate(
        {
            "seq": event.seq,
            "at": event.at,
            "kind": record.kind,
            "actor": record.actor,
            "owner": record.owner,
            "session_id": record.session_id,
            "subject": record.subject,
            "outcome": record.outcome,
            "data": dict(record.data),
            "hash": event.hash,
        }
    )


def render_verified(verified: Verified) -> VerifiedOut:
    return VerifiedOut(
        holds=verified.broken_at is None,
        rows=verified.rows,
        segments=verified.segments,
        first_seq=verified.first_seq,
        last_seq=verified.last_seq,
        broken_at=verified.broken_at,
        reason=verified.reason,
    )
