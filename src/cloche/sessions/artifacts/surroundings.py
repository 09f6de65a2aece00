"""What a collector needs of others: of the store, of the runner, and of the browser."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from cloche.artifacts.draft import Draft
from cloche.artifacts.model import Artifact
from cloche.ids import ArtifactId
from cloche.sessions.events import Data
from cloche.sessions.interface import SessionMachine
from cloche.sessions.model import EventType


class Store(Protocol):
    """What is asked of `artifacts.store.ArtifactStore`."""

    async def add(self, draft: Draft, body: AsyncIterator[bytes]) -> Artifact:
        """Raises: QuotaError, StorageFullError, and what the body raises."""
        ...

    def add_soon(self, draft: Draft, data: bytes) -> "tuple[ArtifactId, asyncio.Task[Artifact]]":
        """As `add`, of what is there already: who asks for it by its id meanwhile waits. The task raises as `add`."""
        ...

    async def reject(self, draft: Draft, reason: str, *, size_bytes: int = 0) -> Artifact:
        """Write down that something was not kept. Raises: QuotaError."""
        ...


class CollectorOwner(Protocol):
    """What a runner does for it."""

    @property
    def machine(self) -> SessionMachine: ...

    def publish(self, type_: EventType, data: Data | None = None) -> None: ...

    def report(self, type_: EventType, data: Data | None = None) -> bool:
        """As `publish`, for what can come at any rate."""
        ...


class Chromium(Protocol):
    """What is asked of the browser about downloads (`browser.downloads.DownloadWatch`)."""

    def cancel(self, guid: str) -> None: ...

    def refuse_all(self) -> None:
        """Have no more of them begin."""
        ...

    def media_type_of(self, url: str) -> str: ...
