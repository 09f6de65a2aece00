"""Gives sessions their profiles, and takes them back: who may start from which, who writes, and who still lives."""

import asyncio
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.errors import ConflictError, GoneError, NotFoundError
from cloche.ids import ProfileId, SessionId
from cloche.profiles.lease import Lease
from cloche.profiles.model import Profile, ProfileForm
from cloche.sessions.hibernation.snapshots import Snapshots, parts_of
from cloche.sessions.keeping import Kept
from cloche.sessions.model import ACTIVE_PROFILE, IfBusy, ProfileUse, SessionOptions
from cloche.sessions.principal import Principal
from cloche.sessions.profiles.refusals import IN_USE, NOT_SAVING, OFF, OTHER_ENGINE, no_profile
from cloche.sessions.profiles.side import ProfileSide, Storing
from cloche.sessions.resting import Snapshot, StandbyUse

if TYPE_CHECKING:
    from cloche.sessions.runner import SessionRunner

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a session starts: with `options` as they are in force, and whether its browser waits for its directory."""

    options: SessionOptions
    is_at_rest: bool = False


class ProfileKeeper:
    """One for the daemon. The manager asks it at the beginning and the end of a session, each runner for its part."""

    def __init__(self, storing: Storing | None) -> None:
        """None: the server has no key to keep profiles under."""
        self._storing = storing
        self._snapshots = Snapshots(storing) if storing is not None else None
        self._sides: dict[SessionId, ProfileSide] = {}
        self._hibernated = set[SessionId]()
        """Those that may have a snapshot."""
        self._is_leaving = False
        self._ended = set[SessionId]()
        """Whose leases have not been given back, for the database did not answer then."""

    # --- the beginning ----------------------------------------------------------------------------------------------

    async def wants_rest(self, principal: Principal, options: SessionOptions) -> bool | None:
        """Whether the browser has to be at rest when what the profile holds is put in: a whole directory is read by one
        that starts. None: that is not known before there is a lease on it. Raises: as `begin`.
        """
        use = options.profile
        if use is None or options.private:
            return False
        self._require()
        profile = await self._find(principal, use.id)
        if profile.private:
            return False
        # One without a revision might be saved as a directory before this session has its lease on it.
        return None if profile.revision == 0 else profile.form is ProfileForm.DIRECTORY

    async def begin(self, principal: Principal, session_id: SessionId, options: SessionOptions) -> Beginning:
        """Find the profile that is asked for, and take a lease on it; `end` gives it back, whatever comes of the start.

        Raises: NotFoundError, for a foreign profile too; ConflictError (`profiles_off`, `profile_in_use`,
        `profile_not_saving`, `profile_other_engine`).
        """
        use = options.profile
        if options.standby is not None and options.standby.hibernate_after_s is not None:
            self._require()
        if use is None:
            return Beginning(options)
        self._require()
        await self._give_back()
        profile = await self._find(principal, use.id)
        if profile.private or options.private:
            # It is read and written by nobody, so there is nothing to hold on to.
            nothing = replace(use, id=profile.id, save=False, revision=0)
            return Beginning(replace(options, private=True, profile=nothing, standby=_without_hibernation(options)))
        if use.save and not profile.persistence:
            raise ConflictError("nothing may be saved to this profile", reason=NOT_SAVING)
        try:
            lease, profile = await self._hold(replace(use, id=profile.id), session_id)
            _require_engine(profile, options)
        except BaseException:
            await self.end(session_id)
            raise
        used = replace(use, id=profile.id, save=lease.writes, revision=profile.revision)
        at_rest = profile.revision > 0 and profile.form is ProfileForm.DIRECTORY
        return Beginning(replace(options, profile=used), at_rest)

    async def _find(self, principal: Principal, asked: ProfileId) -> Profile:
        """Only the caller's own: an admin sees all profiles, and starts sessions from none but the own ones."""
        store = self._require().store
        if asked == ACTIVE_PROFILE:
            profile = await store.active(principal.name)
            if profile is None:
                raise NotFoundError("no profile is active")
            return profile
        profile = await store.get(asked)
        if profile.owner != principal.name or profile.kept_for is not None:
            raise NotFoundError("there is no such profile")
        return profile

    async def _hold(self, use: ProfileUse, session_id: SessionId) -> tuple[Lease, Profile]:
        """A lease, and the profile as it stood when that was taken: of a reader's that revision stays readable."""
        while True:
            lease = await self._take(use, session_id)
            profile = await self._require().store.get(use.id)
            if profile.revision == lease.revision:
                return lease, profile
            # Another session has saved in between, which takes far longer than this: it will not go on for ever.

    async def _take(self, use: ProfileUse, session_id: SessionId) -> Lease:
        store = self._require().store
        try:
            return await store.take(use.id, session_id, writes=use.save)
        except ConflictError as error:
            if error.fields.get("reason") != IN_USE or use.if_busy is not IfBusy.READ_ONLY:
                raise
        return await store.take(use.id, session_id, writes=False)

    def _require(self) -> Storing:
        if self._storing is None:
            raise ConflictError("this server keeps no profiles: it has no state key", reason=OFF)
        return self._storing

    # --- meanwhile --------------------------------------------------------------------------------------------------

    def parts_of(self, runner: "SessionRunner") -> tuple[Kept, ...]:
        """What a runner has of this: nothing, for one whose session is private."""
        if runner.session.options.private or self._storing is None:
            return ()
        parts, side = parts_of(runner, self._storing)
        if side is not None:
            self._sides[runner.session.id] = side
        if runner.session.snapshot is not None:
            self._hibernated.add(runner.session.id)
        return tuple(parts)

    def require_snapshots(self) -> None:
        """Raises: ConflictError (`profiles_off`)."""
        self._require()

    def snapshot_of(
        self, runner: "SessionRunner", somebody_came: asyncio.Event
    ) -> AbstractAsyncContextManager[Snapshot]:
        """See `Snapshots.taken`. Raises: ConflictError (`profiles_off`)."""
        self._require()
        assert self._snapshots is not None
        self._hibernated.add(runner.session.id)
        return self._snapshots.taken(runner, self._sides.get(runner.session.id), somebody_came)

    async def drop_snapshot(self, session_id: SessionId) -> None:
        """The session is back, or has ended: nothing stays that was kept for that alone."""
        if self._snapshots is not None and session_id in self._hibernated:
            try:
                await self._snapshots.drop(session_id)
                self._hibernated.discard(session_id)
            except SQLAlchemyError:  # the next start finds it
                _log.exception("snapshot_not_dropped", session=session_id)

    async def save_now(self, runner: "SessionRunner") -> ProfileId:
        """Raises: ConflictError (`no_profile`), GoneError when the server is about to stop, ClocheError."""
        if self._is_leaving:
            raise GoneError("the server is stopping", reason="server_stopping")
        side, use = self._sides.get(runner.session.id), runner.session.options.profile
        if side is None or use is None:
            raise no_profile()
        runner.actions_changed(1)  # as good as a client: whoever lays the session down just now gives that up
        try:
            await runner.entrance.whole()
            runner.require_staying()
            await side.save_now()
        finally:
            runner.actions_changed(-1)
        return use.id

    async def settle(self) -> None:
        """Let saves of living sessions come to their end, and begin no other: the sessions are about to be left."""
        self._is_leaving = True
        for side in tuple(self._sides.values()):
            await side.settled()

    # --- the end ----------------------------------------------------------------------------------------------------

    async def end(self, session_id: SessionId) -> None:
        """The session has ended, or has not come up: others may have its profile."""
        self._sides.pop(session_id, None)
        await self.drop_snapshot(session_id)
        self._hibernated.discard(session_id)
        if self._storing is not None:
            self._ended.add(session_id)
            try:
                await self._give_back()
            except SQLAlchemyError:
                # What ends must end. Its profile is free again with the next session that wants one.
                _log.exception("profile_not_given_back", session=session_id)

    async def _give_back(self) -> None:
        for session_id in tuple(self._ended):
            await self._require().store.give_back(session_id)
            self._ended.discard(session_id)

    async def recover(self, live: Collection[SessionId], hibernated: Collection[SessionId] = ()) -> None:
        """At the daemon's start, once the sessions that live have been adopted: forget what the others had."""
        if self._storing is not None:
            await self._storing.store.forget_leases(keep=live)
            await self._storing.store.forget_snapshots(keep=hibernated)
            await self._storing.store.collect_garbage()


def _without_hibernation(options: SessionOptions) -> StandbyUse | None:
    return replace(options.standby, hibernate_after_s=None) if options.standby is not None else None


def _require_engine(profile: Profile, options: SessionOptions) -> None:
    if profile.form is ProfileForm.DIRECTORY and profile.engine != str(options.engine):
        raise ConflictError(
            f"the profile was saved by the engine {profile.engine}", reason=OTHER_ENGINE, engine=profile.engine
        )
