"""One live session: its sandbox, link, gateway and clients, brought up and taken down in order.

A runner knows how; the manager decides when. Whatever comes from inside arrives through the link's callbacks, which
never block; what must wait is done in the runner's own tasks.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from cloche.agent_link import http, streams
from cloche.agent_link.listen import AgentLink
from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.accounting import Counters
from cloche.egress.gateway import Gateway
from cloche.errors import ConflictError, DeadlineError, GoneError, StartError
from cloche.sandbox.driver import Sandbox, SandboxDriver, SandboxState
from cloche.sandbox.spec import SandboxSpec
from cloche.sessions.agent_news import BrowserNews, read_browser_news
from cloche.sessions.attachment import RunnerAttachment
from cloche.sessions.events import Data, EventLog
from cloche.sessions.idle import Activity, next_end
from cloche.sessions.model import BrowserFacts, EndReason, EventType, Session, SessionUsage
from cloche.telemetry.metrics import Metrics
from cloche.wire.messages import AgentMessage, BrowserState, FromAgent, Payload

ATTACH_WAIT_S: Final = 10.0
"""How long a client waits for a browser that is starting again, or for an adopted session to be whole."""
RETURN_WAIT_S: Final = 10.0
"""How long a sandbox that still runs may be without its agent's link."""
STOP_GRACE_S: Final = 3.0
WATCH_EVERY_S: Final = 10.0
SILENCE_S: Final = 60.0
"""Without a word from a connected agent for this long, its link is dropped, so that it dials again or is given up."""
STOPPED_ON_PURPOSE: Final = frozenset({"stopped"})

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunnerParts:
    """What every runner of a daemon shares."""

    driver: SandboxDriver
    events: EventLog
    clock: Clock
    metrics: Metrics
    lease_s: float


