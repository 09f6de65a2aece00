"""The store of artifacts: takes files in, judges them, keeps them sealed, gives them out again.

    body ─► intake (hash, samples, seal, part file on the disk) ─► verdict ─► scanner ─► name ─► row

The row is written last, when the blob and its name are on the disk. What lies in the directory without a row is what a
crash left behind, and `start` removes it. Of a private session's files nothing is in the database: see `private`.

Parts: `adding`, `reading`, `upkeep`, on one `shelf` of rows, blobs, keys and accounts. Who may do what is not asked
here: `sessions.artifacts.service` does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from cloche.artifacts import rows
from cloche.artifacts.adding import Adding
from cloche.artifacts.blobs import BlobDirectory, BlobReader
from cloche.artifacts.draft import Draft, StoreLimits
from cloche.artifacts.keys import ArtifactKeys, context
from cloche.artifacts.model import Artifact, ArtifactPage, ArtifactState, Content
from cloche.artifacts.private import PrivateArtifact
from cloche.artifacts.reading import reading
from cloche.artifacts.rows import Filter, Totals
from cloche.artifacts.scanner import Scanner
from cloche.artifacts.shelf import Found, Shelf
from cloche.artifacts.upkeep import Upkeep
from cloche.artifacts.verdict import Policy
from cloche.clock import Clock
from cloche.concurrency.tasks import spawn
from cloche.concurrency.threads import in_thread
from cloche.errors import ConflictError, DeniedError, NotFoundError
from cloche.ids import ArtifactId, PrincipalName, SessionId, new_artifact_id
from cloche.storage.database import Database
from cloche.vault.keys import Keyring, UnknownKeyError, WrongKeyError

ALLOWED_BY_TABLE: Final = Policy()
"""What `types` allows, and no more."""


class ArtifactStore:
    """Owns `directory`. One per daemon; `start` before the first use, `close` before the database goes."""

    def __init__(
        self,
        database: Database,
        directory: Path,
        keys: ArtifactKeys,
        clock: Clock,
        limits: StoreLimits,
        scanner: Scanner | None = None,
        policy: Policy = ALLOWED_BY_TABLE,
    ) -> None:
        self._shelf = Shelf(database, BlobDirectory(directory), keys, clock, limits)
        self._adding = Adding(self._shelf, policy, scanner)
        self._upkeep = Upkeep(self._shelf)
        self._coming: dict[ArtifactId, asyncio.Task[Artifact]] = {}

    async def start(self) -> None:
        """Make the directory, and clear away what an earlier daemon left half done or meant to forget."""
        await in_thread(self._shelf.blobs.make)
        await self._upkeep.collect_garbage()

    async def close(self) -> None:
        """Wait for what has been named and is not there yet."""
        if self._coming:
            await asyncio.wait(tuple(self._coming.values()))

    async def add(self, draft: Draft, body: AsyncIterator[bytes]) -> Artifact:
        """Take a file in and say what became of it. `body` is closed, read to its end or not; deadlines are its own.

        A file for which there is no room is REJECTED: a record is kept, and no more is read of it. With `must_fit` that
        is QuotaError.

        Raises: QuotaError (`too_many_artifacts`); GoneError, when a private session ended meanwhile; InternalError,
        when the disk fails; what the body raises. Then nothing is kept.
        """
        return await self._adding.add(draft, body)

    def add_soon(self, draft: Draft, data: bytes) -> "tuple[ArtifactId, asyncio.Task[Artifact]]":
        """As `add`, of what is there already: its id at once, under which whoever asks for it meanwhile waits for it.

        The task raises as `add`; then there is nothing under the id.
        """
        artifact_id = new_artifact_id()
        coming = spawn(self._adding.add(replace(draft, id=artifact_id), _whole(data)), name=f"add:{artifact_id}")
        self._coming[artifact_id] = coming
        coming.add_done_callback(lambda _: self._coming.pop(artifact_id, None))
        return artifact_id, coming

    async def reject(self, draft: Draft, reason: str, *, size_bytes: int = 0) -> Artifact:
        """Write down that a file was not kept, of which nothing is there to be read.

        Raises: QuotaError (`too_many_artifacts`); GoneError.
        """
        return await self._adding.reject(draft, reason, size_bytes)

    async def get(self, artifact_id: ArtifactId) -> Artifact:
        """Raises: NotFoundError."""
        return (await self._find(artifact_id)).artifact

    async def page(self, wanted: Filter, *, limit: int, before: ArtifactId | None = None) -> ArtifactPage:
        """Newest first."""
        if self._coming:
            await asyncio.wait(tuple(self._coming.values()))
        async with self._shelf.database.read() as connection:
            found = await rows.page(connection, wanted, before=before, limit=limit + 1)
        found += self._shelf.private.page(wanted, before=before, limit=limit + 1)
        found.sort(key=lambda artifact: artifact.id, reverse=True)
        return ArtifactPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def totals(self, session_id: SessionId) -> Totals:
        return await self._shelf.totals(Filter(session_id=session_id))

    async def totals_of(self, owner: PrincipalName) -> Totals:
        return await self._shelf.totals(Filter(owner=owner))

    @asynccontextmanager
    async def open(
        self, artifact_id: ArtifactId, *, start: int = 0, length: int | None = None, quarantined: bool = False
    ) -> AsyncIterator[Content]:
        """Its bytes; only the chunks that are needed are read and decrypted. They can be read to the end though it is
        deleted meanwhile.

        Raises: NotFoundError; DeniedError (`quarantined`, `condemned`); RangeError; ConflictError (`not_kept`,
        `artifact_damaged`, `artifact_key_missing`), the second also while the body is read.
        """
        found = await self._find(artifact_id)
        _require_readable(found.artifact, quarantined=quarantined)
        opener = self._opener(found)
        async with reading(found.artifact, opener, start, length) as (count, body):
            yield Content(found.artifact, start, count, body)

    async def release(self, artifact_id: ArtifactId, *, by: str) -> Artifact:
        """Let it out of quarantine.

        Raises: NotFoundError, DeniedError (`condemned`), ConflictError (`not_quarantined`).
        """
        found = await self._find(artifact_id)
        if found.artifact.state is ArtifactState.CONDEMNED:
            raise DeniedError("a scanner found something in this file: nobody can release it", reason="condemned")
        if found.artifact.state is not ArtifactState.QUARANTINED:
            raise _not_quarantined()
        now = self._shelf.clock.now()
        released = replace(
            found.artifact,
            state=ArtifactState.RELEASED,
            decided_at=now,
            decided_by=by,
            expires_at=now + timedelta(seconds=self._shelf.limits.retention_s),
        )
        if isinstance(found, PrivateArtifact):
            self._shelf.private.update(released)
            return released
        async with self._shelf.database.begin() as connection:
            if not await rows.release(connection, artifact_id, by=by, now=now, expires_at=released.expires_at):
                raise _not_quarantined()
        return released

    async def delete(self, artifact_id: ArtifactId) -> Artifact:
        """Delete record and bytes; return what it was. Raises: NotFoundError."""
        found = await self._find(artifact_id)
        if isinstance(found, PrivateArtifact):
            was_there = self._shelf.private.remove(artifact_id) is not None
        else:
            async with self._shelf.database.begin() as connection:
                was_there = bool(await rows.remove(connection, [artifact_id]))
        if not was_there:
            raise NotFoundError("no such artifact")
        await self._shelf.forget([found])
        return found.artifact

    async def forget_session(self, session_id: SessionId) -> int:
        """A private session has ended: nothing of it stays, nor of what is on its way. Returns how many there were."""
        return await self._upkeep.forget_session(session_id)

    async def sweep(self) -> int:
        """Delete what has expired; to be called now and then. Returns how many."""
        return await self._upkeep.expire()

    async def rewrap(self, keyring: Keyring) -> tuple[int, int]:
        """For `rekey`: wrap every data key by the current key of `keyring`. Returns how many were wrapped anew, and how
        many could not be read."""
        return await self._upkeep.rewrap(keyring)

    async def _find(self, artifact_id: ArtifactId) -> Found:
        """Raises: NotFoundError."""
        if (coming := self._coming.get(artifact_id)) is not None:
            await asyncio.wait((coming,))
        return await self._shelf.find(artifact_id)

    def _opener(self, found: Found) -> Callable[[], BlobReader]:
        try:
            data_key = self._shelf.data_key(found)
        except UnknownKeyError:
            raise ConflictError(
                "the key this file is kept under is not given to the server", reason="artifact_key_missing"
            ) from None
        except WrongKeyError:
            raise ConflictError("the stored file's key is damaged", reason="artifact_damaged") from None
        blobs, blob, bound = self._shelf.blobs, found.blob or "", context(found.artifact)
        return lambda: blobs.open(blob, data_key, bound)


def _require_readable(artifact: Artifact, *, quarantined: bool) -> None:
    match artifact.state:
        case ArtifactState.REJECTED:
            raise ConflictError("this file was not kept", reason="not_kept")
        case ArtifactState.CONDEMNED:
            raise DeniedError("a scanner found something in this file: nobody can have it", reason="condemned")
        case ArtifactState.QUARANTINED if not quarantined:
            raise DeniedError("this file is in quarantine", reason="quarantined")


def _not_quarantined() -> ConflictError:
    return ConflictError("this file is not in quarantine", reason="not_quarantined")


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
