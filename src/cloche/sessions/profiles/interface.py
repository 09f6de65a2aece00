"""What the doors may ask of profiles. `service` is the real thing.

Everything raises NotFoundError for unknown and foreign profiles alike, and ConflictError (`profiles_off`: the server
has no state key).
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cloche.browser.contract.state import StorageState
from cloche.ids import ProfileId, SessionId
from cloche.profiles.model import NewProfile, Profile, ProfilePage, Rekeyed, Revision
from cloche.sessions.principal import Principal


class SessionProfiles(Protocol):
    async def create(self, principal: Principal, request: NewProfile) -> Profile:
        """Raises: InvalidError, QuotaError (`profiles` of one owner)."""
        ...

    async def get(self, principal: Principal, profile_id: ProfileId) -> Profile: ...

    async def list(self, principal: Principal, *, limit: int = 50, cursor: str | None = None) -> ProfilePage:
        """A user's own; an admin sees all. `limit` 1–200."""
        ...

    async def update(
        self, principal: Principal, profile_id: ProfileId, *, name: str | None = None, theme_color: str | None = None
    ) -> Profile: ...

    async def activate(self, principal: Principal, profile_id: ProfileId) -> Profile:
        """The one active profile of its owner from here on."""
        ...

    async def fork(
        self, principal: Principal, profile_id: ProfileId, *, name: str, revision: int | None = None
    ) -> Profile:
        """A new profile of the caller's that begins with a copy of a revision (None: the last), under a key of its own.

        Raises: NotFoundError, InvalidError, QuotaError.
        """
        ...

    async def delete(self, principal: Principal, profile_id: ProfileId, *, force: bool = False) -> ProfileId | None:
        """Forget its key, so that what was ever written of it cannot be read again, and then its files.

        Returns the owner's active profile from here on: where it was this one, the last used of those left.
        Raises: ConflictError (`profile_in_use`) while a session uses it, unless `force`: that session saves no more.
        """
        ...

    async def revisions(self, principal: Principal, profile_id: ProfileId) -> tuple[Revision, ...]:
        """Those that are kept, newest first."""
        ...

    def export(
        self, principal: Principal, profile_id: ProfileId, *, passphrase: str, revision: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """One revision as a file that any server with the passphrase (12–1024 characters) can take in.

        Raises: ConflictError (`profile_empty`), InvalidError.
        """
        ...

    async def import_file(
        self, principal: Principal, body: AsyncIterator[bytes], *, passphrase: str, name: str
    ) -> Profile:
        """A new profile from what `export` gave. Raises: InvalidError (also a wrong passphrase), TooLargeError."""
        ...

    async def get_storage_state(self, principal: Principal, profile_id: ProfileId) -> StorageState:
        """Raises: ConflictError (`profile_other_form`: the last revision is a user-data directory; `profile_empty`)."""
        ...

    async def put_storage_state(self, principal: Principal, profile_id: ProfileId, state: StorageState) -> Profile:
        """Save it as the next revision. Raises: ConflictError (`profile_in_use`: a session writes to it)."""
        ...

    async def save_session(self, principal: Principal, session_id: SessionId) -> Profile:
        """Save a living session's state to its profile now. With the form `directory` its browser is restarted.

        Raises: NotFoundError, GoneError, ConflictError (`no_profile`: it has none, or only reads).
        """
        ...

    async def rekey(self, principal: Principal) -> Rekeyed:
        """Read the state key's source again, and wrap every data key under the first key there. Only an admin may.

        Raises: DeniedError, ConflictError (`profiles_off`), InvalidError: the source is unusable.
        """
        ...
