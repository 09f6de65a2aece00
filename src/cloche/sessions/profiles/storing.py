"""What sessions ask of the store of profiles. `cloche.profiles.store` is the real one."""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cloche.ids import PrincipalName, ProfileId, SessionId
from cloche.profiles.lease import Lease
from cloche.profiles.model import Profile, ProfileForm, Revision


class Stored(Protocol):
    """A revision that is being read."""

    @property
    def form(self) -> ProfileForm: ...

    @property
    def engine(self) -> str: ...

    @property
    def revision(self) -> int: ...

    @property
    def manifest(self) -> bytes: ...

    @property
    def body(self) -> AsyncIterator[bytes]: ...


class ProfileStoring(Protocol):
    """Everything raises NotFoundError for a profile that is not there, or not any more."""

    async def get(self, profile_id: ProfileId) -> Profile: ...

    async def active(self, owner: PrincipalName) -> Profile | None: ...

    async def take(self, profile_id: ProfileId, session_id: SessionId, *, writes: bool) -> Lease:
        """Raises: ConflictError (`profile_in_use`)."""
        ...

    async def give_back(self, session_id: SessionId) -> None:
        """Safe to call again, and for sessions that have none."""
        ...

    def read(self, profile_id: ProfileId, revision: int | None = None) -> AbstractAsyncContextManager[Stored]:
        """Raises: ConflictError (`profile_empty`), and InternalError for a revision that cannot be read."""
        ...

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
        """The next revision, there whole or not at all. Raises: TooLargeError, ConflictError (`lease_lost`)."""
        ...

    async def forget_leases(self, keep: Collection[SessionId]) -> object:
        """Give back the leases of all sessions but these."""
        ...

    async def collect_garbage(self) -> object: ...

    async def add_snapshot(self, owner: PrincipalName, session_id: SessionId) -> Profile:
        """An empty profile for the state of a session that is hibernated; that session may write to it."""
        ...

    async def drop_snapshots(self, session_id: SessionId) -> None:
        """Destroy those of a session. Safe to call again, and for sessions that have none."""
        ...

    async def forget_snapshots(self, keep: Collection[SessionId]) -> object:
        """Destroy those of all sessions but these."""
        ...
