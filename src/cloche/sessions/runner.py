"""One live session: its sandbox, link, gateway and clients, brought up and taken down in order.

A runner knows how; the manager decides when. What its agent says arrives through `AgentSide`'s callbacks, which never
block; what must wait is done in the runner's own tasks.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import structlog

from cloche.agent_link import streams
from cloche.concurrency.tasks import cancel_and_wait
from cloche.egress.accounting import Counters
from cloche.egress.gateway import Gateway
from cloche.errors import ClocheError, ConflictError
from cloche.sandbox.driver import Observation, Sandbox, Usage
from cloche.sandbox.spec import SandboxSpec
from cloche.sessions.accounts import Accounts
from cloche.sessions.agent_news import BrowserNews, start_failure_reason
from cloche.sessions.agent_questions import AgentQuestions
from cloche.sessions.agent_side import AgentSide
from cloche.sessions.attachment import Attachments, RunnerAttachment, gone
from cloche.sessions.auditing import announce
from cloche.sessions.browser_side import ON_PURPOSE, BrowserSide
from cloche.sessions.browsing.service import BrowserService
from cloche.sessions.entrance import Entrance
from cloche.sessions.events import Data
from cloche.sessions.investigation import Investigation
from cloche.sessions.machine_api import AgentMachine
from cloche.sessions.model import BrowserFacts, EndReason, EventType, OnExhausted, Session
from cloche.sessions.pool.start_page import open_start_page
from cloche.sessions.pool.warm import Warm
from cloche.sessions.runner_parts import RunnerParts
from cloche.sessions.standby import Standby
from cloche.sessions.startup import Startup, registered
from cloche.sessions.watch import Watch

NEWS_BURST: Final = 5

_log = structlog.get_logger(__name__)


class SessionRunner:
    """Owns everything of one session that is not a row. Made, started and ended by the manager."""

    def __init__(
        self,
        session: Session,
        *,
        token_hash: str,
        warm: Warm | None = None,  # taken over, and its own from here on
        parts: RunnerParts,
        gateway: Callable[["SessionRunner", Counters], Gateway],
        standby: Callable[["SessionRunner"], Standby],
        on_end: Callable[["SessionRunner", EndReason], None],
        on_usage: Callable[["SessionRunner"], Awaitable[None]],
    ) -> None:
        self.session = session
        self.sandbox: Sandbox | None = warm.sandbox if warm is not None else None
        self._way_out = warm.take_way_out() if warm is not None else None
        self._shows_a_page = warm is not None and not warm.shape.browser_at_rest
        # Set once, by the manager, when the session begins to end.
        self.ending: asyncio.Task[Session] | None = None
        self.end_reason = ""
        self.is_kept = False  # all of it has been saved: its end saves nothing more
        self.accounts = Accounts(session.usage)
        self._parts = parts
        self._gateway = gateway(self, self.accounts.counters)
        build = partial(AgentSide, session.id, token_hash=token_hash, lease_s=parts.lease_s, owner=self)
        self._agent = warm.agent if warm is not None else build(clock=parts.clock)
        self.last_words = self._agent.words
        self.questions = AgentQuestions(self, self.last_words, parts.clock, may_execute=session.options.machine)
        self.machine = AgentMachine(self)
        self.browsing = BrowserService(
            session, self, tools=parts.browser_tools, clock=parts.clock, metrics=parts.metrics, audit=parts.audit
        )
        self.live = parts.live(self)
        self.keeping = parts.keeping(self)
        self._on_end = on_end
        self._on_usage = on_usage
        self._log = _log.bind(session=session.id)
        self._browser = BrowserSide(self)
        self.entrance = Entrance(self._browser, self.keeping.client_comes, self.dial_agent)
        self._startup = Startup(session.id)
        self._attachments = Attachments(self.dial_devtools, self._clients_changed)
        self._actions = self._programs = 0
        self._watch = Watch(self, parts.clock, lambda: on_usage(self))
        self.standby = standby(self)
        self._investigation = Investigation(self, self._agent, parts.clock)
        self._exhausted = set[str]()
        self._whole = self._stopping = False

    # --- coming up and going down -----------------------------------------------------------------------------------

    async def start(self, spec: SandboxSpec) -> None:
        """Build the sandbox and wait for a browser that answers. After a failure `stop` leaves nothing.

        Raises: StartError, GoneError when the session was ended meanwhile, and whatever the driver raises.
        """
        await self._come_up(self._build(spec))

    async def take_over(self) -> None:
        """Go on with the warm sandbox that it was given. Raises: as `start` does."""
        await self._come_up(self._move_in())

    async def adopt(self, description: Mapping[str, Any]) -> None:
        """Take over a sandbox that an earlier daemon started. Raises: LostError, and as `start` does."""
        await self._come_up(self._take_back(description))

    async def stop(self, reason: str) -> None:
        """Take everything down: clients, gateway, sandbox, link. Safe to call at any point, also half-way up.

        Nothing lives inside when this returns; what is left of the sandbox goes soon after, see `removals`.
        """
        await self._leave(reason)
        await self._put_away(self.browsing.close())
        await self._put_away(self._gateway.close())
        if self.sandbox is not None:
            # No grace: what is to be kept has been, and behind a gateway that is closed nobody hears a farewell.
            await self._put_away(self._parts.driver.stop(self.sandbox, grace_s=0))
        await self._put_away(self._agent.close())
        if self.sandbox is not None:
            await self._parts.removals.begin(self.session.id, self._parts.driver.destroy(self.sandbox))

    async def release(self) -> None:
        """Let go of the session but leave its sandbox running, for the next daemon to adopt."""
        await self._leave("server_stopping")
        await self.browsing.close()
        await self._gateway.close()
        await self._agent.close()
        await self._on_usage(self)

    async def save(self, reason: str) -> None:
        """Keep what is to be kept, while everything still runs. The clients leave first, for it ends their browser."""
        if self._whole and not self._stopping and not self.is_kept:
            self._attachments.finish(reason)
            await self.standby.end()
            await self.keeping.save(reason)

    async def _put_away(self, step: Coroutine[Any, Any, None]) -> None:
        try:
            await step
        except Exception:  # noqa: BLE001 - one turn of several: what will not go must not keep the rest standing
            self._log.exception("session_part_left")

    async def _leave(self, reason: str) -> None:
        """Tell every client why, those that wait for a browser or for the agent's answer too, and end what goes on."""
        self._stopping, self.end_reason = True, reason
        self._attachments.finish(reason)
        self.questions.give_up()
        self.machine.give_up(reason)
        self.browsing.give_up()
        self._browser.end()
        await self._startup.stop()
        if self._way_out is not None:  # it did not come to that
            self._way_out.close()
        await self.standby.end()
        await self._watch.close()
        await cancel_and_wait(self._investigation.task)
        await self.keeping.close()

    async def _come_up(self, steps: Coroutine[Any, Any, None]) -> None:
        if self._stopping or not await self._startup.run(steps):
            steps.close()
            self.require_staying()

    async def _build(self, spec: SandboxSpec) -> None:
        driver = self._parts.driver
        self.keeping.prepare()
        await self._parts.removals.gone(self.session.id)
        self.sandbox = await driver.create(spec)
        await self._agent.listen(self.sandbox.link_path, peer_uid=self.sandbox.peer_uid)
        await driver.start(self.sandbox)
        await self._connect(self.keeping.furnish)

    async def _move_in(self) -> None:
        self.keeping.prepare()
        self._agent.belong_to(self)
        if self._way_out is not None:
            listener, self._way_out = self._way_out, None
            await self._gateway.start(listener, is_wide=True)
        await self._go_on(self.keeping.furnish)
        if self._shows_a_page and (url := self.session.options.start_url) is not None:
            await open_start_page(url, lambda: self.dial_devtools(is_own=True))

    async def _take_back(self, description: Mapping[str, Any]) -> None:
        self.sandbox = await self._parts.driver.adopt(description)
        await self._parts.driver.thaw(self.sandbox)  # an earlier daemon may have put it to sleep
        await self._agent.listen(self.sandbox.link_path, peer_uid=self.sandbox.peer_uid)
        await self._connect()

    async def _connect(self, furnish: Callable[[], Awaitable[None]] | None = None) -> None:
        await registered(self._agent, lambda: self._parts.driver.poll(self._running()))
        await self._gateway.start(await streams.open_egress(await self.dial_agent()))
        await self._go_on(furnish)

    async def _go_on(self, furnish: Callable[[], Awaitable[None]] | None) -> None:
        if furnish is not None:
            await furnish()
        await self._browser.settled()
        await self.keeping.begin()
        self.require_staying()
        self._whole = True
        self._browser.came_up()
        self._watch.begin()
        self.standby.begin()

    async def dial_agent(self) -> socket.socket:
        """Connect to the guest socket."""
        self.require_staying()
        return await self._parts.driver.connect(self._running())

    def _running(self) -> Sandbox:
        if self.sandbox is None:
            raise ConflictError("the session has no sandbox yet")
        return self.sandbox

    def require_staying(self) -> None:
        if self._stopping:
            raise gone(self.end_reason)

    # --- clients ----------------------------------------------------------------------------------------------------

    def attach(self, *, quiet: bool) -> AbstractAsyncContextManager[RunnerAttachment]:
        """Be a client for as long as the block lasts; the session does not idle meanwhile."""
        self.require_staying()
        return self._attachments.enter(quiet=quiet)

    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        """Connect to Chromium, waiting for one that is starting; ConflictError for one that was stopped.

        Returns the socket and the browser's path. `is_own`: for what clients have to wait for. See `entrance`.
        """
        self.require_staying()
        return await self.entrance.dial(is_own=is_own)

    def current(self) -> Session:
        """The session as it stands, usage included."""
        usage = self.accounts.usage(clients=len(self._attachments), actions=self.browsing.actions_taken)
        return replace(self.session, usage=usage)

    async def refresh_usage(self) -> None:
        """Read the kernel's accounts, and notice a kill for memory."""
        if (seen := await self.observe()) is not None:
            self.read_accounts(seen.usage)

    def read_accounts(self, usage: Usage) -> None:
        if self.accounts.read(usage):
            self.report(EventType.MEMORY_EXCEEDED, {"kills": self.accounts.kills})

    def end_moved(self) -> None:
        """The session's expiry was changed."""
        self._watch.end_moved()

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        announce(self._parts, self.session, type_, data)

    def report(self, type_: EventType, data: Data | None = None) -> bool:
        """Publish what the agent caused: an honest one never does it this often, and no other may fill the disk."""
        return announce(self._parts, self.session, type_, data, burst=NEWS_BURST)

    def _clients_changed(self, change: int, *, quiet: bool) -> None:
        self._parts.metrics.devtools_clients.inc(change)
        if change < 0 and self._whole and not self._stopping:
            self.keeping.client_left()
        self._activity_changed()
        if not quiet and not self._stopping:
            type_ = EventType.DEVTOOLS_ATTACHED if change > 0 else EventType.DEVTOOLS_DETACHED
            self.publish(type_, {"clients": len(self._attachments)})

    def budget_exhausted(self, what: str) -> None:
        """Something was refused because `what` is used up: tell it once, and end the session if that was agreed."""
        if what not in self._exhausted:
            self._exhausted.add(what)
            self.publish(EventType.BUDGET_EXHAUSTED, {"what": what})
        if self.session.options.budget.on_exhausted is OnExhausted.END:
            self.end(EndReason.BUDGET_EXHAUSTED)

    def end(self, reason: EndReason) -> None:
        self._on_end(self, reason)

    def actions_changed(self, change: int) -> None:
        """Something is done in the sandbox on a user's behalf, or has been: as good as a client."""
        self._actions += change
        self._activity_changed()

    def programs_told(self, running: int) -> None:
        """So many programs run that a user, given `machine`, has started; also the end of the last is use of it."""
        running, self._programs = self._programs, running * self.session.options.machine
        if running or self._programs:
            self._activity_changed()

    def _activity_changed(self) -> None:
        self._watch.used()
        self.standby.users_changed()
        self._agent.set_activity(clients=len(self._attachments), actions=self._actions)

    # --- watching and sleeping --------------------------------------------------------------------------------------

    @property
    def users(self) -> int:
        """Clients, viewers, actions and programs: what keeps it from idling and from sleep."""
        return len(self._attachments) + self._actions + self._programs

    @property
    def is_at_work(self) -> bool:
        return self.keeping.is_at_work or self._investigation.is_under_way

    @property
    def is_asleep(self) -> bool:
        return self.standby.is_asleep

    async def count_programs(self) -> int:
        self.programs_told((await self.questions.health(fresh=True)).value.programs)
        return self._programs

    def drop_if_silent(self) -> None:
        self._agent.drop_if_silent()

    async def freeze(self) -> None:
        await self._parts.driver.freeze(self._running())
        self._agent.stands_still()

    async def thaw(self) -> None:
        await self._parts.driver.thaw(self._running())
        self._agent.goes_on()

    async def reclaim(self) -> None:
        await self._parts.driver.reclaim(self._running())

    async def observe(self) -> Observation | None:
        """Poll the sandbox; None when the driver cannot tell just now, which must not end what watches over it."""
        try:
            return await self._parts.driver.poll(self._running())
        except ClocheError as error:
            self._log.warning("sandbox_not_observed", exc_info=error)
            return None

    # --- what the agent says (AgentOwner) ---------------------------------------------------------------------------

    def agent_misspoke(self, reason: str) -> None:
        # In the log no more often than in the events: it is the sandbox that decides how often it misspeaks.
        if self._parts.events.publish_coalesced(self.session.id, EventType.AGENT_PROTOCOL_ERROR, {"reason": reason}):
            self._log.warning("agent_protocol_error", reason=reason)

    def agent_lost(self) -> None:
        if self._stopping:
            return
        if not self._whole:
            self._startup.fail("agent_lost", "the agent went away while the session was starting")
            return
        self.report(EventType.AGENT_LOST)
        self._investigation.begin()

    def browser_reported(self, news: BrowserNews) -> None:
        self._browser.take(news)

    # --- what becomes of its browser (BrowserOwner) -----------------------------------------------------------------

    def clients_must_go(self, reason: str) -> None:
        self._attachments.finish(reason)
        self.browsing.browser_went()
        self.keeping.browser_went()

    def browser_returns(self, *, is_expected: bool) -> None:
        self._browser.expect(is_expected=is_expected)

    def browser_restarts(self, restarts: int) -> None:
        self.accounts.restarted(restarts)

    def browser_is_up(self, news: BrowserNews) -> Data:
        self._investigation.kills_at_ready = self.accounts.kills
        self.accounts.restarted(news.restarts)
        self.session = replace(self.session, browser=BrowserFacts(product=news.product, revision=news.revision))
        if self._whole:
            self.keeping.browser_came()
        return {"product": news.product, "restarts": self.accounts.restarts}

    def browser_is_down(self, news: BrowserNews) -> None:
        if news.reason not in ON_PURPOSE:
            self._parts.metrics.browser_exits.inc()
        if news.reason == "over_memory":
            self.read_accounts(Usage(out_of_memory_kills=self.accounts.kills + 1))
        # The kernel may have killed it for memory: that is told now and not with the next regular reading.
        self._watch.look_at_accounts()

    def browser_gave_up(self, news: BrowserNews) -> None:
        self._investigation.gave_up = True
        if self.report(EventType.BROWSER_GAVE_UP, {"reason": news.reason, "restarts": news.restarts}):
            said = {} if self.session.options.private else {"browser_log": news.log_tail}
            self._log.warning("browser_gave_up", reason=news.reason, **said)
        self._startup.fail(start_failure_reason(news), "the browser did not start")
        if self._whole and not self._stopping:
            self._investigation.begin()
