"""What is kept of a hibernated session, in the form of a profile's revision: its own profile's, or one for this alone.

A session that saves the user-data directory to a profile has all of its state there. Any other gets a profile that
nobody sees, sealed under a key of its own, which goes when the session is back or at its end.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, ConflictError
from cloche.ids import SessionId
from cloche.profiles.model import ProfileForm, Revision
from cloche.sessions.events import Data
from cloche.sessions.hibernation.taken_up import TakenUp
from cloche.sessions.interface import SessionMachine
from cloche.sessions.keeping import Kept
from cloche.sessions.machine_api import AgentMachine
from cloche.sessions.model import EventType, ProfileUse, Session
from cloche.sessions.profiles.side import ProfileOwner, ProfileSide, StartsFrom, Storing
from cloche.sessions.profiles.state_tools import CallsBrowser
from cloche.sessions.resting import Snapshot

if TYPE_CHECKING:
    from cloche.sessions.runner import SessionRunner

IN_USE: Final = "session_in_use"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Unused:
    """A runner for requests of our own to its agent: they are no use of the session."""

    runner: "SessionRunner"

    async def dial_agent(self) -> socket.socket:
        return await self.runner.dial_agent()

    def require_staying(self) -> None:
        self.runner.require_staying()

    def actions_changed(self, change: int) -> None:
        """Nobody has come for them."""

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        self.runner.publish(type_, data)


class _Owner:
    """A runner for the part that keeps its snapshot. Of a profile that is none nobody is told."""

    def __init__(self, runner: "SessionRunner", *, is_heard: bool) -> None:
        self._runner, self._is_heard = runner, is_heard
        self.machine: SessionMachine = AgentMachine(_Unused(runner))

    @property
    def session(self) -> Session:
        return self._runner.session

    @property
    def browsing(self) -> CallsBrowser:
        return self._runner.browsing

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        if self._is_heard:
            self._runner.publish(type_, data)

    def browser_returns(self, *, is_expected: bool) -> None:
        self._runner.browser_returns(is_expected=is_expected)


def parts_of(runner: "SessionRunner", storing: Storing) -> tuple[list[Kept], ProfileSide | None]:
    """What a runner has of profiles and snapshots, in order; and of these the part that keeps its profile."""
    session, parts = runner.session, list[Kept]()
    use, snapshot, start = session.options.profile, session.snapshot, StartsFrom.PROFILE
    if snapshot is not None and use is not None and snapshot.profile == use.id:
        use, start = replace(use, revision=snapshot.revision), StartsFrom.SNAPSHOT
    elif snapshot is not None:
        own = ProfileUse(id=snapshot.profile, revision=snapshot.revision)
        parts.append(ProfileSide(_Owner(runner, is_heard=False), own, storing, StartsFrom.SNAPSHOT))
        start = StartsFrom.ELSEWHERE
    side = ProfileSide(runner, use, storing, start) if use is not None else None
    if side is not None:
        parts.append(side)
    if not _saves_directory(use) and not session.options.machine:
        parts.append(TakenUp(runner))
    return parts, side


class OwnerOf(Protocol):
    def __call__(self, runner: "SessionRunner", *, is_heard: bool) -> ProfileOwner: ...


class Snapshots:
    """Owned by the keeper of profiles."""

    def __init__(self, storing: Storing, owner: "OwnerOf | None" = None) -> None:
        """`owner` stands in for what asks a runner's agent and browser."""
        self._storing, self._owner = storing, owner or _Owner

    @asynccontextmanager
    async def taken(
        self, runner: "SessionRunner", side: ProfileSide | None, somebody_came: asyncio.Event
    ) -> AsyncGenerator[Snapshot]:
        """In the block the session's state is on the disk, whole and synced, and its browser stopped.

        Where the block raises, the browser is back as it was when that leaves here, and there is no snapshot.

        Raises: ConflictError (`session_in_use`): somebody came before it was done; ClocheError.
        """
        session, use = runner.session, runner.session.options.profile
        if use is not None and side is not None and use.save and not _saves_directory(use):
            await side.save_now()  # what it keeps of the session, its end will not find any more
        keeper = await self._keeper(runner)
        try:
            if somebody_came.is_set():  # and was let in: from here on nobody is
                raise in_use(1)
            saving = spawn(keeper.save_and_rest(), name=f"snapshot:{session.id}")
            revision = await _unless(saving, somebody_came)
            yield Snapshot(
                profile=keeper.profile,
                revision=revision.revision,
                size_bytes=revision.size_bytes,
                taken_at=revision.created_at,
            )
        except BaseException:
            await asyncio.shield(spawn(self._undo(keeper, runner), name=f"go-on:{session.id}"))
            raise

    async def drop(self, session_id: SessionId) -> None:
        """Destroy what was made for this alone."""
        await self._storing.store.drop_snapshots(session_id)

    async def _keeper(self, runner: "SessionRunner") -> ProfileSide:
        session, use = runner.session, runner.session.options.profile
        is_its_own = _saves_directory(use)
        if use is None or not is_its_own:
            profile = await self._storing.store.add_snapshot(session.owner, session.id)
            use = ProfileUse(id=profile.id, save=True, form=ProfileForm.DIRECTORY)
        owner = self._owner(runner, is_heard=is_its_own)
        keeper = ProfileSide(owner, use, self._storing, StartsFrom.ELSEWHERE)
        runner.keeping.lend(keeper)
        return keeper

    async def _undo(self, keeper: ProfileSide, runner: "SessionRunner") -> None:
        try:
            await keeper.go_on()
        except ClocheError:
            # The watch over the session, and its agent, find out what has become of its browser.
            _log.warning("session_not_gone_on", session=runner.session.id, exc_info=True)
        finally:
            await self.drop(runner.session.id)


def in_use(users: int) -> ConflictError:
    return ConflictError("the session is in use", reason=IN_USE, users=users)


def _saves_directory(use: ProfileUse | None) -> bool:
    return use is not None and use.save and use.form is ProfileForm.DIRECTORY


async def _unless(saving: asyncio.Task[Revision], somebody_came: asyncio.Event) -> Revision:
    """What is saved. Raises: ConflictError, as soon as somebody comes; the save has ended then."""
    coming = spawn(somebody_came.wait(), name="somebody-comes")
    try:
        await asyncio.wait({saving, coming}, return_when=asyncio.FIRST_COMPLETED)
        if somebody_came.is_set():
            raise in_use(1)
        return await saving
    finally:
        await cancel_and_wait(saving, coming)
