"""Profiles as they are kept: rows in the database, one sealed file for each revision."""

import base64
import binascii
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError

from cloche.clock import Clock
from cloche.concurrency.threads import in_thread, to_the_end
from cloche.errors import ConflictError, InvalidError, TooLargeError
from cloche.ids import PrincipalName, ProfileId, SessionId
from cloche.profiles import blobs, rows, upkeep
from cloche.profiles.copies import Copies, existing
from cloche.profiles.lease import Lease, left_over, may_delete, may_take
from cloche.profiles.limits import (
    MAX_PAGE,
    MAX_STATE_BYTES,
    ProfileLimits,
    checked_name,
    checked_theme_color,
)
from cloche.profiles.model import NewProfile, Profile, ProfileForm, ProfilePage, Revision
from cloche.profiles.revisions import Revisions, StoredRevision
from cloche.storage.database import Database
from cloche.vault.keyring import LiveKeyring
from cloche.vault.keys import Keyring

_log = structlog.get_logger(__name__)


class ProfileStore:
    """Owned by the composition root, called by the session layer, which knows who may. Holds nothing open.

    Everything but `give_back`, `forget_leases` and `collect_garbage` raises ConflictError (`profiles_off`) on a server
    without a state key; what names a profile raises NotFoundError where there is none.
    """

    def __init__(
        self, database: Database, directory: Path, keyring: LiveKeyring, clock: Clock, limits: ProfileLimits
    ) -> None:
        """`directory` is made with the first file in it."""
        self._database = database
        self._directory = directory
        self._clock = clock
        self._revisions = Revisions(database, directory, keyring, clock, limits)
        self._copies = Copies(self._revisions)

    @property
    def is_on(self) -> bool:
        """Whether the server has a state key."""
        return self._revisions.has_keys

    # --- profiles

    async def add(self, owner: PrincipalName, request: NewProfile) -> Profile:
        """Raises: InvalidError, QuotaError."""
        self._revisions.keys()
        return await self._copies.add(owner, request)

    async def get(self, profile_id: ProfileId) -> Profile:
        self._revisions.keys()
        async with self._database.read() as connection:
            return await existing(connection, profile_id)

    async def page(
        self, owner: PrincipalName | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> ProfilePage:
        """Last used first; of everyone (None), or of one owner, with the active one. Raises: InvalidError."""
        self._revisions.keys()
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidError(f"limit must be from 1 to {MAX_PAGE}", field="limit")
        before = _parse_cursor(cursor) if cursor is not None else None
        async with self._database.read() as connection:
            found = await rows.page(connection, owner, before, limit + 1)
            active = await rows.active_id(connection, owner) if owner is not None else None
        shown = tuple(found[:limit])
        return ProfilePage(shown, active, _cursor(shown[-1]) if len(found) > limit else None)

    async def update(
        self, profile_id: ProfileId, *, name: str | None = None, theme_color: str | None = None
    ) -> Profile:
        """Raises: InvalidError."""
        self._revisions.keys()
        values = dict[str, str]()
        if name is not None:
            values["name"] = checked_name(name)
        if theme_color is not None:
            values["theme_color"] = checked_theme_color(theme_color)
        async with self._database.begin() as connection:
            await rows.change(connection, profile_id, updated_at=self._clock.now(), **values)
            return await existing(connection, profile_id)

    async def activate(self, profile_id: ProfileId) -> Profile:
        """Make it the one active profile of its owner."""
        self._revisions.keys()
        async with self._database.begin() as connection:
            await rows.change(connection, profile_id, last_used_at=self._clock.now())
            profile = await existing(connection, profile_id)
            await rows.make_active(connection, profile.owner, profile_id)
            return await existing(connection, profile_id)

    async def active(self, owner: PrincipalName) -> Profile | None:
        self._revisions.keys()
        async with self._database.read() as connection:
            profile_id = await rows.active_id(connection, owner)
            return await rows.find(connection, profile_id) if profile_id is not None else None

    async def delete(self, profile_id: ProfileId, *, force: bool = False) -> ProfileId | None:
        """Forget the key of a profile, and then remove its files. Returns its owner's active profile from here on.

        The key's row goes in one transaction with the profile. On SQLite it is overwritten in the database's file
        (`secure_delete`), and the log, where it stood before, is carried over and cut off: by then neither has a copy.
        That makes the sealed files worthless, wherever copies of them are. It cannot do the same for copies of the
        database (backups, snapshots of the file system), for blocks that an SSD or a copy-on-write file system still
        has, or for PostgreSQL, whose dead rows and log stay until vacuumed and recycled. Who holds one of those and
        the state key can open what there is of the files; without the state key nobody can.

        Raises: ConflictError (`profile_in_use`) while a session uses it, unless `force`; what such a session saves
        later is refused (`profile_deleted`).
        """
        self._revisions.keys()
        return await to_the_end(self._delete(profile_id, force=force), name="profile-delete")

    async def _delete(self, profile_id: ProfileId, *, force: bool) -> ProfileId | None:
        async with self._database.begin() as connection:
            await rows.overwrite_what_goes(connection)
            await rows.change(connection, profile_id, updated_at=self._clock.now())
            profile = await existing(connection, profile_id)
            if refusal := may_delete(await rows.leases_of(connection, [profile_id]), force=force):
                raise ConflictError("a session uses this profile", reason=str(refusal))
            await rows.remove_key(connection, profile_id)
            await rows.remove(connection, profile_id)
            if profile.active and (heir := await rows.last_used_id(connection, profile.owner)) is not None:
                await rows.make_active(connection, profile.owner, heir)
            active = await rows.active_id(connection, profile.owner)
        await upkeep.empty_wal(self._database)
        try:
            await in_thread(partial(blobs.remove_profile, self._directory, profile_id))
        except OSError as error:
            _log.warning("profile_files_left", profile=profile_id, error=error.strerror)
        return active

    # --- the states of hibernated sessions

    async def add_snapshot(self, owner: PrincipalName, session_id: SessionId) -> Profile:
        """An empty profile to which that session may write, in no listing and no quota. Raises: as `take`."""
        self._revisions.keys()
        profile = await self._copies.add_snapshot(owner, session_id)
        await self.take(profile.id, session_id, writes=True)
        return profile

    async def drop_snapshots(self, session_id: SessionId) -> None:
        """Destroy what was kept of a hibernated session, as `delete` does. Nothing happens where there is nothing."""
        async with self._database.read() as connection:
            found = await rows.kept_for(connection, session_id)
        for profile_id, _ in found:
            await to_the_end(self._delete(profile_id, force=True), name="snapshot-delete")

    async def forget_snapshots(self, keep: Collection[SessionId]) -> int:
        """Destroy what was kept of sessions that are not among `keep`; returns how many. For a daemon's start."""
        async with self._database.read() as connection:
            found = [(id_, session_id) for id_, session_id in await rows.kept_for(connection) if session_id not in keep]
        for profile_id, _ in found:
            await self._delete(profile_id, force=True)
        return len(found)

    # --- who uses them

    async def take(self, profile_id: ProfileId, session_id: SessionId, *, writes: bool) -> Lease:
        """Let a session use a profile until `give_back`. Taking it again, also otherwise, replaces what it had.

        What is the last revision now stays readable for a reader, however many are saved meanwhile.

        Raises: ConflictError (`profile_in_use`): it would write, and another one does.
        """
        self._revisions.keys()
        now = self._clock.now()
        try:
            async with self._database.begin() as connection:
                await rows.change(connection, profile_id, last_used_at=now)
                revision = (await existing(connection, profile_id)).revision
                lease = Lease(
                    profile_id=profile_id, session_id=session_id, writes=writes, revision=revision, taken_at=now
                )
                if may_take(await rows.leases_of(connection, [profile_id]), session_id, writes=writes) is not None:
                    raise _in_use()
                await rows.put_lease(connection, lease)
        except IntegrityError:  # of another process
            raise _in_use() from None
        return lease

    async def give_back(self, session_id: SessionId) -> None:
        """End all that a session uses. Of one that uses nothing: nothing."""
        async with self._database.begin() as connection:
            await rows.drop_leases(connection, [session_id])

    async def forget_leases(self, keep: Collection[SessionId]) -> None:
        """End what sessions use that are not among `keep`. For a daemon's start."""
        async with self._database.begin() as connection:
            await rows.drop_leases(connection, left_over(await rows.lease_holders(connection), keep))

    # --- what is in them

    async def revisions(self, profile_id: ProfileId) -> tuple[Revision, ...]:
        """Those that are kept, newest first."""
        self._revisions.keys()
        async with self._database.read() as connection:
            await existing(connection, profile_id)
            return tuple(await rows.revisions_of(connection, profile_id))

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
        """Make the next revision of what `body` yields. It is there, whole, or never was, whatever happens.

        `session_id`: whose lease to write it must be; None: no session may have one.
        Raises: ConflictError (`profile_in_use`, `lease_lost`, `revision_moved`, `profile_deleted`, `profile_private`,
            `profile_damaged` and `profile_key_missing` where its key does not open), TooLargeError, StorageFullError.
        """
        self._revisions.keys()
        return await self._revisions.save(
            profile_id, session_id, form=form, engine=engine, manifest=manifest, body=body
        )

    def read(self, profile_id: ProfileId, revision: int | None = None) -> AbstractAsyncContextManager[StoredRevision]:
        """Open a revision, None: the last.

        Raises: ConflictError (`profile_empty`, `profile_damaged`, `profile_key_missing`), NotFoundError also for a
            revision that is not kept any more.
        """
        return self._revisions.read(profile_id, revision)

    async def get_state(self, profile_id: ProfileId, revision: int | None = None) -> bytes:
        """The JSON of a revision that is a `storage_state`. Raises: as `read`; ConflictError (`profile_other_form`)."""
        async with self.read(profile_id, revision) as stored:
            if stored.form is not ProfileForm.STORAGE_STATE:
                raise ConflictError("what is kept is a user-data directory", reason="profile_other_form")
            state = bytearray()
            async for piece in stored.body:
                state += piece
                if len(state) > MAX_STATE_BYTES:
                    raise _state_too_large()
            return bytes(state)

    async def put_state(
        self, profile_id: ProfileId, state: bytes, *, session_id: SessionId | None = None, manifest: bytes = b"{}"
    ) -> Revision:
        """Save the JSON of a `storage_state`. Raises: as `save`."""
        if len(state) > MAX_STATE_BYTES:
            raise _state_too_large()
        form = ProfileForm.STORAGE_STATE
        return await self.save(profile_id, session_id, form=form, engine="", manifest=manifest, body=_one(state))

    async def fork(
        self, profile_id: ProfileId, owner: PrincipalName, *, name: str, revision: int | None = None
    ) -> Profile:
        """A new profile of `owner` from a revision (None: the last, or an empty one of an empty one).

        Raises: as `read`; InvalidError, QuotaError, StorageFullError.
        """
        self._revisions.keys()
        return await self._copies.fork(profile_id, owner, name, revision)

    def export(
        self, profile_id: ProfileId, *, passphrase: str, revision: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """One revision as a file; see `portable`. Raises: as `read`; InvalidError."""
        return self._copies.export(profile_id, passphrase, revision)

    async def import_file(
        self, owner: PrincipalName, body: AsyncIterator[bytes], *, passphrase: str, name: str
    ) -> Profile:
        """A new profile of `owner` from such a file, all of which is verified first. Its manifest is not looked into:
        whoever made the file may have written anything.

        Raises: InvalidError, TooLargeError, QuotaError, StorageFullError.
        """
        self._revisions.keys()
        return await self._copies.import_file(owner, body, passphrase, name)

    # --- all of them

    async def rekey(self, keyring: Keyring) -> tuple[int, int]:
        """Wrap all data keys under `keyring`'s first. Returns how many were, and how many no key of it opens."""
        done = await upkeep.rekey(self._database, keyring)
        await upkeep.empty_wal(self._database)
        return done

    async def collect_garbage(self) -> int:
        """Remove what a crash left; never a file that a revision has. Returns how many files. For a daemon's start."""
        return await upkeep.collect_garbage(self._revisions)


def _in_use() -> ConflictError:
    return ConflictError("another session writes to this profile", reason="profile_in_use")


def _state_too_large() -> TooLargeError:
    return TooLargeError(f"a storage_state may have {MAX_STATE_BYTES} bytes", max_bytes=MAX_STATE_BYTES)


async def _one(piece: bytes) -> AsyncGenerator[bytes]:
    yield piece


def _cursor(profile: Profile) -> str:
    return base64.urlsafe_b64encode(f"{profile.last_used_at.isoformat()} {profile.id}".encode()).decode()


def _parse_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, profile_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(" ")
        moment = datetime.fromisoformat(at)
    except (binascii.Error, ValueError):
        raise InvalidError("this is no cursor of a list of profiles", field="cursor") from None
    if moment.tzinfo is None or not profile_id:
        raise InvalidError("this is no cursor of a list of profiles", field="cursor")
    return moment, profile_id
