"""One warm sandbox, from its building until it is given away or thrown away.

build ──► awake ──rest──► asleep ──rouse──► awake ──► given to a runner, which owns it from then on
             └───────────────┴── anything that it does by itself spoils it: it is never given away
"""

import asyncio
import secrets
import socket
from typing import Final

import structlog

from cloche.agent_link import streams
from cloche.agent_link.listen import hash_token
from cloche.clock import Clock
from cloche.concurrency.threads import in_thread
from cloche.egress.segments import widen
from cloche.errors import ClocheError, LostError, StartError
from cloche.ids import SessionId, new_session_id
from cloche.sandbox.driver import Observation, Sandbox, SandboxDriver, SandboxState
from cloche.sandbox.spec import Limits
from cloche.sessions.agent_news import BrowserNews, start_failure_reason
from cloche.sessions.agent_side import AgentSide
from cloche.sessions.model import BrowserFacts, SessionOptions
from cloche.sessions.pool.shape import Shape, nobodys, shape_of
from cloche.sessions.sandbox_spec import AgentSettings, spec_of
from cloche.sessions.startup import registered
from cloche.wire.messages import AT_REST, BrowserState

BUILD_S: Final = 60.0
"""The longest that one may take to come up; nobody waits for it."""

_log = structlog.get_logger(__name__)


