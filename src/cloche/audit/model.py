"""What the audit journal holds. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

AuditData = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One thing that was done. `kind` is `session.created`, `action.click`, `key.revoked`, `artifact.released`…"""

    kind: str
    actor: str
    """The principal's name, or `cloche` for what the server does by itself, `sandbox` for what a page caused."""
    owner: str = ""
    """Whose session, profile, artifact or key it is; who asks for the own events sees those."""
    session_id: str = ""
    subject: str = ""
    """The id of the key, profile or artifact."""
    outcome: str = "ok"
    """`ok` or an error's code."""
    data: AuditData = field(default_factory=dict)
    """Small, flat, redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """A record as it stands in the journal."""

    seq: int
    at: datetime
    record: AuditRecord
    hash: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first, or oldest first with `after`."""

    events: tuple[AuditEvent, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    kind: str | None = None
    """A kind, or its beginning with a dot: `session.`."""
    actor: str | None = None
    session_id: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """`broken_at` is the first row at which the chain does not hold; None: it holds."""

    rows: int
    segments: int
    first_seq: int
    last_seq: int
    broken_at: int | None = None
    reason: str = ""
