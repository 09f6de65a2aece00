"""Profiles in memory: for testing doors without a store, a key or a sandbox."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from pydantic import TypeAdapter

from cloche.browser.contract.state import StorageState
from cloche.errors import ClocheError, ConflictError, DeniedError, GoneError, InvalidError, NotFoundError, QuotaError
from cloche.ids import ProfileId, SessionId, new_profile_id
from cloche.profiles.model import NewProfile, Profile, ProfileForm, ProfilePage, Rekeyed, Revision
from cloche.sessions.model import FINAL_STATUSES
from cloche.sessions.principal import Principal, Role
from cloche.testing.manager import FakeSessionManager

MOST: Final = 16
"""Of one owner."""
MAGIC: Final = b"fake-export\n"
PIECE_BYTES: Final = 64

_STATE: Final[TypeAdapter[StorageState]] = TypeAdapter(StorageState)


@dataclass
class _Kept:
    profile: Profile
    states: dict[int, tuple[Revision, StorageState]] = field(default_factory=dict)


class FakeProfiles:
    """Keeps the contract of `cloche.sessions.profiles.interface.SessionProfiles`; revisions are storage states."""

    def __init__(self, manager: FakeSessionManager) -> None:
        self._manager = manager
        self._kept: dict[ProfileId, _Kept] = {}
        self.error: ClocheError | Exception | None = None
        """What everything fails of."""
        self.export_error: ClocheError | None = None
        """What an export breaks off with after its first piece."""

    async def create(self, principal: Principal, request: NewProfile) -> Profile:
        self._maybe_fail()
        if not 1 <= len(request.name.encode()) <= 96:
            raise InvalidError("a name has 1 to 96 bytes", field="name")
        if len(self._of(principal)) >= MOST:
            raise QuotaError(f"you have {MOST} profiles, which is your limit")
        now = datetime.now(UTC)
        profile = Profile(
            id=new_profile_id(),
            owner=principal.name,
            created_at=now,
            updated_at=now,
            last_used_at=now,
            **asdict(request),
        )
        self._kept[profile.id] = _Kept(profile)
        return profile

    async def get(self, principal: Principal, profile_id: ProfileId) -> Profile:
        return self._find(principal, profile_id).profile

    async def list(self, principal: Principal, *, limit: int = 50, cursor: str | None = None) -> ProfilePage:
        self._maybe_fail()
        found = [
            each.profile
            for each in reversed(self._kept.values())
            if principal.role is Role.ADMIN or each.profile.owner == principal.name
        ]
        ids = [profile.id for profile in found]
        if cursor is not None and cursor not in ids:
            raise InvalidError("this cursor is not from a listing", field="cursor")
        start = ids.index(ProfileId(cursor)) + 1 if cursor is not None else 0
        page = found[start : start + limit]
        next_cursor = page[-1].id if start + limit < len(found) else None
        return ProfilePage(tuple(page), self._active(principal), next_cursor)

    async def update(
        self, principal: Principal, profile_id: ProfileId, *, name: str | None = None, theme_color: str | None = None
    ) -> Profile:
        kept = self._find(principal, profile_id)
        old = kept.profile
        kept.profile = replace(
            old,
            name=old.name if name is None else name,
            theme_color=old.theme_color if theme_color is None else theme_color,
            updated_at=datetime.now(UTC),
        )
        return kept.profile

    async def activate(self, principal: Principal, profile_id: ProfileId) -> Profile:
        owner = self._find(principal, profile_id).profile.owner
        for kept in self._kept.values():
            if kept.profile.owner == owner:
                kept.profile = replace(kept.profile, active=kept.profile.id == profile_id)
        return self._kept[profile_id].profile

    async def fork(
        self, principal: Principal, profile_id: ProfileId, *, name: str, revision: int | None = None
    ) -> Profile:
        source, state = self._last(principal, profile_id, revision)
        made = await self.create(principal, NewProfile(name=name, theme_color=source.theme_color))
        return self._save(self._kept[made.id], state)

    async def delete(self, principal: Principal, profile_id: ProfileId, *, force: bool = False) -> ProfileId | None:
        kept = self._find(principal, profile_id)
        if kept.profile.used_by and not force:
            raise ConflictError("a session uses this profile", reason="profile_in_use")
        del self._kept[profile_id]
        return self._active(principal)

    async def revisions(self, principal: Principal, profile_id: ProfileId) -> tuple[Revision, ...]:
        return tuple(revision for revision, _ in reversed(self._find(principal, profile_id).states.values()))

    @asynccontextmanager
    async def export(
        self, principal: Principal, profile_id: ProfileId, *, passphrase: str, revision: int | None = None
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        _, state = self._last(principal, profile_id, revision)
        content = json.dumps({"passphrase": passphrase, "state": asdict(state)}).encode()
        yield self._pieces(MAGIC + content)

    async def _pieces(self, content: bytes) -> AsyncGenerator[bytes]:
        for at in range(0, len(content), PIECE_BYTES):
            yield content[at : at + PIECE_BYTES]
            if self.export_error is not None:
                raise self.export_error

    async def import_file(
        self, principal: Principal, body: AsyncIterator[bytes], *, passphrase: str, name: str
    ) -> Profile:
        self._maybe_fail()
        content = b"".join([piece async for piece in body])
        told = json.loads(content.removeprefix(MAGIC)) if content.startswith(MAGIC) else {}
        if told.get("passphrase") != passphrase:
            raise InvalidError("this is no export, or the passphrase is another", field="passphrase")
        made = await self.create(principal, NewProfile(name=name))
        return self._save(self._kept[made.id], _STATE.validate_json(json.dumps(told["state"])))

    async def get_storage_state(self, principal: Principal, profile_id: ProfileId) -> StorageState:
        return self._last(principal, profile_id, None)[1]

    async def put_storage_state(self, principal: Principal, profile_id: ProfileId, state: StorageState) -> Profile:
        kept = self._find(principal, profile_id)
        if kept.profile.written_by is not None:
            raise ConflictError("a session writes to this profile", reason="profile_in_use")
        return self._save(kept, state)

    async def save_session(self, principal: Principal, session_id: SessionId) -> Profile:
        self._maybe_fail()
        session = await self._manager.get(principal, session_id)
        if session.status in FINAL_STATUSES:
            raise GoneError("the session has ended", reason=session.reason)
        use = session.options.profile
        if use is None or not use.save:
            raise ConflictError("the session saves to no profile", reason="no_profile")
        return self._save(self._find(principal, use.id), StorageState(), session_id)

    async def rekey(self, principal: Principal) -> Rekeyed:
        self._maybe_fail()
        if principal.role is not Role.ADMIN:
            raise DeniedError("this needs an admin's key")
        return Rekeyed(key_id="ab" * 8, rewrapped=len(self._kept), unreadable=0, previous_key_ids=("cd" * 8,))

    def use(self, profile_id: ProfileId, session_id: SessionId) -> None:
        """Let a session write to a profile from here on."""
        kept = self._kept[profile_id]
        kept.profile = replace(kept.profile, used_by=(session_id,), written_by=session_id)

    def _find(self, principal: Principal, profile_id: ProfileId) -> _Kept:
        self._maybe_fail()
        kept = self._kept.get(profile_id)
        if kept is None or not principal.may_use(kept.profile.owner):
            raise NotFoundError("no such profile")
        return kept

    def _last(self, principal: Principal, profile_id: ProfileId, revision: int | None) -> tuple[Profile, StorageState]:
        kept = self._find(principal, profile_id)
        if not kept.states:
            raise ConflictError("nothing was saved to this profile yet", reason="profile_empty")
        if (found := kept.states.get(revision or kept.profile.revision)) is None:
            raise NotFoundError("no such revision")
        return kept.profile, found[1]

    def _save(self, kept: _Kept, state: StorageState, session_id: SessionId | None = None) -> Profile:
        number, now = kept.profile.revision + 1, datetime.now(UTC)
        form, size = ProfileForm.STORAGE_STATE, len(json.dumps(asdict(state)))
        revision = Revision(
            revision=number, form=form, engine="", size_bytes=size, session_id=session_id, created_at=now
        )
        kept.states[number] = (revision, state)
        size += kept.profile.size_bytes
        kept.profile = replace(kept.profile, revision=number, form=form, size_bytes=size, updated_at=now)
        return kept.profile

    def _of(self, principal: Principal) -> tuple[Profile, ...]:
        return tuple(each.profile for each in self._kept.values() if each.profile.owner == principal.name)

    def _active(self, principal: Principal) -> ProfileId | None:
        return next((profile.id for profile in self._of(principal) if profile.active), None)

    def _maybe_fail(self) -> None:
        if self.error is not None:
            raise self.error
