"""What is kept of one session in its profile: it starts from a revision of it, and saves the next one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Final, Protocol

import msgspec
import structlog

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError
from cloche.browser.contract.state import GetStorageStateRequest, SetStorageStateRequest
from cloche.browser.state.kept_state import KeptState
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.concurrency.threads import to_the_end
from cloche.errors import AgentError, ClocheError, ConflictError, DeadlineError, TooLargeError
from cloche.ids import ProfileId, SessionId
from cloche.profiles.limits import MAX_STATE_BYTES
from cloche.profiles.model import ProfileForm, Revision
from cloche.sessions.attachment import BROWSER_STOPPED
from cloche.sessions.events import Data
from cloche.sessions.hibernation.taken_up import take_up
from cloche.sessions.interface import SessionMachine
from cloche.sessions.keeping import Kept
from cloche.sessions.model import EventType, ProfileUse, Session
from cloche.sessions.profiles import held, pouring
from cloche.sessions.profiles.incoming import Head, Incoming
from cloche.sessions.profiles.refusals import no_profile, reason_of
from cloche.sessions.profiles.state_tools import CHROMIUM_STATE, CallsBrowser, StateTools
from cloche.sessions.profiles.storing import ProfileStoring

SAVE_S: Final = 60.0
"""The longest that a session's end waits for its profile."""
CAPTURE_S: Final = 10.0
RESTORE_S: Final = 15.0
TABS_S: Final = 2.0
MAX_ORIGINS: Final = 64
"""That a request for the storage state may name."""

_log = structlog.get_logger(__name__)


class ProfileOwner(Protocol):
    """What a runner does for its profile."""

    @property
    def session(self) -> Session: ...

    @property
    def machine(self) -> SessionMachine: ...

    @property
    def browsing(self) -> CallsBrowser: ...

    def publish(self, type_: EventType, data: Data | None = None) -> None: ...

    def browser_returns(self, *, is_expected: bool) -> None:
        """Whether a browser that is stopped will be started again at once: who dials meanwhile waits for it."""
        ...


class StartsFrom(StrEnum):
    """What a session has of its profile at its start."""

    PROFILE = "profile"
    SNAPSHOT = "snapshot"
    """It goes on where it was when this was saved: no page of its own opens beside what was open."""
    ELSEWHERE = "elsewhere"
    """Nothing: its state comes from another place."""


@dataclass(frozen=True, slots=True)
class Storing:
    """What every session's part works with."""

    store: ProfileStoring
    max_bytes: int
    """Of one revision, unpacked."""
    save_s: float = SAVE_S
    tools: StateTools = CHROMIUM_STATE


