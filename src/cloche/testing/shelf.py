"""A keeper of profiles whose snapshots are words in memory: for testing who lies down and rises, and in which order."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from cloche.ids import SessionId, new_profile_id
from cloche.sessions.keeping import Kept
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.profiles.side import Storing
from cloche.sessions.resting import Snapshot
from cloche.testing.kept_profiles import MemoryStore
from cloche.testing.sessions import NOON

if TYPE_CHECKING:
    from cloche.sessions.runner import SessionRunner


class Shelf(ProfileKeeper):
    """`may_save`, `may_go_on` and `may_restore` hold those who do; what `saving_fails` and `restoring_fails` name is
    raised. As the real one it has the session's browser in hand from the saving on.
    """

    def __init__(self) -> None:
        super().__init__(Storing(MemoryStore(), 1 << 20))
        self.kept: dict[SessionId, Snapshot] = {}
        self.done: list[str] = []
        self.may_save, self.may_go_on, self.may_restore = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for may in (self.may_save, self.may_go_on, self.may_restore):
            may.set()
        self.goes_on = asyncio.Event()
        """Set once a session is given back what it was doing."""
        self.saving_fails: Exception | None = None
        self.restoring_fails: Exception | None = None

    def parts_of(self, runner: "SessionRunner") -> tuple[Kept, ...]:
        return (_Restoring(self),) if runner.session.snapshot is not None else ()

    def snapshot_of(
        self, runner: "SessionRunner", somebody_came: asyncio.Event
    ) -> AbstractAsyncContextManager[Snapshot]:
        return self._taken(runner)

    async def drop_snapshot(self, session_id: SessionId) -> None:
        if self.kept.pop(session_id, None) is not None:
            self.done.append("dropped")

    @asynccontextmanager
    async def _taken(self, runner: "SessionRunner") -> AsyncGenerator[Snapshot]:
        session_id = runner.session.id
        runner.browser_returns(is_expected=True)
        self.done.append("saving")
        try:
            await self.may_save.wait()
            if self.saving_fails is not None:
                raise self.saving_fails
            snapshot = Snapshot(profile=new_profile_id(), revision=1, size_bytes=100, taken_at=NOON)
            self.kept[session_id] = snapshot
            self.done.append("saved")
            yield snapshot
        except BaseException:
            self.goes_on.set()
            await self.may_go_on.wait()
            self.done.append("gone on")
            self.kept.pop(session_id, None)
            runner.browser_returns(is_expected=False)
            raise


class _Restoring(Kept):
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def furnish(self) -> None:
        await self._shelf.may_restore.wait()
        if self._shelf.restoring_fails is not None:
            raise self._shelf.restoring_fails
        self._shelf.done.append("restored")

    async def begin(self) -> None: ...

    def browser_came(self) -> None: ...

    def browser_went(self) -> None: ...

    async def save(self, reason: str) -> None: ...

    async def close(self) -> None: ...
