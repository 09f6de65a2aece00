"""What the audit journal answers, as types."""

from datetime import datetime

from cloche.client.answers import Answer


class AuditEvent(Answer):
    """One thing that was done. `outcome` is `ok` or an error's code."""

    seq: int
    at: datetime
    kind: str
    actor: str
    owner: str
    session_id: str
    subject: str
    outcome: str
    data: dict[str, str | int | bool | None]
    hash: str


class AuditPage(Answer):
    events: list[AuditEvent]
    next_cursor: str | None


class Verified(Answer):
    """`broken_at` is the first row at which the chain does not hold."""

    holds: bool
    rows: int
    segments: int
    first_seq: int
    last_seq: int
    broken_at: int | None
    reason: str
