"""A session's browser as its agent tells of it: whether it may be dialled, and what is made known of each change."""

import asyncio
from enum import StrEnum
from typing import Final, Protocol

from cloche.errors import ConflictError
from cloche.sessions.agent_news import BrowserNews
from cloche.sessions.attachment import BROWSER_RESTARTING, BROWSER_STOPPED
from cloche.sessions.events import Data
from cloche.sessions.model import EventType
from cloche.wire.messages import AT_REST, BrowserState

STOPPED: Final = "stopped"
RESTART_ASKED: Final = "restart_asked"
ON_PURPOSE: Final = frozenset({STOPPED, RESTART_ASKED})
"""The reasons of exits that somebody asked for."""
INTENT_WAIT_S: Final = 0.5
"""How long after a stop its agent may take to say that the browser stays away."""


class BrowserOwner(Protocol):
    """What a runner does about its browser. Called on the loop, in order; must not block."""

    def report(self, type_: EventType, data: Data) -> object:
        """Publish what the agent caused."""
        ...

    def clients_must_go(self, reason: str) -> None:
        """The browser they are connected to has ended."""
        ...

    def browser_is_up(self, news: BrowserNews) -> Data:
        """Returns what the event tells."""
        ...

    def browser_is_down(self, news: BrowserNews) -> None: ...

    def browser_restarts(self, restarts: int) -> None: ...

    def browser_gave_up(self, news: BrowserNews) -> None: ...


class _State(StrEnum):
    COMING = "coming"
    READY = "ready"
    STOPPED = "stopped"
    OVER = "over"


class BrowserSide:
    """Owned by the runner, which hands it the news and has its dials wait here."""

    def __init__(self, owner: BrowserOwner) -> None:
        self._owner = owner
        self._state = _State.COMING
        self._settled = asyncio.Event()
        self._whole = asyncio.Event()
        self._last_exit = ""
        self._is_up = self._is_expected = False
        self._restarts = 0
        """After crashes; one that was asked for is none."""
        self._intent: asyncio.TimerHandle | None = None
        """Runs from a browser's exit until its clients have been told why."""

    async def settled(self) -> None:
        """Wait until there is a browser, or there is to be none until somebody starts it."""
        await self._settled.wait()

    async def ready(self) -> None:
        """Wait for a browser. Raises: ConflictError (`browser_stopped`)."""
        await self._settled.wait()
        if self._state is _State.STOPPED:
            raise ConflictError("the browser was stopped; start it first", reason=BROWSER_STOPPED)

    @property
    def is_whole(self) -> bool:
        """Whether the session is up and its browser is in nobody's hands, so that clients may be let to it."""
        return self._whole.is_set()

    async def whole(self) -> None:
        """Wait until it is, or the session ends."""
        await self._whole.wait()

    def came_up(self) -> None:
        """The session has: what there was to put into its browser is there."""
        self._is_up = True
        self._look_whether_whole()

    def expect(self, *, is_expected: bool) -> None:
        """From here on it is in hand: stopped, started again at once and given back what was in it; or it is no more.

        Those who dial meanwhile are to wait for it, and those whom that concerns until it is whole.
        """
        self._is_expected = is_expected
        self._look_whether_whole()

    def end(self) -> None:
        """Nobody need wait any longer. Safe to call again."""
        self._forget_intent()
        self._become(_State.OVER)
        self._look_whether_whole()

    def take(self, news: BrowserNews) -> None:
        if self._state is _State.OVER:
            return
        match news.state:
            case BrowserState.READY:
                self._take_ready(news)
            case BrowserState.EXITED:
                self._take_exit(news)
            case BrowserState.STOPPED:
                if news.reason != AT_REST:  # whoever had it so is about to start it: those who wait for it may wait on
                    self._take_stop()
            case BrowserState.RESTARTING:
                self._become(_State.COMING)
                self._send_home(BROWSER_RESTARTING)
                self._restarts = news.restarts
                self._owner.browser_restarts(news.restarts)
                self._tell_restart(news.reason or self._last_exit)
            case BrowserState.GAVE_UP:
                self._owner.browser_gave_up(news)
            case BrowserState.STARTING | None:
                self._become(_State.COMING)
                self._send_home(BROWSER_RESTARTING)

    def _take_ready(self, news: BrowserNews) -> None:
        if self._state is _State.READY:
            return
        self._send_home(BROWSER_RESTARTING)
        self._become(_State.READY)
        self._owner.report(EventType.BROWSER_READY, self._owner.browser_is_up(news))

    def _take_exit(self, news: BrowserNews) -> None:
        self._become(_State.COMING)
        self._last_exit = news.reason
        data = {"reason": news.reason, "exit_code": news.exit_code, "signal": news.signal}
        self._owner.report(EventType.BROWSER_EXITED, data)
        self._owner.browser_is_down(news)
        self._forget_intent()
        loop = asyncio.get_running_loop()
        self._intent = loop.call_later(INTENT_WAIT_S, self._send_home, BROWSER_RESTARTING)
        if news.reason != STOPPED:
            self._send_home(BROWSER_RESTARTING)
        if news.reason == RESTART_ASKED:
            self._tell_restart(news.reason)

    def _take_stop(self) -> None:
        if self._is_expected:
            self._become(_State.COMING)
            self._send_home(BROWSER_RESTARTING)
            return
        if self._state is _State.STOPPED:
            return
        self._become(_State.STOPPED)
        self._send_home(BROWSER_STOPPED)
        self._owner.report(EventType.BROWSER_STOPPED, {})

    def _tell_restart(self, reason: str) -> None:
        self._owner.report(EventType.BROWSER_RESTARTING, {"restarts": self._restarts, "reason": reason})

    def _send_home(self, reason: str) -> None:
        """Tell those who were with the browser that has ended why, once."""
        if self._intent is not None:
            self._forget_intent()
            self._owner.clients_must_go(reason)

    def _forget_intent(self) -> None:
        if self._intent is not None:
            self._intent.cancel()
            self._intent = None

    def _look_whether_whole(self) -> None:
        if self._state is _State.OVER or (self._is_up and not self._is_expected):
            self._whole.set()
        else:
            self._whole.clear()

    def _become(self, state: _State) -> None:
        self._state = state
        if state is _State.COMING:
            self._settled.clear()
        else:
            self._settled.set()
