"""Writing one revision so that it is there whole or not at all, and reading one back.

A file is finished before its row is made, in one transaction with the profile's new revision. So a row always has its
file; a file without a row is what a crash left, and `upkeep` removes it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.clock import Clock
from cloche.concurrency.threads import PIECE_BYTES, ahead, behind, in_thread, to_the_end
from cloche.errors import ClocheError, ConflictError, InternalError, NotFoundError
from cloche.ids import ProfileId, SessionId
from cloche.profiles import blobs, rows
from cloche.profiles.archive import ArchiveError, ArchiveReader, ArchiveWriter, Encoder
from cloche.profiles.lease import Refusal, may_save
from cloche.profiles.limits import ProfileLimits
from cloche.profiles.model import Profile, ProfileForm, Revision
from cloche.profiles.sealing import Place, RevisionWriter, SealedSource, key_context
from cloche.storage.database import Database
from cloche.vault.keyring import LiveKeyring
from cloche.vault.keys import Keyring, UnknownKeyError, WrongKeyError
from cloche.vault.sealed import SealError

LOOKS: Final = 3
"""How often a revision is looked for whose file goes while it is opened: newer ones were saved meanwhile."""

Commit = Callable[[int], Awaitable[list[str]]]
"""Makes the rows of a file of so many bytes; returns the names of the profile's files that are not needed now."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRevision:
    """An opened revision. `body` raises ConflictError (`profile_damaged`) where it comes to what is not genuine, its
    end included: nothing of it may count before all of it has been read."""

    revision: int
    form: ProfileForm
    engine: str
    manifest: bytes
    body: AsyncIterator[bytes]


