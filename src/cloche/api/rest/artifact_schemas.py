"""What goes over the REST border about artifacts."""

from datetime import datetime

from cloche.api.rest.schemas import Out
from cloche.artifacts.model import ArtifactKind, ArtifactState


class ArtifactOut(Out):
    """A file that came out of a session, or was handed in. `sha256` is empty for one that was not kept (`rejected`).

    `media_type` is what its bytes say, `declared_type` what the server it came from said.
    """

    id: str
    owner: str
    session_id: str | None
    profile_id: str | None
    kind: ArtifactKind
    state: ArtifactState
    reasons: list[str]
    file_name: str
    media_type: str
    declared_type: str
    size_bytes: int
    sha256: str
    source_url: str
    referrer: str
    private: bool
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: str


class ArtifactListOut(Out):
    """One page, newest first. Hand `next_cursor` in as `cursor` for the next; null on the last."""

    artifacts: list[ArtifactOut]
    next_cursor: str | None
