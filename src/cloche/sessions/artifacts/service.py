"""The use cases of artifacts: who may see, read, release, delete and hand in, and that it is written down."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from cloche.artifacts.draft import Bounds, Draft
from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactPage, ArtifactState, Content
from cloche.artifacts.rows import Filter
from cloche.artifacts.store import ArtifactStore
from cloche.audit.model import AuditData, AuditRecord
from cloche.errors import DeniedError, InvalidError, NotFoundError, TooLargeError
from cloche.ids import ArtifactId, SessionId, parse_artifact_id
from cloche.sessions.artifacts.interface import SessionArtifacts
from cloche.sessions.audit import AuditWriter
from cloche.sessions.model import Session
from cloche.sessions.principal import Principal, Role, Scope

MAX_PAGE = 200


class Artifacts(SessionArtifacts):
    """`session`: gives a session that the principal may see, or raises NotFoundError. `upload_bytes`: of one file."""

    def __init__(
        self,
        store: ArtifactStore,
        audit: AuditWriter,
        *,
        session: Callable[[Principal, SessionId], Awaitable[Session]],
        upload_bytes: int,
    ) -> None:
        self._store = store
        self._audit = audit
        self._session = session
        self._upload_bytes = upload_bytes

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
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidError(f"limit must be from 1 to {MAX_PAGE}", field="limit")
        before = parse_artifact_id(cursor) if cursor is not None else None
        if session_id is not None:
            await self._session(principal, session_id)
        owner = None if principal.role is Role.ADMIN else principal.name
        wanted = Filter(owner=owner, session_id=session_id, state=state, kind=kind)
        return await self._store.page(wanted, limit=limit, before=before)

    async def get(self, principal: Principal, artifact_id: ArtifactId) -> Artifact:
        artifact = await self._store.get(artifact_id)
        if not principal.may_use(artifact.owner):
            raise NotFoundError("no such artifact")
        return artifact

    @asynccontextmanager
    async def open(
        self,
        principal: Principal,
        artifact_id: ArtifactId,
        *,
        start: int = 0,
        length: int | None = None,
        quarantined: bool = False,
    ) -> AsyncIterator[Content]:
        self._audit.require()
        artifact = await self.get(principal, artifact_id)
        if quarantined and artifact.state is ArtifactState.QUARANTINED:
            await self._require_release(principal, artifact, "artifact.read")
        async with self._store.open(artifact_id, start=start, length=length, quarantined=quarantined) as content:
            read: AuditData = {"state": str(artifact.state), "start": start, "bytes": content.length}
            await self._write_down("artifact.read", principal, artifact, data=read)
            yield content

    async def release(self, principal: Principal, artifact_id: ArtifactId) -> Artifact:
        self._audit.require()
        artifact = await self.get(principal, artifact_id)
        await self._require_release(principal, artifact, "artifact.released")
        try:
            released = await self._store.release(artifact_id, by=principal.name)
        except DeniedError as error:
            await self._write_down("artifact.released", principal, artifact, outcome=error.code)
            raise
        data: AuditData = {"sha256": artifact.sha256, "reasons": ",".join(artifact.reasons)}
        await self._write_down("artifact.released", principal, released, data=data)
        return released

    async def delete(self, principal: Principal, artifact_id: ArtifactId) -> None:
        self._audit.require()
        await self.get(principal, artifact_id)
        deleted = await self._store.delete(artifact_id)
        await self._write_down("artifact.deleted", principal, deleted, data={"state": str(deleted.state)})

    async def upload(
        self, principal: Principal, body: AsyncIterator[bytes], *, file_name: str, media_type: str = ""
    ) -> Artifact:
        self._audit.require()
        draft = Draft(
            owner=principal.name,
            session_id=None,
            kind=ArtifactKind.UPLOAD,
            suggested_name=file_name,
            declared_type=media_type,
            bounds=Bounds(max_file_bytes=self._upload_bytes),
            must_fit=True,
        )
        try:
            artifact = await self._store.add(draft, self._bounded(body))
        finally:
            if (close := getattr(body, "aclose", None)) is not None:
                await close()
        data: AuditData = {"state": str(artifact.state), "size_bytes": artifact.size_bytes, "sha256": artifact.sha256}
        await self._write_down("artifact.uploaded", principal, artifact, data=data)
        return artifact

    async def _bounded(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        left = self._upload_bytes
        async for piece in body:
            left -= len(piece)
            if left < 0:
                raise TooLargeError(f"a file may have at most {self._upload_bytes} bytes", limit=self._upload_bytes)
            yield piece

    async def _require_release(self, principal: Principal, artifact: Artifact, kind: str) -> None:
        if not principal.has(Scope.RELEASE):
            error = DeniedError("this needs a key with the scope `release`", reason="release_not_allowed")
            await self._write_down(kind, principal, artifact, outcome=error.code)
            raise error

    async def _write_down(
        self, kind: str, principal: Principal, artifact: Artifact, *, outcome: str = "ok", data: AuditData | None = None
    ) -> None:
        """Names and addresses stay out of it, and of a private session's files what they are known by."""
        facts = {"kind": str(artifact.kind)} | dict(data or {})
        if artifact.private:
            facts.pop("sha256", None)
        record = AuditRecord(
            kind=kind,
            actor=principal.name,
            owner=artifact.owner,
            session_id=artifact.session_id or "",
            subject=artifact.id,
            outcome=outcome,
            data=facts,
        )
        self._audit.note(record)
        await self._audit.settled()
