"""Taking a file in: room, bytes, verdict, scanner, name, row, in that order, and whatever went wrong undone."""

import errno
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog

from cloche.artifacts import rows
from cloche.artifacts.accounts import Bound, NoRoomError, Reservation
from cloche.artifacts.blobs import BlobWriter, DiskError
from cloche.artifacts.draft import Draft
from cloche.artifacts.intake import take_in
from cloche.artifacts.judging import SAMPLE_BYTES, described, judged, judged_deeply, needs_depth
from cloche.artifacts.keys import context
from cloche.artifacts.model import Artifact, ArtifactState
from cloche.artifacts.reading import whole
from cloche.artifacts.rows import Filter, Stored
from cloche.artifacts.scanner import Clean, Found, Scanner, Unavailable
from cloche.artifacts.shelf import Shelf, account_of
from cloche.artifacts.verdict import Policy
from cloche.concurrency.threads import in_thread, to_the_end
from cloche.errors import ClocheError, GoneError, InternalError, QuotaError
from cloche.ids import new_artifact_id
from cloche.vault.keyring import new_data_key
from cloche.vault.sealed import SealError

SESSION_QUOTA: Final = "session_quota"
PRINCIPAL_QUOTA: Final = "principal_quota"
STORAGE_FULL: Final = "storage_full"
SCANNER_UNAVAILABLE: Final = "scanner_unavailable"

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_LONG_HELD: Final = frozenset({ArtifactState.QUARANTINED, ArtifactState.CONDEMNED})

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Attempt:
    """One file on its way in."""

    draft: Draft
    artifact: Artifact
    data_key: bytes = field(repr=False)
    room: Reservation
    is_recorded: bool = False


