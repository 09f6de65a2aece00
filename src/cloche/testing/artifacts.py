"""Artifacts in memory: for testing doors without a store or a sandbox."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cloche.artifacts.model import READABLE, Artifact, ArtifactKind, ArtifactPage, ArtifactState, Content
from cloche.errors import ConflictError, DeniedError, InvalidError, NotFoundError, RangeError, TooLargeError
from cloche.ids import ArtifactId, PrincipalName, SessionId, new_artifact_id
from cloche.sessions.principal import Principal, Role, Scope
from cloche.testing.manager import FakeSessionManager

PIECE_BYTES: Final = 100
MAX_FILE_BYTES: Final = 8 << 20
LIFETIME: Final = timedelta(days=7)


class FakeArtifacts:
    """Keeps the contract of `cloche.sessions.artifacts.interface.SessionArtifacts`."""

    def __init__(self, manager: FakeSessionManager) -> None:
        self._manager = manager
        self._kept: dict[ArtifactId, tuple[Artifact, bytes]] = {}
        self.cut_at: int | None = None
        """How many bytes of each answer come, where it breaks off."""
        self.opened: list[int] = []
        """Where each reading began."""

    def add(self, content: bytes = b"", *, owner: str = "alice", **facts: Any) -> Artifact:
        """Put a file in, as a session's downloads are."""
        now = datetime.now(UTC)
        defaults: dict[str, Any] = {
            "session_id": None,
            "kind": ArtifactKind.DOWNLOAD,
            "state": ArtifactState.READY,
            "file_name": "report.pdf",
            "media_type": "application/pdf",
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        defaults |= {"created_at": now, "expires_at": now + LIFETIME}
        artifact = Artifact(id=new_artifact_id(), owner=PrincipalName(owner), **(defaults | facts))
        self._kept[artifact.id] = (artifact, content)
        return artifact

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
        if session_id is not None:
            await self._manager.get(principal, session_id)
        found = [
            artifact
            for artifact, _ in reversed(self._kept.values())
            if (principal.role is Role.ADMIN or artifact.owner == principal.name)
            and session_id in (None, artifact.session_id)
            and state in (None, artifact.state)
            and kind in (None, artifact.kind)
        ]
        ids = [artifact.id for artifact in found]
        if cursor is not None and cursor not in ids:
            raise InvalidError("this cursor is not from a listing", field="cursor")
        start = ids.index(ArtifactId(cursor)) + 1 if cursor is not None else 0
        page = found[start : start + limit]
        return ArtifactPage(tuple(page), page[-1].id if start + limit < len(found) else None)

    async def get(self, principal: Principal, artifact_id: ArtifactId) -> Artifact:
        return self._find(principal, artifact_id)[0]

    @asynccontextmanager
    async def open(
        self,
        principal: Principal,
        artifact_id: ArtifactId,
        *,
        start: int = 0,
        length: int | None = None,
        quarantined: bool = False,
    ) -> AsyncGenerator[Content]:
        artifact, content = self._find(principal, artifact_id)
        if artifact.state is ArtifactState.REJECTED:
            raise ConflictError("the file was not kept", reason="not_kept")
        if artifact.state not in READABLE:
            _require_release(principal, artifact, asked=quarantined)
        if start > len(content):
            raise RangeError("beyond the end", size=len(content))
        self.opened.append(start)
        wanted = content[start:] if length is None else content[start : start + length]
        yield Content(artifact, start, len(wanted), _pieces(wanted[: self.cut_at]))

    async def release(self, principal: Principal, artifact_id: ArtifactId) -> Artifact:
        artifact, content = self._find(principal, artifact_id)
        if artifact.state is ArtifactState.CONDEMNED:
            raise DeniedError("the scanner found something in it", reason="condemned")
        if artifact.state is not ArtifactState.QUARANTINED:
            raise ConflictError("the file is not in quarantine", reason="not_quarantined")
        if not principal.has(Scope.RELEASE):
            raise DeniedError("this key may not release files", reason="release_not_allowed")
        decided = replace(
            artifact, state=ArtifactState.RELEASED, decided_at=datetime.now(UTC), decided_by=principal.name
        )
        self._kept[artifact_id] = (decided, content)
        return decided

    async def delete(self, principal: Principal, artifact_id: ArtifactId) -> None:
        self._find(principal, artifact_id)
        del self._kept[artifact_id]

    async def upload(
        self, principal: Principal, body: AsyncIterator[bytes], *, file_name: str, media_type: str = ""
    ) -> Artifact:
        content = b""
        async for piece in body:
            content += piece
            if len(content) > MAX_FILE_BYTES:
                raise TooLargeError(f"a file may have {MAX_FILE_BYTES} bytes")
        return self.add(
            content,
            owner=principal.name,
            kind=ArtifactKind.UPLOAD,
            file_name=file_name,
            media_type="application/octet-stream",
            declared_type=media_type,
        )

    def _find(self, principal: Principal, artifact_id: ArtifactId) -> tuple[Artifact, bytes]:
        found = self._kept.get(artifact_id)
        if found is None or not principal.may_use(found[0].owner):
            raise NotFoundError("no such artifact")
        return found


def _require_release(principal: Principal, artifact: Artifact, *, asked: bool) -> None:
    if artifact.state is ArtifactState.CONDEMNED:
        raise DeniedError("the scanner found something in it", reason="condemned")
    if not asked:
        raise DeniedError("the file is in quarantine", reason="quarantined")
    if not principal.has(Scope.RELEASE):
        raise DeniedError("this key may not release files", reason="release_not_allowed")


async def _pieces(content: bytes) -> AsyncGenerator[bytes]:
    for at in range(0, len(content), PIECE_BYTES):
        yield content[at : at + PIECE_BYTES]
