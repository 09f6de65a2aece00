"""The use cases of profiles: who may, what the journal is told, and what the store then does."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import msgspec

from cloche.audit.model import AuditRecord
from cloche.browser.contract.state import StorageState
from cloche.errors import ClocheError, ConflictError, DeniedError, InternalError, NotFoundError
from cloche.ids import ProfileId, SessionId
from cloche.profiles.model import NewProfile, Profile, ProfilePage, Rekeyed, Revision
from cloche.profiles.store import ProfileStore
from cloche.sessions.audit import AuditWriter
from cloche.sessions.principal import Principal, Role
from cloche.sessions.profiles.interface import SessionProfiles
from cloche.sessions.profiles.refusals import OFF
from cloche.vault.keyring import LiveKeyring
from cloche.vault.keys import Keyring

SaveSession = Callable[[Principal, SessionId], Awaitable[ProfileId]]
"""Saves a living session's state and tells whose profile it went to. Checks whose session it is, and raises as
`SessionProfiles.save_session` does."""
Rewrap = Callable[[Keyring], Awaitable[tuple[int, int]]]
"""Wraps the data keys of something else anew; returns how many were, and how many could not be opened."""


@dataclass(slots=True)
class _Entry:
    """What goes into the journal once it is done."""

    subject: str = ""
    owner: str = ""
    data: dict[str, str | int | float | bool | None] = field(default_factory=dict)

    def of(self, profile: Profile) -> None:
        self.subject, self.owner = profile.id, profile.owner


class Profiles(SessionProfiles):
    """Made by the composition root; every door calls it. A foreign profile and one that never was are the same."""

    def __init__(
        self,
        store: ProfileStore,
        keyring: LiveKeyring,
        audit: AuditWriter,
        save_session: SaveSession,
        rewrap_artifacts: Rewrap,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._audit = audit
        self._save_session = save_session
        self._rewrap_artifacts = rewrap_artifacts
        # Of two at once the one that has read the older keys would wrap under them what the other has done.
        self._one_rekey = asyncio.Lock()

    async def create(self, principal: Principal, request: NewProfile) -> Profile:
        async with self._noted(principal, "profile.created") as entry:
            entry.owner = principal.name
            profile = await self._store.add(principal.name, request)
            entry.of(profile)
        return profile

    async def get(self, principal: Principal, profile_id: ProfileId) -> Profile:
        profile = await self._store.get(profile_id)
        if not principal.may_use(profile.owner) or profile.kept_for is not None:
            raise NotFoundError("no such profile")
        return profile

    async def list(self, principal: Principal, *, limit: int = 50, cursor: str | None = None) -> ProfilePage:
        if principal.role is not Role.ADMIN:
            return await self._store.page(principal.name, limit=limit, cursor=cursor)
        page = await self._store.page(None, limit=limit, cursor=cursor)
        active = await self._store.active(principal.name)
        return replace(page, active_id=active.id if active is not None else None)

    async def update(
        self, principal: Principal, profile_id: ProfileId, *, name: str | None = None, theme_color: str | None = None
    ) -> Profile:
        async with self._noted_of(principal, profile_id, "profile.updated"):
            return await self._store.update(profile_id, name=name, theme_color=theme_color)

    async def activate(self, principal: Principal, profile_id: ProfileId) -> Profile:
        async with self._noted_of(principal, profile_id, "profile.activated"):
            return await self._store.activate(profile_id)

    async def fork(
        self, principal: Principal, profile_id: ProfileId, *, name: str, revision: int | None = None
    ) -> Profile:
        async with self._noted_of(principal, profile_id, "profile.forked") as entry:
            profile = await self._store.fork(profile_id, principal.name, name=name, revision=revision)
            entry.data["to"] = profile.id
        return profile

    async def delete(self, principal: Principal, profile_id: ProfileId, *, force: bool = False) -> ProfileId | None:
        async with self._noted_of(principal, profile_id, "profile.deleted") as entry:
            if force:
                entry.data["force"] = True
            return await self._store.delete(profile_id, force=force)

    async def revisions(self, principal: Principal, profile_id: ProfileId) -> tuple[Revision, ...]:
        await self.get(principal, profile_id)
        return await self._store.revisions(profile_id)

    @asynccontextmanager
    async def export(
        self, principal: Principal, profile_id: ProfileId, *, passphrase: str, revision: int | None = None
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        profile = await self.get(principal, profile_id)
        self._audit.require()
        async with self._store.export(profile_id, passphrase=passphrase, revision=revision) as body:
            # Written down before the first byte leaves, as one that hangs up half way has half of it.
            async with self._noted(principal, "profile.exported") as entry:
                entry.of(profile)
                entry.data["revision"] = revision or profile.revision
            yield body

    async def import_file(
        self, principal: Principal, body: AsyncIterator[bytes], *, passphrase: str, name: str
    ) -> Profile:
        async with self._noted(principal, "profile.imported") as entry:
            entry.owner = principal.name
            profile = await self._store.import_file(principal.name, body, passphrase=passphrase, name=name)
            entry.of(profile)
        return profile

    async def get_storage_state(self, principal: Principal, profile_id: ProfileId) -> StorageState:
        async with self._noted_of(principal, profile_id, "profile.state_read"):
            data = await self._store.get_state(profile_id)
            try:
                return msgspec.json.decode(data, type=StorageState)
            except msgspec.MsgspecError:  # of an import: whoever made the file may have written anything
                raise ConflictError("what is kept is no storage state", reason="profile_damaged") from None

    async def put_storage_state(self, principal: Principal, profile_id: ProfileId, state: StorageState) -> Profile:
        async with self._noted_of(principal, profile_id, "profile.state_written") as entry:
            saved = await self._store.put_state(profile_id, msgspec.json.encode(state))
            entry.data["revision"] = saved.revision
            return await self._store.get(profile_id)

    async def save_session(self, principal: Principal, session_id: SessionId) -> Profile:
        self._audit.require()
        profile = await self._store.get(await self._save_session(principal, session_id))
        await self._audit.settled()  # that it was saved is one of the session's events, which are noted with it
        return profile

    async def rekey(self, principal: Principal) -> Rekeyed:
        if principal.role is not Role.ADMIN:
            raise DeniedError("only an admin may wrap keys anew")
        async with self._noted(principal, "profile.rekeyed") as entry, self._one_rekey:
            keyring = await self._keyring.reload()
            if keyring is None:
                raise ConflictError("this server keeps no profiles: it has no state key", reason=OFF)
            counts = [await self._store.rekey(keyring), await self._rewrap_artifacts(keyring)]
            rekeyed = Rekeyed(
                key_id=keyring.key_id,
                rewrapped=sum(rewrapped for rewrapped, _ in counts),
                unreadable=sum(unreadable for _, unreadable in counts),
                previous_key_ids=keyring.earlier_ids,
            )
            entry.data |= {"key_id": rekeyed.key_id, "rewrapped": rekeyed.rewrapped, "unreadable": rekeyed.unreadable}
        return rekeyed

    @asynccontextmanager
    async def _noted_of(self, principal: Principal, profile_id: ProfileId, kind: str) -> AsyncGenerator[_Entry]:
        """As `_noted`, of a profile that the principal may see. Raises: NotFoundError."""
        profile = await self.get(principal, profile_id)
        async with self._noted(principal, kind) as entry:
            entry.of(profile)
            yield entry

    @asynccontextmanager
    async def _noted(self, principal: Principal, kind: str) -> AsyncGenerator[_Entry]:
        """Have what is done in the block written down before its caller hears of it, also where it is refused.

        Raises: JournalError, when nothing can be written down: then nothing is done either.
        """
        self._audit.require()
        entry, outcome = _Entry(), "cancelled"
        try:
            yield entry
            outcome = "ok"
        except Exception as error:
            outcome = error.code if isinstance(error, ClocheError) else InternalError.code
            raise
        finally:
            self._audit.note(
                AuditRecord(
                    kind=kind,
                    actor=principal.name,
                    owner=entry.owner,
                    subject=entry.subject,
                    outcome=outcome,
                    data=entry.data,
                )
            )
        await self._audit.settled()