class Adding:
    def __init__(self, shelf: Shelf, policy: Policy, scanner: Scanner | None) -> None:
        self._shelf = shelf
        self._policy = policy
        self._scanner = scanner

    async def add(self, draft: Draft, body: AsyncIterator[bytes]) -> Artifact:
        """See `ArtifactStore.add`."""
        try:
            async with self._attempt(draft) as attempt:
                return await self._taken(attempt, body)
        finally:
            if (close := getattr(body, "aclose", None)) is not None:
                await close()

    async def reject(self, draft: Draft, reason: str, size_bytes: int) -> Artifact:
        """See `ArtifactStore.reject`."""
        async with self._attempt(draft) as attempt:
            return await self._refused(attempt, reason, size_bytes)

    @asynccontextmanager
    async def _attempt(self, draft: Draft) -> AsyncIterator[_Attempt]:
        """A place for one file, which is another's again unless it is used."""
        async with self._shelf.accounts.reserve(self._bounds(draft)) as room:
            attempt = _Attempt(draft, self._begun(draft), new_data_key(), room)
            try:
                yield attempt
            finally:
                if not attempt.is_recorded:
                    room.give_back()

    async def _taken(self, attempt: _Attempt, body: AsyncIterator[bytes]) -> Artifact:
        try:
            async with self._part_file(attempt) as writer:
                return await self._kept(attempt, body, writer)
        except NoRoomError as error:
            reason, seen = error.reason, error.seen_bytes
        except DiskError as error:
            _log.error("artifact_not_stored", artifact=attempt.artifact.id, errno=error.errno)
            if error.errno not in _FULL:
                raise InternalError("the file could not be stored") from None
            reason, seen = STORAGE_FULL, attempt.room.size_bytes
            attempt.room.give_back_bytes()
        if attempt.draft.must_fit:
            raise _does_not_fit(reason)
        return await self._refused(attempt, reason, seen)

    @asynccontextmanager
    async def _part_file(self, attempt: _Attempt) -> AsyncIterator[BlobWriter]:
        """Where the bytes go. Nothing of it stays unless a row tells of it."""
        writer = self._shelf.blobs.writer(attempt.data_key, context(attempt.artifact), sample_bytes=SAMPLE_BYTES)
        self._shelf.writing.add(writer.name)
        try:
            await in_thread(writer.begin)
            yield writer
        finally:
            if not attempt.is_recorded or attempt.artifact.state is ArtifactState.CONDEMNED:
                await in_thread(writer.discard)
            self._shelf.writing.discard(writer.name)

    async def _kept(self, attempt: _Attempt, body: AsyncIterator[bytes], writer: BlobWriter) -> Artifact:
        sample = await take_in(body, writer, attempt.room)
        artifact = await in_thread(judged, attempt.artifact, attempt.draft, sample, self._policy)
        if needs_depth(artifact, attempt.draft, sample):
            artifact = await self._read_through(artifact, attempt, writer)
        if self._scanner is not None and not attempt.draft.trusted:
            artifact = await self._scanned(artifact, attempt, writer, self._scanner)
        attempt.artifact = self._with_times(artifact)
        if artifact.state is ArtifactState.CONDEMNED:
            # Nobody may ever have its bytes, so they are not kept; that it was there is.
            attempt.room.give_back_bytes()
            await to_the_end(self._record(attempt), name="artifact-condemned")
        else:
            await to_the_end(self._place(attempt, writer), name="artifact-place")
        return attempt.artifact

    async def _read_through(self, artifact: Artifact, attempt: _Attempt, writer: BlobWriter) -> Artifact:
        try:
            reader = await in_thread(writer.open, attempt.data_key, context(artifact))
            try:
                return await in_thread(judged_deeply, artifact, reader, self._policy)
            finally:
                await in_thread(reader.close)
        except (OSError, SealError):
            raise InternalError("the file could not be read back") from None

    async def _scanned(self, artifact: Artifact, attempt: _Attempt, writer: BlobWriter, scanner: Scanner) -> Artifact:
        """What is asked about is what was stored: it is read back, and decrypted on the way to the scanner."""
        reader = await in_thread(writer.open, attempt.data_key, context(artifact))
        try:
            async with aclosing(whole(artifact, reader)) as stream:
                result = await scanner.scan(stream)
        finally:
            await in_thread(reader.close)
        match result:
            case Clean():
                return artifact
            case Found(name):
                return replace(artifact, state=ArtifactState.CONDEMNED, reasons=(*artifact.reasons, f"scanner:{name}"))
            case Unavailable(reason):
                _log.error("scanner_unavailable", artifact=artifact.id, reason=reason)
                reasons = (*artifact.reasons, SCANNER_UNAVAILABLE)
                return replace(artifact, state=ArtifactState.QUARANTINED, reasons=reasons)

    async def _place(self, attempt: _Attempt, writer: BlobWriter) -> None:
        """The last two steps, which a cancellation does not part: the blob's name, then the row."""
        await in_thread(writer.place)
        await self._record(attempt, writer)

    async def _refused(self, attempt: _Attempt, reason: str, seen: int) -> Artifact:
        refused = replace(attempt.artifact, state=ArtifactState.REJECTED, reasons=(reason,), size_bytes=seen)
        attempt.artifact = self._with_times(refused)
        await to_the_end(self._record(attempt), name="artifact-refused")
        return attempt.artifact

    async def _record(self, attempt: _Attempt, writer: BlobWriter | None = None) -> None:
        """`writer`: of the bytes that are kept."""
        artifact = attempt.artifact
        if artifact.private:
            if attempt.room.is_closed:
                raise GoneError("the session has ended", reason="session_ended")
            self._shelf.private.add(artifact, writer.name if writer is not None else None, attempt.data_key)
        else:
            stored = Stored(artifact)
            if writer is not None:
                wrapped, key_id = self._shelf.keys.wrap(attempt.data_key, artifact)
                stored = Stored(artifact, writer.name, writer.sealed_bytes, wrapped, key_id)
            async with self._shelf.database.begin() as connection:
                await rows.add(connection, stored)
        attempt.is_recorded = True

    def _begun(self, draft: Draft) -> Artifact:
        now = self._shelf.clock.now()
        artifact = Artifact(
            id=draft.id or new_artifact_id(),
            owner=draft.owner,
            session_id=draft.session_id,
            profile_id=draft.profile_id,
            kind=draft.kind,
            state=ArtifactState.READY,
            file_name="",
            media_type="",
            size_bytes=0,
            sha256="",
            private=draft.private,
            created_at=now,
            expires_at=now,
        )
        return described(artifact, draft)

    def _with_times(self, artifact: Artifact) -> Artifact:
        """The time it is kept for begins when all of it is there."""
        limits, now = self._shelf.limits, self._shelf.clock.now()
        stays_s = limits.quarantine_retention_s if artifact.state in _LONG_HELD else limits.retention_s
        return replace(artifact, expires_at=now + timedelta(seconds=stays_s))

    def _bounds(self, draft: Draft) -> list[Bound]:
        limits, bounds = self._shelf.limits, draft.bounds
        of_owner = Bound(Filter(owner=draft.owner), limits.max_total_bytes, limits.max_artifacts, PRINCIPAL_QUOTA)
        if draft.session_id is None:
            return [of_owner]
        session = account_of(draft.session_id, draft.kind)
        return [Bound(session, bounds.session_bytes, bounds.session_artifacts, SESSION_QUOTA), of_owner]


def _does_not_fit(reason: str) -> ClocheError:
    if reason == STORAGE_FULL:
        return InternalError("the server has no room to keep files", reason=reason)
    return QuotaError("the file does not fit into what may be kept; delete some artifacts", reason=reason)
