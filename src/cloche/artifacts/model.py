"""What an artifact is: the facts that are stored, listed and shown. Pure."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cloche.ids import ArtifactId, PrincipalName, ProfileId, SessionId


class ArtifactKind(StrEnum):
    DOWNLOAD = "download"
    PDF = "pdf"
    SCREENSHOT = "screenshot"
    RECORDING = "recording"
    UPLOAD = "upload"
    """Handed in by a client, for pages' file inputs."""


class ArtifactState(StrEnum):
    READY = "ready"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    """It was in quarantine, and somebody with the right let it out."""
    CONDEMNED = "condemned"
    """The scanner found something: nobody can release it."""
    REJECTED = "rejected"
    """It was not kept: only this record is."""


READABLE: Final = frozenset({ArtifactState.READY, ArtifactState.RELEASED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    id: ArtifactId
    owner: PrincipalName
    session_id: SessionId | None
    profile_id: ProfileId | None = None
    kind: ArtifactKind
    state: ArtifactState
    reasons: tuple[str, ...] = ()
    """Stable slugs: of `artifacts.verdict`, of the scanner (`scanner:<name>`), of why a file was not kept."""
    file_name: str
    media_type: str
    """What its bytes say."""
    declared_type: str = ""
    """What the server said."""
    size_bytes: int
    sha256: str
    """Hexadecimal. Empty for what was not kept."""
    source_url: str = ""
    """Redacted, as is `referrer`."""
    referrer: str = ""
    private: bool = False
    """It goes with its session."""
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    """Who released it."""


@dataclass(frozen=True, slots=True)
class ArtifactPage:
    """Newest first. `truncated`: there are more, after `next_cursor`."""

    artifacts: tuple[Artifact, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """An artifact's bytes from `start` on, `length` of them, of `artifact.size_bytes`."""

    artifact: Artifact
    start: int
    length: int
    body: AsyncIterator[bytes]
