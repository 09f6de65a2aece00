"""What the doors may ask of pools. `named` is the real thing.

Everything that names a pool raises NotFoundError for one that is not there; what changes one raises DeniedError for
who is no admin, and JournalError when nothing can be written down. The `default` pool can be looked at and flushed:
all else that names it raises ConflictError (`default_pool`).
"""

from typing import Protocol

from cloche.ids import SessionId
from cloche.sessions.model import Session, SessionRequest
from cloche.sessions.pool.model import Acquire, NewPool, Pool
from cloche.sessions.principal import Principal


class SessionPools(Protocol):
    async def create(self, principal: Principal, asked: NewPool) -> Pool:
        """Only an admin may.

        Raises: InvalidError (`name`, `size`, and as a session that is made with these options), DeniedError,
        ConflictError (`pool_exists`, `too_many_pools`, `default_pool`).
        """
        ...

    async def list(self, principal: Principal) -> tuple[Pool, ...]:
        """All, the default pool first and then by name: any key may look at them, and use them."""
        ...

    async def get(self, principal: Principal, name: str) -> Pool: ...

    async def update(
        self, principal: Principal, name: str, *, size: int | None = None, request: SessionRequest | None = None
    ) -> Pool:
        """`request` takes the place of all that there was. Sandboxes that do not fit it any more go.

        Raises: InvalidError, DeniedError.
        """
        ...

    async def delete(self, principal: Principal, name: str) -> None:
        """What waits goes; sessions that were made from it live on."""
        ...

    async def flush(self, principal: Principal, name: str) -> int:
        """Have all that wait replaced, of the default pool those of all shapes; returns how many go."""
        ...

    async def acquire(self, principal: Principal, name: str, asked: Acquire, *, wait: bool = True) -> Session:
        """Make a session of the caller's with the pool's options: of a warm sandbox, or at once of a new one.

        Raises: as `SessionManager.create`.
        """
        ...

    async def release(self, principal: Principal, name: str, session_id: SessionId) -> Session:
        """End a session that came from the pool. Nothing of it is used again.

        Raises: NotFoundError, for a foreign session too; ConflictError (`not_from_pool`).
        """
        ...