class Warm:
    """Owned by the pool, then by who takes it: `build`, any number of `rest` and `rouse`, and `discard` if unused."""

    def __init__(
        self,
        options: SessionOptions,
        browser_at_rest: bool,
        *,
        driver: SandboxDriver,
        agent: AgentSettings,
        clock: Clock,
    ) -> None:
        """`options`: of whoever it is built for; only its shape is taken from them. `browser_at_rest`: its agent is up,
        and starts the browser for who takes it."""
        self.session_id: SessionId = new_session_id()
        self.shape: Shape = shape_of(options, browser_at_rest=browser_at_rest)
        self.sandbox: Sandbox | None = None
        self.spoilt = ""
        """Why it must not be given away."""
        self.is_asleep = False
        self.browser: BrowserFacts | None = None
        """Once it is built, unless its browser is at rest."""
        self.batch: object = None
        """The keeper's mark: of its stock at the time it was built."""
        self._way_out: socket.socket | None = None
        self._driver, token = driver, secrets.token_urlsafe(32)
        self.token_hash = hash_token(token)
        self._spec = spec_of(
            self.session_id, nobodys(options), token, agent, browser_at_rest=browser_at_rest, carries_profile=True
        )
        self._limits: Limits | None = self._spec.limits
        """In force: of who had it last, where that one has put it back."""
        self.agent = AgentSide(
            self.session_id, token_hash=self.token_hash, lease_s=agent.lease_s, clock=clock, owner=self
        )
        self._is_settled = asyncio.Event()
        self._is_up = False
        self._failure = StartError("the browser did not start", reason="browser_gave_up")
        self._turn = asyncio.Lock()

    async def build(self) -> None:
        """Have a browser that answers, or is at rest. After a failure `discard` leaves nothing.

        Raises: ClocheError, TimeoutError.
        """
        async with asyncio.timeout(BUILD_S):
            self.sandbox = sandbox = await self._driver.create(self._spec)
            await self.agent.listen(sandbox.link_path, peer_uid=sandbox.peer_uid)
            await self._driver.start(sandbox)
            await registered(self.agent, lambda: self._driver.poll(sandbox))
            self._way_out = await streams.open_egress(await self._driver.connect(sandbox))
            await in_thread(widen, self._way_out)
            await self._is_settled.wait()
        if not self._is_up:
            raise self._failure

    def take_way_out(self) -> socket.socket | None:
        """The listener that its browser's connections come to, on a loopback that is widened: for the gateway of who
        takes it, which closes it. Until then they wait there. None: it has been taken."""
        taken, self._way_out = self._way_out, None
        return taken

    async def rest(self) -> None:
        """Have it stand still. Raises: ClocheError; then it goes on."""
        async with self._turn:
            if not self.spoilt and not self.is_asleep and self.sandbox is not None:
                await self._driver.freeze(self.sandbox)
                self.agent.stands_still()
                self.is_asleep = True

    async def rouse(self) -> None:
        """Have it go on, for who is about to take it.

        Raises:
            LostError: it is spoilt, or not alive.
            ClocheError: what the driver raises.
        """
        async with self._turn:
            if self.sandbox is None or self.spoilt:
                raise LostError("the warm sandbox is not usable", reason=self.spoilt)
            self.is_asleep = False  # also where this is cut short: whoever lays it to rest then asks the driver anew
            seen = await self._driver.thaw(self.sandbox)
            self.agent.goes_on()
            self._judge(seen)

    async def limit(self, limits: Limits) -> None:
        """Give it the limits of who takes it. Raises: ClocheError, also where this host cannot change them."""
        if self.sandbox is None or limits == self._limits:
            return
        before, self._limits = self._limits, None  # where this is cut short, nobody knows which they are
        try:
            await self._driver.limit(self.sandbox, limits)
        except ClocheError:
            self._limits = before
            raise
        self._limits = limits

    async def look(self) -> None:
        """See whether it still is what it was. Raises: as `rouse`."""
        async with self._turn:
            if self.sandbox is None:
                raise LostError("there is no sandbox")
            self._judge(await self._driver.poll(self.sandbox))

    async def reclaim(self) -> None:
        """Have the host take back what memory it can. Raises: ClocheError."""
        if self.sandbox is not None and self.is_asleep:
            await self._driver.reclaim(self.sandbox)

    async def discard(self) -> None:
        """Remove it, at whatever point it is. Raises: ClocheError; the next start of the daemon finds what is left."""
        self.spoilt = self.spoilt or "discarded"
        async with self._turn:
            if (unused := self.take_way_out()) is not None:
                unused.close()
            await self.agent.close()
            if self.sandbox is not None:
                await self._driver.destroy(self.sandbox)

    def _judge(self, seen: Observation) -> None:
        if seen.state is not SandboxState.RUNNING:
            self._spoil("died")
        elif seen.usage.out_of_memory_kills:
            self._spoil("out_of_memory")
        elif not self.agent.is_up:
            self._spoil("agent_lost")
        if self.spoilt:
            raise LostError("the warm sandbox is not usable", reason=self.spoilt)

    def _spoil(self, why: str) -> None:
        if not self.spoilt:
            self.spoilt = why
            _log.info("warm_sandbox_spoilt", session=self.session_id, reason=why)
        self._is_settled.set()

    # --- what its agent says (AgentOwner) ---------------------------------------------------------------------------

    def agent_lost(self) -> None:
        self._failure = StartError("the agent went away while the sandbox was starting", reason="agent_lost")
        self._spoil("agent_lost")

    def agent_misspoke(self, reason: str) -> None:
        self._failure = StartError("the agent does not speak as agents do", reason="agent_lost")
        self._spoil("agent_misspoke")

    def programs_told(self, running: int) -> None:
        if running:
            self._spoil("programs_run")

    def browser_reported(self, news: BrowserNews) -> None:
        if news.state is BrowserState.STARTING and not self._is_up:
            return
        if self.shape.browser_at_rest:
            if news.state is BrowserState.STOPPED and news.reason == AT_REST:
                self._is_up = True
                self._is_settled.set()
                return
        elif news.state is BrowserState.READY and not self._is_up:
            self._is_up = True
            self.browser = BrowserFacts(product=news.product, revision=news.revision)
            self._is_settled.set()
            return
        if news.state is BrowserState.GAVE_UP:
            self._failure = StartError("the browser did not start", reason=start_failure_reason(news))
        self._spoil("browser_ended")