class SessionRunner:
    """Owns everything of one session that is not a row. Made, started and ended by the manager."""

    def __init__(
        self,
        session: Session,
        *,
        token_hash: str,
        parts: RunnerParts,
        gateway: Callable[["SessionRunner", Counters], Gateway],
        on_end: Callable[["SessionRunner", EndReason], None],
        on_usage: Callable[["SessionRunner"], Awaitable[None]],
    ) -> None:
        self.session = session
        self.sandbox: Sandbox | None = None
        # Set once, by the manager, when the session begins to end.
        self.ending: asyncio.Task[Session] | None = None
        # An adopted session goes on counting where the last daemon wrote it down, or its budget would begin anew.
        self.counters = Counters(
            bytes_in=session.usage.egress_bytes_in,
            bytes_out=session.usage.egress_bytes_out,
            connections_total=session.usage.egress_connections,
            refusals_total=session.usage.egress_refusals,
        )
        self._parts = parts
        self._gateway = gateway(self, self.counters)
        self._link = AgentLink(session_id=session.id, token_hash=token_hash, lease_s=parts.lease_s, handler=self)
        self._on_end = on_end
        self._on_usage = on_usage
        self._log = _log.bind(session=session.id)
        self._browser_ready = asyncio.Event()
        self._start_failure: asyncio.Future[StartError] = asyncio.get_running_loop().create_future()
        self._gave_up = False
        self._attachments: set[RunnerAttachment] = set()
        self._last_active_at = parts.clock.now()
        self._last_word = parts.clock.monotonic()
        self._end_may_move = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._investigation: asyncio.Task[None] | None = None
        self._whole = False
        self._stopping = False
        self._end_reason = ""
        self._accounts_are_stale = False
        self._out_of_memory_kills = 0
        self._kills_at_ready = 0

    # --- coming up and going down -----------------------------------------------------------------------------------

    async def start(self, spec: SandboxSpec) -> None:
        """Build the sandbox and wait for a browser that answers. On failure nothing is left but the row.

        Raises: StartError, and whatever the driver raises.
        """
        driver = self._parts.driver
        self.sandbox = await driver.create(spec)
        await self._link.listen(self.sandbox.link_path, peer_uid=self.sandbox.peer_uid)
        await driver.start(self.sandbox)
        await self._connect()

    async def adopt(self, description: Mapping[str, Any]) -> None:
        """Take over a sandbox that an earlier daemon started. Raises: LostError, StartError."""
        self.sandbox = await self._parts.driver.adopt(description)
        await self._link.listen(self.sandbox.link_path, peer_uid=self.sandbox.peer_uid)
        await self._connect()

    async def stop(self, reason: str) -> None:
        """Take everything down: clients, gateway, sandbox, link. Safe to call at any point, also half-way up."""
        self._leave(reason)
        await cancel_and_wait(self._watch, self._investigation)
        await self._gateway.close()
        if self.sandbox is not None:
            await self._parts.driver.stop(self.sandbox, grace_s=STOP_GRACE_S)
        await self._link.close()
        if self.sandbox is not None:
            await self._parts.driver.destroy(self.sandbox)
        if not self._start_failure.done():
            self._start_failure.cancel()

    async def release(self) -> None:
        """Let go of the session but leave its sandbox running, for the next daemon to adopt."""
        self._leave("server_stopping")
        await cancel_and_wait(self._watch, self._investigation)
        await self._gateway.close()
        await self._link.close()
        self._start_failure.cancel()

    def _leave(self, reason: str) -> None:
        """Tell every client why, those that wait for a browser too."""
        self._stopping, self._end_reason = True, reason
        for attachment in tuple(self._attachments):
            attachment.finish(reason)
        self._browser_ready.set()

    async def _connect(self) -> None:
        await self._unless_it_fails(self._registered())
        await self._gateway.start(await self._open_egress())
        await self._unless_it_fails(self._browser_ready.wait())
        self._require_staying()
        self._whole = True
        self._last_active_at = self._parts.clock.now()
        self._watch = spawn(self._watch_over(), name=f"watch:{self.session.id}")

    async def _registered(self) -> None:
        """Wait for the agent, looking now and then whether there still is anyone to wait for."""
        while True:
            try:
                return await self._link.registered(timeout_s=0.25)
            except DeadlineError:
                seen = await self._parts.driver.poll(self._running())
                if seen.state is not SandboxState.RUNNING:
                    raise StartError(
                        "the sandbox ended before its agent registered", reason="sandbox_died_at_start"
                    ) from None

    async def _open_egress(self) -> socket.socket:
        return await streams.open_egress(await self._parts.driver.connect(self._running()))

    async def _unless_it_fails(self, going: Coroutine[Any, Any, object]) -> None:
        """Await `going`, but raise the start failure that the agent reports, as soon as it does."""
        task = spawn(going, name=f"start:{self.session.id}")
        try:
            waited: set[asyncio.Future[Any]] = {task, self._start_failure}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._start_failure.done() and not self._start_failure.cancelled():
                raise self._start_failure.result()
            await task
        finally:
            await cancel_and_wait(task)

    def _running(self) -> Sandbox:
        if self.sandbox is None:
            raise ConflictError("the session has no sandbox yet")
        return self.sandbox

    def _require_staying(self) -> None:
        if self._stopping:
            raise GoneError("the session has ended", reason=self._end_reason)

    # --- clients ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def attach(self, *, quiet: bool) -> AsyncIterator["RunnerAttachment"]:
        """Be a client for as long as the block lasts; the session does not idle meanwhile."""
        self._require_staying()
        attachment = RunnerAttachment(self.dial_devtools)
        self._attachments.add(attachment)
        self._parts.metrics.devtools_clients.inc()
        self._touch()
        if not quiet:
            self.publish(EventType.DEVTOOLS_ATTACHED, {"clients": len(self._attachments)})
        try:
            yield attachment
        finally:
            self._attachments.discard(attachment)
            self._parts.metrics.devtools_clients.dec()
            self._touch()
            if not quiet and not self._stopping:
                self.publish(EventType.DEVTOOLS_DETACHED, {"clients": len(self._attachments)})

    async def dial_devtools(self) -> tuple[socket.socket, str]:
        """Connect to Chromium, waiting for one that is starting. Returns the socket and the browser's path."""
        self._require_staying()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ATTACH_WAIT_S
        try:
            async with asyncio.timeout_at(deadline):
                await self._browser_ready.wait()
                self._require_staying()
                guest = await self._parts.driver.connect(self._running())
        except TimeoutError:
            raise DeadlineError("the browser is not ready; try again") from None
        return await streams.open_devtools(guest, wait_s=max(0.1, deadline - loop.time()))

    async def agent_get(self, path: str) -> tuple[int, bytes]:
        """Ask the agent's HTTP API."""
        self._touch()
        stream = await streams.open_http(await self._parts.driver.connect(self._running()))
        return await http.get(stream, path, timeout_s=ATTACH_WAIT_S)

    def current(self) -> Session:
        """The session as it stands, usage included."""
        return replace(self.session, usage=self.usage())

    def usage(self) -> SessionUsage:
        """What has been taken so far, by the latest readings."""
        counters = self.counters
        return replace(
            self.session.usage,
            egress_bytes_in=counters.bytes_in,
            egress_bytes_out=counters.bytes_out,
            egress_connections=counters.connections_total,
            egress_refusals=counters.refusals_total,
            devtools_clients=len(self._attachments),
        )

    async def refresh_usage(self) -> None:
        """Read the kernel's accounts into the session's usage, and notice a kill for memory."""
        seen = (await self._parts.driver.poll(self._running())).usage
        taken = replace(self.session.usage, memory_bytes=seen.memory_bytes, cpu_seconds=seen.cpu_seconds)
        self.session = replace(self.session, usage=taken)
        self._note_kills(seen.out_of_memory_kills)

    def _note_kills(self, kills: int) -> None:
        if kills > self._out_of_memory_kills:
            self._out_of_memory_kills = kills
            self.publish(EventType.MEMORY_EXCEEDED, {"kills": kills})

    def end_moved(self) -> None:
        """The session's expiry was changed."""
        self._end_may_move.set()

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        self._parts.events.publish(self.session.id, type_, data)

    def _touch(self) -> None:
        self._last_active_at = self._parts.clock.now()
        self._end_may_move.set()

    # --- watching ---------------------------------------------------------------------------------------------------

    async def _watch_over(self) -> None:
        """End the session when its time has come, read its accounts, and notice an agent that has gone silent."""
        while True:
            end = next_end(
                expires_at=self.session.expires_at,
                idle_timeout_s=self.session.options.idle_timeout_s,
                activity=Activity(self._last_active_at, len(self._attachments)),
            )
            left_s = (end.at - self._parts.clock.now()).total_seconds()
            if left_s <= 0:
                self._on_end(self, end.reason)
                return
            self._end_may_move.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end_may_move.wait(), min(left_s, WATCH_EVERY_S))
                if not self._accounts_are_stale:
                    continue
            self._accounts_are_stale = False
            await self.refresh_usage()
            await self._on_usage(self)
            if self._parts.clock.monotonic() - self._last_word > SILENCE_S:
                self._log.warning("agent_silent")
                self._link.drop()

    async def _investigate(self) -> None:
        """The link is down: wait for the agent to dial again, as long as there is a sandbox it could dial from."""
        deadline = self._parts.clock.monotonic() + RETURN_WAIT_S
        while self._parts.clock.monotonic() < deadline:
            with contextlib.suppress(DeadlineError):
                await self._link.registered(timeout_s=0.25)
                self.publish(EventType.AGENT_RETURNED)
                return
            seen = await self._parts.driver.poll(self._running())
            if seen.state is not SandboxState.RUNNING:
                self._note_kills(seen.usage.out_of_memory_kills)
                # A browser killed for memory after it last came up did not give up for a reason of its own.
                if seen.reason == "out_of_memory" or self._out_of_memory_kills > self._kills_at_ready:
                    self._on_end(self, EndReason.OUT_OF_MEMORY)
                    return
                break
        self._on_end(self, EndReason.BROWSER_GAVE_UP if self._gave_up else EndReason.SANDBOX_LOST)

    # --- what the agent says (LinkHandler) --------------------------------------------------------------------------

    def agent_registered(self, payload: Payload) -> None:
        self._last_word = self._parts.clock.monotonic()
        browser = payload.get("browser")
        if isinstance(browser, dict):
            self._hear_of_browser(browser)

    def agent_said(self, message: AgentMessage) -> None:
        self._last_word = self._parts.clock.monotonic()
        if message.type == FromAgent.BROWSER:
            self._hear_of_browser(message.payload)

    def agent_lost(self) -> None:
        if self._stopping:
            return
        if not self._whole:
            self._fail_start("agent_lost", "the agent went away while the session was starting")
            return
        self.publish(EventType.AGENT_LOST)
        if self._investigation is None or self._investigation.done():
            self._investigation = spawn(self._investigate(), name=f"investigate:{self.session.id}")

    def agent_misspoke(self, reason: str) -> None:
        self._log.warning("agent_protocol_error", reason=reason)
        self._parts.events.publish_coalesced(self.session.id, EventType.AGENT_PROTOCOL_ERROR, {"reason": reason})

    def _hear_of_browser(self, payload: Payload) -> None:
        news = read_browser_news(payload)
        match news.state:
            case BrowserState.READY:
                self._browser_is_up(news)
            case BrowserState.EXITED:
                self._browser_is_down(news)
            case BrowserState.RESTARTING:
                self._browser_ready.clear()
                self._note_restarts(news.restarts)
                self.publish(EventType.BROWSER_RESTARTING, {"restarts": news.restarts})
            case BrowserState.GAVE_UP:
                self._browser_gave_up(news)
            case BrowserState.STARTING | None:
                self._browser_ready.clear()

    def _browser_is_up(self, news: BrowserNews) -> None:
        if self._browser_ready.is_set():
            return
        self._browser_ready.set()
        self._kills_at_ready = self._out_of_memory_kills
        self._note_restarts(news.restarts)
        self.session = replace(self.session, browser=BrowserFacts(product=news.product, revision=""))
        restarts = self.session.usage.browser_restarts
        self.publish(EventType.BROWSER_READY, {"product": news.product, "restarts": restarts})

    def _note_restarts(self, restarts: int) -> None:
        """Not every message tells of them, and they never become fewer."""
        most = max(restarts, self.session.usage.browser_restarts)
        self.session = replace(self.session, usage=replace(self.session.usage, browser_restarts=most))

    def _browser_is_down(self, news: BrowserNews) -> None:
        self._browser_ready.clear()
        if self._stopping:
            return
        if news.reason not in STOPPED_ON_PURPOSE:
            self._parts.metrics.browser_exits.inc()
        self.publish(
            EventType.BROWSER_EXITED,
            {"reason": news.reason, "exit_code": news.exit_code, "signal": news.signal},
        )
        if news.reason == "over_memory":
            self._note_kills(self._out_of_memory_kills + 1)
        for attachment in tuple(self._attachments):
            attachment.finish("browser_restarting")
        # The kernel may have killed it for memory: that is told now and not with the next regular reading.
        self._accounts_are_stale = True
        self._end_may_move.set()

    def _browser_gave_up(self, news: BrowserNews) -> None:
        self._gave_up = True
        self._log.warning("browser_gave_up", reason=news.reason, browser_log=news.log_tail)
        self.publish(EventType.BROWSER_GAVE_UP, {"reason": news.reason, "restarts": news.restarts})
        self._fail_start(news.reason or "browser_gave_up", "the browser did not start")

    def _fail_start(self, reason: str, detail: str) -> None:
        if not self._whole and not self._start_failure.done():
            self._start_failure.set_result(StartError(detail, reason=reason))
