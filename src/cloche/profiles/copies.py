"""New profiles out of others: forks of one here, and files that leave the server and come in again."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.concurrency.threads import PIECE_BYTES, ahead, behind, in_thread
from cloche.errors import InvalidError, NotFoundError, QuotaError
from cloche.ids import PrincipalName, ProfileId, SessionId, new_profile_id
from cloche.profiles import blobs, portable, rows
from cloche.profiles.archive import MAX_MANIFEST_BYTES, ArchiveReader, ArchiveWriter, Copy, Encoder, too_large
from cloche.profiles.limits import checked_name, checked_passphrase, checked_theme_color
from cloche.profiles.model import NewProfile, Profile, ProfileForm, Revision
from cloche.profiles.revisions import Revisions, genuine
from cloche.profiles.sealing import Place, SealedSource, key_context
from cloche.vault.keyring import new_data_key
from cloche.vault.sealed import Opener

FIRST: Final = 1
SNAPSHOT_NAME: Final = "snapshot"


class Copies:
    """Part of `ProfileStore`, which says what everything raises."""

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions
        # Each takes 32 MiB or more.
        self._one_passphrase = asyncio.Semaphore(1)
        # Profiles that are being made: they count, for their files take room before there is a row of them.
        self._coming = Counter[PrincipalName]()

    async def add(self, owner: PrincipalName, request: NewProfile) -> Profile:
        """An empty one."""
        checked_name(request.name)
        checked_theme_color(request.theme_color)
        profile_id = new_profile_id()
        async with self._revisions.database.begin() as connection:
            await self._insert(connection, profile_id, owner, request, new_data_key())
            return await existing(connection, profile_id)

    async def add_snapshot(self, owner: PrincipalName, session_id: SessionId) -> Profile:
        """An empty one for the state of a session that is about to be hibernated."""
        profile_id = new_profile_id()
        async with self._revisions.database.begin() as connection:
            request = NewProfile(name=SNAPSHOT_NAME)
            await self._insert(connection, profile_id, owner, request, new_data_key(), kept_for=session_id)
            return await existing(connection, profile_id)

    async def fork(self, profile_id: ProfileId, owner: PrincipalName, name: str, revision: int | None) -> Profile:
        async with self._revisions.database.read() as connection:
            source = await existing(connection, profile_id)
        request = NewProfile(
            name=checked_name(name),
            theme_color=source.theme_color,
            private=source.private,
            persistence=source.persistence,
        )
        if revision is None and not source.revision:
            return await self.add(owner, request)
        async with (
            self._place(owner),
            self._revisions.opened(profile_id, revision) as (found, opened),
            aclosing(ahead(genuine(partial(opened.read, PIECE_BYTES)))) as pieces,
        ):
            return await self._grow(owner, request, found.form, found.engine, Copy(), pieces)

    @asynccontextmanager
    async def export(
        self, profile_id: ProfileId, passphrase: str, revision: int | None
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        checked_passphrase(passphrase)
        async with self._revisions.opened(profile_id, revision) as (found, source):
            header = portable.new_header()
            key = await self._key_of(header, passphrase)
            exporter = portable.Exporter(portable.Head(found.form, found.engine), source, header, key)
            async with aclosing(ahead(genuine(exporter.read))) as pieces:
                yield pieces

    async def import_file(
        self, owner: PrincipalName, body: AsyncIterator[bytes], passphrase: str, name: str
    ) -> Profile:
        """The file waits on the disk, sealed as it came, until its end has been seen: only then is it all genuine."""
        checked_passphrase(passphrase)
        request = NewProfile(name=checked_name(name))
        async with self._place(owner):
            return await self._import(owner, request, body, passphrase)

    async def _import(
        self, owner: PrincipalName, request: NewProfile, body: AsyncIterator[bytes], passphrase: str
    ) -> Profile:
        profile_id, revisions = new_profile_id(), self._revisions
        name_of_file = blobs.new_blob_name()
        spool = _Spool(blobs.Part(revisions.root, profile_id, name_of_file), revisions.limits.max_profile_bytes)
        revisions.underway.add(name_of_file)
        try:
            await in_thread(spool.part.begin)
            await behind(body, spool.add)
            key = await self._key_of(spool.header, passphrase)
            source = SealedSource(spool.part.opened, Opener(key, portable.context(spool.header)))
            try:
                head, archive = await in_thread(genuine(partial(self._begin, source), _unusable))
                async with aclosing(ahead(genuine(partial(archive.read, PIECE_BYTES), _unusable))) as pieces:
                    encoder = ArchiveWriter(archive.manifest, max_bytes=revisions.limits.max_profile_bytes)
                    return await self._grow(owner, request, head.form, head.engine, encoder, pieces, profile_id)
            finally:
                await in_thread(source.close)
        finally:
            revisions.underway.discard(name_of_file)
            await in_thread(spool.part.discard)
            await in_thread(partial(blobs.remove_if_empty, revisions.root, profile_id))

    def _begin(self, source: SealedSource) -> tuple[portable.Head, ArchiveReader]:
        source.open()
        source.skip(portable.HEADER_BYTES)
        return portable.read_head(source), self._revisions.archive(source)

    async def _key_of(self, header: bytes, passphrase: str) -> bytes:
        async with self._one_passphrase:
            return await in_thread(partial(portable.key_of, header, passphrase))

    async def _grow(
        self,
        owner: PrincipalName,
        request: NewProfile,
        form: ProfileForm,
        engine: str,
        encoder: Encoder,
        pieces: AsyncIterator[bytes],
        profile_id: ProfileId | None = None,
    ) -> Profile:
        """Make a profile whose first revision is `pieces`. It is there, whole, or never was."""
        revisions, data_key = self._revisions, new_data_key()
        profile_id = profile_id or new_profile_id()
        place = Place(profile_id=profile_id, owner=owner, revision=FIRST, blob=blobs.new_blob_name())

        async def commit(size_bytes: int) -> list[str]:
            revision = Revision(
                revision=FIRST,
                form=form,
                engine=engine,
                size_bytes=size_bytes,
                session_id=None,
                created_at=revisions.clock.now(),
            )
            async with revisions.database.begin(durable=True) as connection:
                await self._insert(connection, profile_id, owner, request, data_key)
                await rows.change(connection, profile_id, revision=FIRST)
                await rows.add_revision(connection, profile_id, revision, place.blob)
            return []

        try:
            await revisions.write(place, data_key, encoder, pieces, commit)
        except BaseException:
            await in_thread(partial(blobs.remove_if_empty, revisions.root, profile_id))
            raise
        async with revisions.database.read() as connection:
            return await existing(connection, profile_id)

    async def _insert(
        self,
        connection: AsyncConnection,
        profile_id: ProfileId,
        owner: PrincipalName,
        request: NewProfile,
        data_key: bytes,
        *,
        kept_for: SessionId | None = None,
    ) -> None:
        await rows.overwrite_what_goes(connection)  # the tree of keys is balanced at times, and copies are left
        await rows.add(connection, profile_id, owner, request, self._revisions.clock.now(), kept_for=kept_for)
        if kept_for is None and await rows.count(connection, owner) > self._revisions.limits.max_profiles_per_principal:
            raise self._too_many()
        # Only now: with a lock held, `rekey` either sees this row or came before, and the key is the new one.
        keyring = self._revisions.keys()
        wrapped = keyring.wrap(data_key, key_context(profile_id, owner))
        await rows.add_key(connection, profile_id, keyring.key_id, wrapped)

    @asynccontextmanager
    async def _place(self, owner: PrincipalName) -> AsyncGenerator[None]:
        """Make a profile within this. Raises: QuotaError."""
        async with self._revisions.database.read() as connection:
            there = await rows.count(connection, owner)
        if there + self._coming[owner] >= self._revisions.limits.max_profiles_per_principal:
            raise self._too_many()
        self._coming[owner] += 1
        try:
            yield
        finally:
            self._coming[owner] -= 1
            self._coming += Counter()  # forgets those that have none

    def _too_many(self) -> QuotaError:
        limit = self._revisions.limits.max_profiles_per_principal
        return QuotaError(f"there are {limit} profiles of this principal already", limit="profiles")


class _Spool:
    """A file that comes in, as it comes."""

    def __init__(self, part: blobs.Part, max_profile_bytes: int) -> None:
        self.part = part
        self.header = b""
        self._max_bytes = max_profile_bytes
        # What does not compress grows a little in being archived and sealed.
        self._left = max_profile_bytes + max_profile_bytes // 1024 + MAX_MANIFEST_BYTES + (1 << 20)

    def add(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise too_large(self._max_bytes)
        self.header += piece[: portable.HEADER_BYTES - len(self.header)]
        self.part.write(piece)


def _unusable() -> InvalidError:
    return InvalidError("the passphrase is wrong, or the file is damaged", field="passphrase")


async def existing(connection: AsyncConnection, profile_id: ProfileId) -> Profile:
    profile = await rows.find(connection, profile_id)
    if profile is None:
        raise NotFoundError("no such profile")
    return profile