class Revisions:
    """Part of `ProfileStore`, which says what everything raises."""

    def __init__(
        self, database: Database, root: Path, keyring: LiveKeyring, clock: Clock, limits: ProfileLimits
    ) -> None:
        self.database: Final = database
        self.root: Final = root
        self.clock: Final = clock
        self.limits: Final = limits
        self._keyring = keyring
        self.underway: Final = set[str]()
        """Names of files that have no row yet."""

    @property
    def has_keys(self) -> bool:
        return self._keyring.current is not None

    def keys(self) -> Keyring:
        """Raises: ConflictError (`profiles_off`)."""
        if self._keyring.current is None:
            raise ConflictError("this server keeps no profiles: it has no state key", reason="profiles_off")
        return self._keyring.current

    async def save(
        self,
        profile_id: ProfileId,
        session_id: SessionId | None,
        *,
        form: ProfileForm,
        engine: str,
        manifest: bytes,
        body: AsyncIterator[bytes],
    ) -> Revision:
        async with self.database.read() as connection:
            profile = await rows.find(connection, profile_id)
            held = await rows.leases_of(connection, [profile_id])
            wrapped = await rows.key_of(connection, profile_id)
        if profile is None:
            raise _gone(session_id)
        if profile.private:
            raise ConflictError("nothing is kept in a private profile", reason="profile_private")
        _check(may_save(held, session_id))
        place = Place(
            profile_id=profile_id, owner=profile.owner, revision=profile.revision + 1, blob=blobs.new_blob_name()
        )
        saved: Revision | None = None

        async def commit(size_bytes: int) -> list[str]:
            nonlocal saved
            now = self.clock.now()
            revision = Revision(
                revision=place.revision,
                form=form,
                engine=engine,
                size_bytes=size_bytes,
                session_id=session_id,
                created_at=now,
            )
            # On the disk before older files go: a power cut must not bring back rows whose files are gone.
            async with self.database.begin(durable=True) as connection:
                if not await rows.advance(connection, profile_id, base=profile.revision, now=now):
                    raise await _moved(connection, profile_id, session_id)
                _check(may_save(await rows.leases_of(connection, [profile_id]), session_id))
                await rows.add_revision(connection, profile_id, revision, place.blob)
                old = await rows.retire(connection, profile_id, keep=self.limits.profile_revisions)
            saved = revision
            return old

        writer = ArchiveWriter(manifest, max_bytes=self.limits.max_profile_bytes)
        try:
            await self.write(place, self.unwrap(profile, wrapped), writer, body, commit)
        except InternalError:
            if not await self._is_there(profile_id):  # its directory went from under the file
                raise _gone(session_id) from None
            raise
        assert saved is not None
        return saved

    async def write(
        self, place: Place, data_key: bytes, encoder: Encoder, pieces: AsyncIterator[bytes], commit: Commit
    ) -> None:
        """Seal `pieces` into a file and `commit` it. Where any of it fails or is cancelled no file stays."""
        writer = RevisionWriter(self.root, place, data_key, encoder)
        self.underway.add(place.blob)
        try:
            await in_thread(writer.begin)
            await behind(pieces, writer.add)
            # From here on it is short, and half of it would be neither here nor there.
            await to_the_end(self._publish(writer, place, commit), name="profile-publish")
        except BaseException:
            await in_thread(writer.discard)
            raise
        finally:
            self.underway.discard(place.blob)

    @asynccontextmanager
    async def read(self, profile_id: ProfileId, revision: int | None = None) -> AsyncGenerator[StoredRevision]:
        async with self.opened(profile_id, revision) as (found, source):
            archive = await in_thread(genuine(partial(self.archive, source)))
            async with aclosing(ahead(genuine(partial(archive.read, PIECE_BYTES)))) as body:
                yield StoredRevision(
                    revision=found.revision,
                    form=found.form,
                    engine=found.engine,
                    manifest=archive.manifest,
                    body=body,
                )

    @asynccontextmanager
    async def opened(
        self, profile_id: ProfileId, revision: int | None
    ) -> AsyncGenerator[tuple[Revision, SealedSource]]:
        """Open the sealed archive of a revision, without reading any of it."""
        last_look = LOOKS - 1
        for look in range(LOOKS):
            found, source = await self._found(profile_id, revision)
            try:
                try:
                    await in_thread(partial(source.open, found.size_bytes))
                except FileNotFoundError:
                    if look < last_look:
                        continue
                    raise _damaged() from None
                except (OSError, SealError):
                    raise _damaged() from None
                yield found, source
                return
            finally:
                await in_thread(source.close)

    def archive(self, source: SealedSource) -> ArchiveReader:
        return ArchiveReader(source, max_bytes=self.limits.max_profile_bytes)

    def unwrap(self, profile: Profile, wrapped: str | None) -> bytes:
        """Raises: ConflictError (`profile_key_missing`, `profile_damaged`, `profiles_off`)."""
        keyring = self.keys()
        try:
            if wrapped is None:
                raise WrongKeyError("a profile has no key")
            return keyring.unwrap(wrapped, key_context(profile.id, profile.owner))
        except UnknownKeyError:
            raise ConflictError(
                "this server does not have the state key that this profile was kept under",
                reason="profile_key_missing",
            ) from None
        except WrongKeyError:
            raise _damaged() from None

    async def _publish(self, writer: RevisionWriter, place: Place, commit: Commit) -> None:
        try:
            size_bytes = await in_thread(writer.publish)
            old = await commit(size_bytes)
        except BaseException:
            await self._take_back(place)
            raise
        try:
            await in_thread(partial(blobs.remove, self.root, place.profile_id, old))
        except OSError as error:
            _log.warning("profile_files_left", profile=place.profile_id, error=error.strerror)

    async def _take_back(self, place: Place) -> None:
        """Unlink the file of a commit that failed; not where it reached the database before it did."""
        try:
            async with self.database.read() as connection:
                if place.blob in await rows.every_blob(connection, place.profile_id):
                    return
                is_there = await rows.find(connection, place.profile_id) is not None
            if is_there:
                await in_thread(partial(blobs.remove, self.root, place.profile_id, [place.blob]))
            else:
                await in_thread(partial(blobs.remove_profile, self.root, place.profile_id))
        except Exception as error:  # noqa: BLE001 - the caller must hear what failed first; `upkeep` finds the file
            _log.warning("profile_files_left", profile=place.profile_id, error=repr(error))

    async def _found(self, profile_id: ProfileId, revision: int | None) -> tuple[Revision, SealedSource]:
        async with self.database.read() as connection:
            profile = await rows.find(connection, profile_id)
            if profile is None:
                raise _gone(None)
            wrapped = await rows.key_of(connection, profile_id)
            number = profile.revision if revision is None else revision
            found = await rows.revision_of(connection, profile_id, number)
        if not number:
            raise ConflictError("nothing has been saved in this profile yet", reason="profile_empty")
        if found is None:
            raise NotFoundError("no such revision of this profile is kept") if revision is not None else _damaged()
        stored, blob = found
        place = Place(profile_id=profile_id, owner=profile.owner, revision=stored.revision, blob=blob)
        return stored, SealedSource.of(self.root, place, self.unwrap(profile, wrapped))

    async def _is_there(self, profile_id: ProfileId) -> bool:
        async with self.database.read() as connection:
            return await rows.find(connection, profile_id) is not None


def _damaged() -> ConflictError:
    return ConflictError("what is kept of this profile is damaged", reason="profile_damaged")


def genuine(work: Callable[[], T], otherwise: Callable[[], ClocheError] = _damaged) -> Callable[[], T]:
    """`work`, which reads of a sealed file; where that is not what it should be, `otherwise` is raised."""

    def checked() -> T:
        try:
            return work()
        except (SealError, ArchiveError, OSError) as error:
            _log.warning("sealed_profile_does_not_open", error=str(error))
            raise otherwise() from None

    return checked


def _check(refusal: Refusal | None) -> None:
    if refusal is Refusal.IN_USE:
        raise ConflictError("a session writes to this profile", reason=str(refusal))
    if refusal is Refusal.LOST:
        raise ConflictError("the session may not write to this profile any more", reason=str(refusal))


async def _moved(connection: AsyncConnection, profile_id: ProfileId, session_id: SessionId | None) -> Exception:
    if await rows.find(connection, profile_id) is None:
        return _gone(session_id)
    return ConflictError("another revision of this profile was saved meanwhile", reason="revision_moved")


def _gone(session_id: SessionId | None) -> Exception:
    if session_id is None:
        return NotFoundError("no such profile")
    return ConflictError("the profile of this session was deleted", reason="profile_deleted")
