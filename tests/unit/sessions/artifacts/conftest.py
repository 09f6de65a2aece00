"""A runner, a store and a Chromium that a test looks into and makes fail."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from cloche.artifacts.draft import Draft
from cloche.artifacts.model import Artifact, ArtifactState
from cloche.audit.model import AuditRecord
from cloche.concurrency.tasks import spawn
from cloche.errors import ClocheError, NotFoundError, QuotaError
from cloche.ids import ArtifactId, new_artifact_id
from cloche.sessions.audit import NoAudit
from cloche.sessions.events import Data
from cloche.sessions.interface import MachineAnswer, MachineRequest
from cloche.sessions.model import EventType
from cloche.testing.sessions import NOON


class Spool:
    """A session's machine, of which only the spool is asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.fails: list[ClocheError] = []
        self.gate = asyncio.Event()
        """Nothing is read while it is closed."""
        self.gate.set()
        self.reading = self.most_reading = 0

    @asynccontextmanager
    async def open(
        self, request: MachineRequest, body: AsyncIterator[bytes] | None = None, *, timeout_s: float = 30.0
    ) -> AsyncIterator[MachineAnswer]:
        name = str(request.query.get("path") or request.path)
        self.requests.append((request.method, name))
        if request.method == "DELETE":
            self.files.pop(name, None)
            yield MachineAnswer(204, 0, {}, _pieces(b""))
            return
        if self.fails:
            raise self.fails.pop(0)
        if name not in self.files:
            raise NotFoundError("there is no such download")
        self.reading += 1
        self.most_reading = max(self.reading, self.most_reading)
        try:
            await self.gate.wait()
            yield MachineAnswer(200, len(self.files[name]), {}, _pieces(self.files[name]))
        finally:
            self.reading -= 1


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


class FakeStore:
    """Keeps everything in memory; `state` is its verdict."""

    def __init__(self) -> None:
        self.kept: list[tuple[Draft, bytes]] = []
        self.artifacts: dict[ArtifactId, Artifact] = {}
        self.rejected: list[tuple[str, str, int]] = []
        self.state = ArtifactState.READY
        self.fails: list[Exception] = []

    async def add(self, draft: Draft, body: AsyncIterator[bytes]) -> Artifact:
        data = b"".join([piece async for piece in body])
        if self.fails:
            raise self.fails.pop(0)
        if draft.bounds.session_artifacts is not None and len(self.artifacts) >= draft.bounds.session_artifacts:
            raise QuotaError("there are too many artifacts")
        self.kept.append((draft, data))
        return self._made(draft, self.state, (), len(data), hashlib.sha256(data).hexdigest())

    def add_soon(self, draft: Draft, data: bytes) -> "tuple[ArtifactId, asyncio.Task[Artifact]]":
        return ArtifactId("art_soon"), spawn(self.add(draft, _pieces(data)), name="soon")

    async def reject(self, draft: Draft, reason: str, *, size_bytes: int = 0) -> Artifact:
        self.rejected.append((draft.suggested_name, reason, size_bytes))
        return self._made(draft, ArtifactState.REJECTED, (reason,), size_bytes, "")

    async def get(self, artifact_id: ArtifactId) -> Artifact:
        raise NotFoundError("no such artifact")

    def open(self, artifact_id: ArtifactId) -> Any:
        raise NotFoundError("no such artifact")

    def _made(
        self, draft: Draft, state: ArtifactState, reasons: tuple[str, ...], size_bytes: int, sha256: str
    ) -> Artifact:
        artifact = Artifact(
            id=new_artifact_id(),
            owner=draft.owner,
            session_id=draft.session_id,
            kind=draft.kind,
            state=state,
            reasons=reasons,
            file_name=draft.suggested_name,
            media_type="text/plain",
            size_bytes=size_bytes,
            sha256=sha256,
            private=draft.private,
            created_at=NOON,
            expires_at=NOON,
        )
        self.artifacts[artifact.id] = artifact
        return artifact


class NotedAudit(NoAudit):
    def __init__(self) -> None:
        self.records: list[AuditRecord] = []

    def note(self, record: AuditRecord) -> None:
        self.records.append(record)


@dataclass
class FakeOwner:
    """A runner, as far as a session's artifacts ask it. `news` is set by every event."""

    machine: Any = field(default_factory=Spool)
    published: list[tuple[EventType, dict[str, Any]]] = field(default_factory=list)
    reported: list[tuple[EventType, dict[str, Any]]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    browsing: Any = field(default_factory=SimpleNamespace)

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        self.published.append((type_, dict(data or {})))
        self.news.set()

    def report(self, type_: EventType, data: Data | None = None) -> bool:
        self.reported.append((type_, dict(data or {})))
        self.news.set()
        return True

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def owner() -> FakeOwner:
    return FakeOwner()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def audit() -> NotedAudit:
    return NotedAudit()
