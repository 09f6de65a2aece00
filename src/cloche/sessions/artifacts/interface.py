"""What the doors may ask of artifacts. `service` is the real thing.

Everything raises NotFoundError for unknown and foreign artifacts alike.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactPage, ArtifactState, Content
from cloche.ids import ArtifactId, SessionId
from cloche.sessions.principal import Principal


class SessionArtifacts(Protocol):
    async def list(
        self,
        principal: Principal,
        *,
        session_id: SessionId | None = None,
        state: ArtifactState | None = None,
        kind: ArtifactKind | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> ArtifactPage:
        """A user's own; an admin sees all. A session that is not the caller's is NotFoundError. `limit` 1–200."""
        ...

    async def get(self, principal: Principal, artifact_id: ArtifactId) -> Artifact: ...

    def open(
        self,
        principal: Principal,
        artifact_id: ArtifactId,
        *,
        start: int = 0,
        length: int | None = None,
        quarantined: bool = False,
    ) -> AbstractAsyncContextManager[Content]:
        """Its bytes, decrypted as they are read.

        `quarantined`: also of one that is in quarantine, for those who may release it.
        Raises: DeniedError (`quarantined`), ConflictError (`not_kept`), RangeError.
        """
        ...

    async def release(self, principal: Principal, artifact_id: ArtifactId) -> Artifact:
        """Let it out of quarantine. For an admin, or an owner whose key has the scope `release`.

        Raises: DeniedError (`release_not_allowed`; `condemned`), ConflictError (`not_quarantined`).
        """
        ...

    async def delete(self, principal: Principal, artifact_id: ArtifactId) -> None: ...

    async def upload(
        self, principal: Principal, body: AsyncIterator[bytes], *, file_name: str, media_type: str = ""
    ) -> Artifact:
        """Take a file in, for SetFileInput. Raises: TooLargeError, QuotaError."""
        ...
