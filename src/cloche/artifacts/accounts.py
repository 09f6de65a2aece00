"""Who has how much room left while files come in side by side.

What is stored is in the database; what is on its way is only here. An account holds both for one session or one
principal, from the first file on its way until none is, so that two files cannot both take the last place.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cloche.artifacts.rows import Filter, Totals
from cloche.errors import QuotaError


class NoRoomError(Exception):
    """The file does not fit. `reason` is a slug; `seen_bytes` of it did."""

    def __init__(self, reason: str, seen_bytes: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seen_bytes = seen_bytes


@dataclass(slots=True)
class _Account:
    size_bytes: int = 0
    artifacts: int = 0
    users: int = 0
    is_closed: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """One account a file counts in, and what it may hold at most."""

    of: Filter
    max_bytes: int | None
    max_artifacts: int | None
    reason: str
    """Of a file that is not kept because of it."""


class Reservation:
    """What one file takes up so far, in every account it counts in."""

    def __init__(self, entries: list[tuple[_Account, Bound]]) -> None:
        self._entries = entries
        self.size_bytes = 0

    @property
    def is_closed(self) -> bool:
        """Whether the session ended meanwhile."""
        return any(account.is_closed for account, _ in self._entries)

    def grow(self, size_bytes: int) -> None:
        """Take more room.

        Raises: NoRoomError; what it took before is given back at once, so that of many that race for the last room one
        gets it.
        """
        for account, bound in self._entries:
            if bound.max_bytes is not None and account.size_bytes + size_bytes > bound.max_bytes:
                seen = self.size_bytes
                self.give_back_bytes()
                raise NoRoomError(bound.reason, seen)
        for account, _ in self._entries:
            account.size_bytes += size_bytes
        self.size_bytes += size_bytes

    def give_back_bytes(self) -> None:
        """Its bytes are not kept, though its record may be."""
        for account, _ in self._entries:
            account.size_bytes -= self.size_bytes
        self.size_bytes = 0

    def give_back(self) -> None:
        """Nothing of it is kept."""
        self.give_back_bytes()
        for account, _ in self._entries:
            account.artifacts -= 1


class Accounts:
    """`totals` tells what is stored. All on one event loop: a check and what follows from it are one step."""

    def __init__(self, totals: Callable[[Filter], Awaitable[Totals]]) -> None:
        self._totals = totals
        self._open: dict[Filter, _Account] = {}

    @asynccontextmanager
    async def reserve(self, bounds: list[Bound]) -> AsyncIterator[Reservation]:
        """Take a place for one file. What it holds at the end of the block stays: the database counts it from then on.

        Raises: QuotaError when there is no place.
        """
        accounts = [self._open.setdefault(bound.of, _Account()) for bound in bounds]
        for account in accounts:
            account.users += 1
        try:
            for account, bound in zip(accounts, bounds, strict=True):
                await self._read(account, bound.of)
            entries = list(zip(accounts, bounds, strict=True))
            for account, bound in entries:
                if bound.max_artifacts is not None and account.artifacts >= bound.max_artifacts:
                    raise QuotaError("there are too many artifacts; delete some", reason="too_many_artifacts")
            for account in accounts:
                account.artifacts += 1
            yield Reservation(entries)
        finally:
            for account, bound in zip(accounts, bounds, strict=True):
                account.users -= 1
                if account.users == 0:
                    del self._open[bound.of]

    def freed(self, of: Filter, size_bytes: int, artifacts: int) -> None:
        """Something stored was deleted."""
        if (account := self._open.get(of)) is not None and account.is_read:
            account.size_bytes -= size_bytes
            account.artifacts -= artifacts

    def close(self, of: Filter) -> None:
        """Nothing that is on its way may be kept any more."""
        if (account := self._open.get(of)) is not None:
            account.is_closed = True

    async def _read(self, account: _Account, of: Filter) -> None:
        async with account.lock:
            if not account.is_read:
                stored = await self._totals(of)
                account.size_bytes, account.artifacts, account.is_read = stored.size_bytes, stored.artifacts, True