class ProfileSide(Kept):
    """Owned by the runner. Also asked, through the manager, to save while the session lives on."""

    def __init__(
        self, owner: ProfileOwner, use: ProfileUse, storing: Storing, start: StartsFrom = StartsFrom.PROFILE
    ) -> None:
        self._owner, self._use, self._storing, self._start = owner, use, storing, start
        self._id: SessionId = owner.session.id
        self._incoming: Incoming | None = None
        self._head: Head | None = None
        self._began = 0.0
        self._took_s = 0.0
        """For the profile alone, of the way up."""
        self._origins: tuple[str, ...] | None = None
        """Of the storage state that it started from. None: of an adopted session, which an earlier daemon knew."""
        self._opening: asyncio.Task[None] | None = None
        """Opens the tabs behind the one in front, and ends when the pages of all have loaded."""
        self._restored = self._at_rest = KeptState()
        self._saving = asyncio.Lock()
        self._saves: set[asyncio.Task[Revision]] = set()
        self._log = _log.bind(session=self._id, profile=use.id)

    @property
    def profile(self) -> ProfileId:
        return self._use.id

    @property
    def is_at_work(self) -> bool:
        return bool(self._saves) or (self._opening is not None and not self._opening.done())

    # --- starting from it -------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        if self._start is StartsFrom.ELSEWHERE:
            return
        self._origins = ()
        if self._use.revision:
            self._incoming = Incoming(self._storing.store, self._use.id, self._use.revision)

    async def furnish(self) -> None:
        if self._incoming is None:
            return
        self._began = monotonic()
        self._head = head = await self._incoming.head()
        if head.form is ProfileForm.DIRECTORY:
            await pouring.pour_in(self._owner.machine, self._incoming.pieces())
            state = held.state_of(head)
            resumes = self._start is StartsFrom.SNAPSHOT
            opens_left_tabs = not state.tabs and not resumes
            start_url = self._owner.session.options.start_url
            # A warm sandbox's agent knows of no start page.
            url = "about:blank" if resumes or (state.tabs and start_url is None) else start_url
            try:
                await pouring.start_browser(self._owner.machine, opens_left_tabs=opens_left_tabs, url=url)
            except (ConflictError, AgentError, DeadlineError) as error:
                raise held.not_restored("the browser did not start with this profile") from error
        self._took_s = monotonic() - self._began

    async def begin(self) -> None:
        if self._origins is None:
            await self._take_up()
        if self._head is None or self._incoming is None:
            return
        began = monotonic()
        try:
            if self._head.form is ProfileForm.DIRECTORY:
                await self._restore(held.state_of(self._head), wholly=self._start is StartsFrom.SNAPSHOT)
            else:
                await self._put_storage_state(await self._incoming.whole(MAX_STATE_BYTES))
        except (ActionError, TimeoutError) as error:
            raise held.not_restored("the browser did not take what the profile holds") from error
        self._took_s += monotonic() - began
        data = {"revision": self._head.revision, "bytes": self._incoming.bytes, "ms": _ms(self._took_s)}
        self._owner.publish(EventType.PROFILE_RESTORED, {"profile": self._use.id, **data})
        await self._incoming.close()
        self._head = self._incoming = None

    async def _take_up(self) -> None:
        """Of an adopted session: start a browser that the earlier daemon had stopped for a save, and did not get back.

        With `machine` its owner may have stopped it to work on its files, and is left to start it.
        """
        if not self._use.save or self._use.form is not ProfileForm.DIRECTORY or self._owner.session.options.machine:
            return
        await take_up(self._owner)

    async def _restore(self, state: KeptState, *, wholly: bool) -> None:
        """`wholly`: until all tabs are there, and not only those up to the one in front."""
        if state == KeptState():
            return
        call = await self._owner.browsing.outside_budget(RESTORE_S)
        await cancel_and_wait(self._opening)
        restored = await self._storing.tools.restore(call.browser, state, call.deadline)
        self._opening, self._restored = restored.rest, state
        if wholly:
            with suppress(TimeoutError):  # the rest follow, as they do where nobody waits
                async with asyncio.timeout_at(call.deadline):
                    await restored.all_there.wait()

    async def _put_storage_state(self, data: bytes) -> None:
        state = held.storage_state(data)
        self._origins = tuple(one.origin for one in state.origins)
        call = await self._owner.browsing.outside_budget(RESTORE_S)
        await self._storing.tools.set_storage_state(call, SetStorageStateRequest(storage_state=state))

    def browser_came(self) -> None:
        """Nothing: what a crash takes is what Chromium forgets at its end; the user-data directory is still there."""

    def browser_went(self) -> None:
        """Nothing."""

    # --- saving to it -----------------------------------------------------------------------------------------------

    async def save(self, reason: str) -> None:
        if not self._use.save:
            return
        try:
            async with asyncio.timeout(self._storing.save_s), self._saving:
                await self._save()
        except Exception as error:  # noqa: BLE001 - told as an event: a session ends whether it could be saved or not
            self._tell_failure(error)

    async def save_now(self) -> Revision:
        """Save while the session lives on; with the form `directory` its browser is stopped and started for it.

        Saves that are asked for meanwhile wait for their turn. Raises: ConflictError (`no_profile`), ClocheError.
        """
        if not self._use.save:
            raise no_profile()
        # A task of its own: who asked may hang up, and the browser must not stay stopped for that.
        saving = spawn(self._save_in_turn(), name=f"save:{self._id}")
        self._saves.add(saving)
        saving.add_done_callback(self._saves.discard)
        return await asyncio.shield(saving)

    async def save_and_rest(self) -> Revision:
        """Save all there is, and leave the browser stopped; whoever dials waits for it. `go_on` brings it back.

        Of the form `directory`, and with nobody there. Raises: ClocheError.
        """
        async with self._saving:
            try:
                self._owner.browser_returns(is_expected=True)
                self._at_rest = KeptState()
                self._at_rest = await self._captured()
                # To its end: one that is given up half-way may stop the browser after it was started again.
                await to_the_end(pouring.stop_browser(self._owner.machine), name="stop-browser")
                return await self._save_in_time(self._at_rest)
            except Exception as error:
                self._tell_failure(error)
                if isinstance(error, ActionError):
                    raise AgentError("the browser does not answer", reason=str(error.code)) from None
                raise

    async def go_on(self) -> None:
        """Have the browser back as it was before `save_and_rest`, whatever that came to. Raises: ClocheError."""
        try:
            await self._go_on(self._at_rest)
        except ActionError as error:
            raise AgentError("the browser does not answer", reason=str(error.code)) from None
        finally:
            self._owner.browser_returns(is_expected=False)

    async def settled(self) -> None:
        """Wait for saves that were asked for while the session lives on: one cut short leaves the browser stopped."""
        while self._saves:
            await asyncio.wait(self._saves)

    async def close(self) -> None:
        await cancel_and_wait(*self._saves, self._opening)
        if self._incoming is not None:
            await self._incoming.close()

    async def _save_in_turn(self) -> Revision:
        async with self._saving:
            try:
                if self._use.form is ProfileForm.STORAGE_STATE:
                    return await self._save_in_time()
                return await self._save_and_go_on()
            except Exception as error:
                self._tell_failure(error)
                if isinstance(error, ActionError):
                    raise AgentError("the browser does not answer", reason=str(error.code)) from None
                raise

    async def _save_and_go_on(self) -> Revision:
        self._owner.browser_returns(is_expected=True)
        state = KeptState()
        try:
            state = await self._captured()
            await pouring.stop_browser(self._owner.machine)
            return await self._save_in_time(state)
        finally:
            try:
                await self._go_on(state)
            finally:
                self._owner.browser_returns(is_expected=False)

    async def _go_on(self, state: KeptState) -> None:
        """Have the browser that was stopped, if it was, back as it was."""
        try:
            await pouring.start_browser(self._owner.machine, opens_left_tabs=not state.tabs, url="about:blank")
        except ConflictError as error:
            if error.fields.get("reason") != "browser_running":
                raise
            return
        await self._restore(state, wholly=True)

    async def _save_in_time(self, state: KeptState | None = None) -> Revision:
        try:
            async with asyncio.timeout(self._storing.save_s):
                return await self._save(state)
        except TimeoutError:
            raise DeadlineError("the profile was not saved in time") from None

    async def _save(self, state: KeptState | None = None) -> Revision:
        """`state`: of a browser that has been stopped already."""
        began = monotonic()
        if self._use.form is ProfileForm.DIRECTORY:
            revision = await self._save_directory(state)
        else:
            revision = await self._save_storage_state()
        data = {"revision": revision.revision, "bytes": revision.size_bytes, "ms": _ms(monotonic() - began)}
        self._owner.publish(EventType.PROFILE_SAVED, {"profile": self._use.id, **data})
        return revision

    async def _save_directory(self, state: KeptState | None) -> Revision:
        if state is None:
            state = await self._captured()
            await pouring.stop_browser(self._owner.machine)
        async with pouring.poured_out(self._owner.machine, self._storing.max_bytes) as body:
            return await self._storing.store.save(
                self._use.id,
                self._id,
                form=ProfileForm.DIRECTORY,
                engine=str(self._owner.session.options.engine),
                manifest=state.to_json(),
                body=body,
            )

    async def _captured(self) -> KeptState:
        """What the browser will forget. Nothing, where somebody has stopped it: its agent has noted the tabs then."""
        try:
            call = await self._owner.browsing.outside_budget(CAPTURE_S)
        except ConflictError as error:
            if error.fields.get("reason") != BROWSER_STOPPED:
                raise
            return KeptState()
        are_there = await self._tabs_opened(call)
        state = await self._storing.tools.capture(call.browser, call.deadline)
        return state if are_there else held.with_missing(state, self._restored)

    async def _tabs_opened(self, call: Call) -> bool:
        """Wait a while for tabs of the last revision that are still to come; return whether all are there."""
        give_up_at = asyncio.get_running_loop().time() + TABS_S
        while self._opening is not None and not self._opening.done():
            tabs = call.browser.tabs.values()
            if not call.browser.tabs_to_come and not any(tab.url in ("", "about:blank") for tab in tabs):
                break
            if asyncio.get_running_loop().time() > give_up_at:
                return False
            await asyncio.wait({self._opening}, timeout=0.02)
        return True

    async def _save_storage_state(self) -> Revision:
        call = await self._owner.browsing.outside_budget(CAPTURE_S)
        # Those it came with, and those it has shown since: the newest, where they are more than can be asked for.
        if self._origins is None:
            self._origins = await self._origins_kept()
        origins = dict.fromkeys((*self._origins, *call.browser.memory.origins.all))
        wanted = GetStorageStateRequest(origins=list(origins)[-MAX_ORIGINS:])
        found = await self._storing.tools.get_storage_state(call, wanted)
        data = msgspec.json.encode(found.storage_state)
        if len(data) > MAX_STATE_BYTES:  # no session could start from it
            raise TooLargeError("the storage state is larger than this server keeps")
        async with aclosing(_once(data)) as body:
            return await self._storing.store.save(
                self._use.id, self._id, form=ProfileForm.STORAGE_STATE, engine="", manifest=b"{}", body=body
            )

    async def _origins_kept(self) -> tuple[str, ...]:
        """Those of the last revision: without them an adopted session would save the new one without their storage."""
        store = self._storing.store
        revision = (await store.get(self._use.id)).revision
        if not revision:
            return ()
        incoming = Incoming(store, self._use.id, revision)
        try:
            if (await incoming.head()).form is not ProfileForm.STORAGE_STATE:
                return ()
            return tuple(one.origin for one in held.storage_state(await incoming.whole(MAX_STATE_BYTES)).origins)
        except ClocheError as error:  # what cannot be read must not keep what the browser has from being saved
            self._log.warning("profile_origins_unknown", reason=reason_of(error))
            return ()
        finally:
            await incoming.close()

    def _tell_failure(self, error: Exception) -> None:
        reason = reason_of(error)
        # Not what it says: it may quote a page.
        expected = isinstance(error, ClocheError | ActionError | TimeoutError)
        self._log.warning("profile_not_saved", reason=reason, exc_info=None if expected else error)
        self._owner.publish(EventType.PROFILE_NOT_SAVED, {"profile": self._use.id, "reason": reason})


async def _once(data: bytes) -> AsyncGenerator[bytes]:
    yield data


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
