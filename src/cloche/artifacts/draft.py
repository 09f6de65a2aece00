"""What is known of a file before it is read, and how much of it may be kept."""

from dataclasses import dataclass

from cloche.artifacts.model import ArtifactKind
from cloche.ids import ArtifactId, PrincipalName, ProfileId, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    max_file_bytes: int
    """What is larger goes to quarantine, as long as the session has room for it."""
    session_bytes: int | None = None
    """Of all that is kept of the session. A file that does not fit is not kept."""
    session_artifacts: int | None = None
    """Of all the session's records. Beyond it nothing is taken at all: QuotaError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    id: ArtifactId | None = None
    """Given where it is named before it is there."""
    owner: PrincipalName
    session_id: SessionId | None
    profile_id: ProfileId | None = None
    kind: ArtifactKind
    suggested_name: str
    declared_type: str = ""
    source_url: str = ""
    """Redacted by whoever makes the draft, as is `referrer`."""
    referrer: str = ""
    private: bool = False
    """Nothing of it outlives the session, or the daemon."""
    bounds: Bounds
    trusted: bool = False
    """We made it: its bytes are what `declared_type` says, and no scanner is asked. Limits hold all the same."""
    must_fit: bool = False
    """Raise where it does not fit, in place of keeping a record of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLimits:
    retention_s: int
    quarantine_retention_s: int
    max_total_bytes: int
    """Of all that is kept for one principal."""
    max_artifacts: int = 100_000
    """Of one principal's records. Beyond it nothing is taken: QuotaError."""
