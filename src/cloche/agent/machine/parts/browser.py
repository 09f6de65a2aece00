"""The browser stopped, started and restarted as its owner asks: each in its turn, and a restart as a transaction.

    restart    note the tabs ─ end it ─ put in place what changes ─ start it ─ open the tabs
                              (stop)    (apply)                     (start)
               what fails in `apply` or `start` undoes what was put in place, and starts the browser as it was

Tabs belong to a profile: where it is replaced, those are opened that were left in the new one.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

from cloche.agent.devtools import DevTools
from cloche.agent.life import Ending, Life
from cloche.agent.machine.api import Surroundings
from cloche.agent.machine.parts.change import Change
from cloche.agent.machine.parts.errand import Errand
from cloche.agent.machine.parts.wish import Start, Wish
from cloche.agent.machine.problem import Problem
from cloche.agent.supervisor import Supervisor
from cloche.agent.tabs import forget_tabs, note_tabs, open_tabs, read_tabs, write_tabs
from cloche.wire.agent_config import BrowserConfig
from cloche.wire.browser_flags import merge_flags, with_url

_LAST_WORDS_CHARS: Final = 500
_LOADS_EXTENSIONS: Final = "--disable-features=DisableLoadExtensionCommandLineSwitch"
"""Chromium may be built to ignore `--load-extension` (chrome/common/chrome_features.cc)."""


class Settings(NamedTuple):
    """What the owner has set, beside what the session was made with."""

    flags: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()

    def apply(self, base: Sequence[str]) -> tuple[str, ...]:
        if not self.extensions:
            return merge_flags(base, self.flags)
        return merge_flags(base, (*self.flags, f"--load-extension={','.join(self.extensions)}", _LOADS_EXTENSIONS))

    def changed(self, wish: Wish) -> "Settings":
        return Settings(
            self.flags if wish.flags is None else wish.flags,
            self.extensions if wish.extensions is None else wish.extensions,
        )


class _Failure(Exception):
    def __init__(self, phase: str, detail: str) -> None:
        super().__init__(detail)
        self.phase, self.detail = phase, detail


class BrowserCommands:
    """One for the agent. Every command waits for its turn; `errand` has begun when that has come."""

    def __init__(self, surroundings: Surroundings, supervisor: Supervisor, config: BrowserConfig) -> None:
        self._loop, self._log = surroundings.loop, surroundings.log
        self._supervisor, self._config = supervisor, config
        self._policies_dir = surroundings.config.policies_dir
        self._settings = Settings()
        self._tabs: list[str] | None = None
        """Of the browser that was stopped, where they could not be written down."""

    async def stop(self, errand: Errand) -> dict[str, Any]:
        """Raises: Problem 409 `browser_stopped`, `stop_failed`."""
        supervisor = self._supervisor
        async with self._turn(errand):
            if supervisor.is_stopped:
                raise Problem(409, "browser_stopped", "the browser is stopped already")
            began = time.monotonic()
            tabs = await self._note_tabs()
            try:
                await supervisor.halt("stopped", rests=True)
            except TimeoutError as error:
                raise Problem(409, "stop_failed", str(error)) from None
            self._leave_tabs(tabs)
            supervisor.rest("stop_asked")
            return {"state": supervisor.state, "stop_ms": _ms_since(began)}

    async def start(self, errand: Errand, start: Start) -> dict[str, Any]:
        """Raises: Problem 409 `browser_running`, `restart_failed`."""
        supervisor = self._supervisor
        async with self._turn(errand):
            if not supervisor.is_stopped:
                raise Problem(409, "browser_running", "the browser is not stopped")
            began = time.monotonic()
            tabs = self._left_tabs() if start.restores_tabs else []
            try:
                started = await self._begin(supervisor.args, "start_asked", tabs, start.url)
            except _Failure as failure:
                supervisor.rest("start_failed")
                raise _failed(failure, rolled_back=True) from None
            return self._done(started, 0.0, began)

    async def restart(self, errand: Errand, wish: Wish) -> dict[str, Any]:
        """Raises: Problem 409 `restart_failed`, with `phase`, `rolled_back` and `detail`."""
        supervisor = self._supervisor
        async with self._turn(errand):
            was_stopped, began = supervisor.is_stopped, time.monotonic()
            noted = self._left_tabs() if was_stopped else await self._note_tabs() or []
            try:
                await supervisor.halt("restart_asked")
            except TimeoutError as error:
                raise _failed(_Failure("stop", str(error)), rolled_back=False) from None
            stop_ms = _ms_since(began)
            change = self._change()
            settings = self._settings.changed(wish)
            args = settings.apply(self._config.args)
            try:
                _apply(change, wish)
                tabs = self._tabs_for(wish, noted)
                started = await self._begin(args, "restart_asked", tabs, wish.start.url)
            except _Failure as failure:
                raise _failed(failure, await self._roll_back(change, noted, was_stopped=was_stopped)) from None
            change.keep()
            self._settings, supervisor.args = settings, args
            return self._done(started, stop_ms, began)

    # --- steps --------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _turn(self, errand: Errand) -> AsyncIterator[None]:
        async with self._supervisor.turn():
            errand.has_begun = True
            try:
                yield
            except Ending:
                raise Problem(409, "session_ending", "the session is ending") from None

    async def _note_tabs(self) -> list[str] | None:
        """None where the browser does not tell, or is not there to tell."""
        found = self._supervisor.devtools
        if found is None:
            return None
        try:
            return await note_tabs(self._loop, found)
        except (OSError, ValueError) as error:
            self._log.warn("tabs not noted", error=str(error) or type(error).__name__)
            return None

    def _leave_tabs(self, tabs: list[str] | None) -> None:
        """Write them down for whoever starts a browser in this profile, here or elsewhere."""
        self._tabs = None
        try:
            if tabs:
                write_tabs(self._config.user_data_dir, tabs)
            else:
                forget_tabs(self._config.user_data_dir)
        except OSError as error:
            self._log.warn("tabs not written", error=str(error))
            self._tabs = tabs

    def _left_tabs(self) -> list[str]:
        return read_tabs(self._config.user_data_dir) or self._tabs or []

    def _tabs_for(self, wish: Wish, noted: list[str]) -> list[str]:
        if not wish.start.restores_tabs:
            return []
        return (read_tabs(self._config.user_data_dir) or []) if wish.changes_profile else noted

    def _change(self) -> Change:
        return Change(self._loop, self._log, user_data_dir=self._config.user_data_dir, policies_dir=self._policies_dir)

    async def _begin(self, args: Sequence[str], cause: str, tabs: Sequence[str], url: str | None) -> "_Started":
        """Start a browser with these tabs, and `url` in front of them.

        Raises: _Failure: it is not ready, and over.
        """
        opened = 0

        async def furnish(found: DevTools, deadline: float) -> None:
            nonlocal opened
            opened = await open_tabs(self._loop, found, tabs[1:], deadline)
            if url is not None and tabs:
                await open_tabs(self._loop, found, [url], deadline)

        first = tabs[0] if tabs else url
        life = Life(self._loop, with_url(args, first) if first else args, cause, furnish if tabs else None)
        if not await self._supervisor.begin(life):
            raise _Failure("start", f"{life.reason}: {life.log_tail[-_LAST_WORDS_CHARS:]}".removesuffix(": "))
        return _Started(life, opened + bool(tabs))

    async def _roll_back(self, change: Change, tabs: Sequence[str], *, was_stopped: bool) -> bool:
        """Have everything as it was; return whether it is."""
        is_undone = change.undo()
        if was_stopped:
            self._supervisor.rest("restart_failed")
            return is_undone
        try:
            await self._begin(self._supervisor.args, "rolled_back", tabs, None)
        except _Failure as failure:
            self._log.error("the browser does not come back", reason=failure.detail.partition(":")[0])
            return False
        return is_undone

    def _done(self, started: "_Started", stop_ms: float, began: float) -> dict[str, Any]:
        forget_tabs(self._config.user_data_dir)
        self._tabs = None
        life = started.life
        found = life.devtools
        assert found is not None  # it has been ready
        return {
            "browser": {"product": found.product, "revision": found.revision, "pid": life.pid},
            "stop_ms": stop_ms,
            "start_ms": life.start_ms,
            "total_ms": _ms_since(began),
            "restored_tabs": started.restored_tabs,
        }


class _Started(NamedTuple):
    life: Life
    restored_tabs: int


def _apply(change: Change, wish: Wish) -> None:
    try:
        change.apply(wish)
    except OSError as error:
        raise _Failure("apply", error.strerror or str(error)) from None
    except Problem as problem:
        raise _Failure("apply", problem.message) from None


def _failed(failure: _Failure, rolled_back: bool) -> Problem:
    return Problem(
        409,
        "restart_failed",
        "the browser could not be started so",
        phase=failure.phase,
        rolled_back=rolled_back,
        detail=failure.detail,
    )


def _ms_since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
