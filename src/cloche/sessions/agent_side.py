"""A session's agent as the daemon hears it: its link, its last word on each matter, and what it is told in turn."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import structlog

from cloche.agent_link.listen import AgentLink
from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import AgentError
from cloche.ids import SessionId
from cloche.sessions.agent_news import BrowserNews, read_browser_news
from cloche.sessions.agent_readings import Figures, Health, Observed, read_figures, read_health
from cloche.wire.messages import AgentMessage, FromAgent, Payload, ToAgent

SILENCE_S: Final = 60.0
"""Without a word from a connected agent for this long, its link is dropped, so that it dials again or is given up."""
SETTLE_S: Final = 0.05
"""How long a change of who is in the session waits for the next one, so that a burst of them is told at once."""

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class AgentOwner(Protocol):
    """What the runner hears of its agent. Called on the loop, in order; must not block."""

    def agent_lost(self) -> None:
        """The link is down. The agent may dial again."""
        ...

    def browser_reported(self, news: BrowserNews) -> None: ...

    def programs_told(self, running: int) -> None: ...

    def agent_misspoke(self, reason: str) -> None:
        """Something that is no message came in and was dropped."""
        ...


class AgentSide:
    """Owned by the runner: `listen`, then `close`. Hears the link as its `LinkHandler`."""

    def __init__(
        self,
        session_id: SessionId,
        *,
        token_hash: str,
        lease_s: float,
        clock: Clock,
        owner: AgentOwner,
    ) -> None:
        self.words = LastWords(clock)
        self._session_id = session_id
        self._link = AgentLink(session_id=session_id, token_hash=token_hash, lease_s=lease_s, handler=self)
        self._clock, self._owner = clock, owner
        self._browser_news: BrowserNews | None = None
        self._last_word = clock.monotonic()
        self._activity = _Activity()
        self._registrations = 0
        self._activity_moved = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        return self._link.is_up

    async def listen(self, path: Path, *, peer_uid: int | None) -> None:
        """Wait for it to dial, and tell it from then on who is in the session. Raises: StartError."""
        await self._link.listen(path, peer_uid=peer_uid)
        self._telling = spawn(self._tell_activity(), name=f"activity:{self._session_id}")

    async def registered(self, *, timeout_s: float) -> None:
        """Raises: DeadlineError."""
        await self._link.registered(timeout_s=timeout_s)

    def belong_to(self, owner: AgentOwner) -> None:
        """Tell another from here on, beginning with what was last heard of the browser."""
        self._owner = owner
        if self._browser_news is not None:
            owner.browser_reported(self._browser_news)

    async def close(self) -> None:
        await cancel_and_wait(self._telling)
        await self._link.close()

    def drop_if_silent(self) -> None:
        if self._clock.monotonic() - self._last_word > SILENCE_S:
            _log.warning("agent_silent", session=self._session_id)
            self._link.drop()

    def stands_still(self) -> None:
        """It neither reads nor speaks, and is not to be blamed for it."""
        self._link.hold()

    def goes_on(self) -> None:
        self._last_word = self._clock.monotonic()
        self._link.go_on()

    def set_activity(self, *, clients: int, actions: int) -> None:
        """Have it told, soon, how many are attached and how many of their actions run. Never waits, never fails."""
        self._activity = _Activity(clients, actions)
        self._activity_moved.set()

    async def _tell_activity(self) -> None:
        told: tuple[int, _Activity] | None = None
        while True:
            await self._activity_moved.wait()
            await asyncio.sleep(SETTLE_S)
            self._activity_moved.clear()
            telling = self._registrations, self._activity
            if telling == told:
                continue
            with suppress(AgentError):  # no agent now: the one that registers next is told
                await self._link.send(ToAgent.ACTIVITY, telling[1]._asdict())
                told = telling

    # --- what it says (LinkHandler) ---------------------------------------------------------------------------------

    def agent_registered(self, payload: Payload) -> None:
        self._last_word = self._clock.monotonic()
        self._registrations += 1
        self._activity_moved.set()
        browser = payload.get("browser")
        if isinstance(browser, dict):
            self._hear_of_browser(browser)

    def agent_said(self, message: AgentMessage) -> None:
        self._last_word = self._clock.monotonic()
        if message.type == FromAgent.BROWSER:
            self._hear_of_browser(message.payload)
        elif message.type == FromAgent.HEARTBEAT and (health := read_health(message.payload)) is not None:
            self.words.hear_health(health)
            self._owner.programs_told(health.programs)
        elif message.type == FromAgent.METRICS:
            self.words.hear_figures(read_figures(message.payload))

    def agent_lost(self) -> None:
        self._owner.agent_lost()

    def agent_misspoke(self, reason: str) -> None:
        self._owner.agent_misspoke(reason)

    def _hear_of_browser(self, payload: Payload) -> None:
        self.words.browser_changed()
        self._browser_news = read_browser_news(payload)
        self._owner.browser_reported(self._browser_news)


class LastWords:
    """The newest health and figures of one agent, whether it sent them by itself or was asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._health: _Heard[Health] | None = None
        self._figures: _Heard[Figures] | None = None
        self.browser_changes = 0
        """How often the browser has changed its state."""
        self._health_is_of = 0

    @property
    def health(self) -> Observed[Health] | None:
        return self._observed(self._health)

    @property
    def figures(self) -> Observed[Figures] | None:
        return self._observed(self._figures)

    @property
    def is_overtaken(self) -> bool:
        """The browser has changed its state since the last health."""
        return self._health_is_of != self.browser_changes

    def browser_changed(self) -> None:
        self.browser_changes += 1

    def hear_health(self, health: Health, *, as_of: int | None = None) -> Observed[Health]:
        """Take a health. The answer to a question is as old as that: `as_of` is `browser_changes` when it was asked."""
        self._health = self._heard(health)
        self._health_is_of = self.browser_changes if as_of is None else as_of
        return Observed(health, self._health.at, 0.0)

    def hear_figures(self, figures: Figures) -> Observed[Figures]:
        self._figures = self._heard(figures)
        return Observed(figures, self._figures.at, 0.0)

    def _heard(self, value: T) -> "_Heard[T]":
        return _Heard(value, self._clock.now(), self._clock.monotonic())

    def _observed(self, heard: "_Heard[T] | None") -> Observed[T] | None:
        if heard is None:
            return None
        return Observed(heard.value, heard.at, self._clock.monotonic() - heard.at_monotonic)


@dataclass(frozen=True, slots=True)
class _Heard(Generic[T]):
    value: T
    at: datetime
    at_monotonic: float


class _Activity(NamedTuple):
    clients: int = 0
    actions: int = 0
