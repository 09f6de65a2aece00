"""A session's browser as the doors use it: every call within its budget and domains, bounded in time, written down."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from cloche.browser.call import Blocked, Call
from cloche.browser.contract.common import (
    ActionError,
    ActionLogEntry,
    ActionRequest,
    ActionResponse,
    BrowserRequest,
    BrowserResponse,
    Failure,
    Usage,
)
from cloche.browser.contract.logs import ActionLogRequest
from cloche.browser.contract.looking import ExportPdfRequest, ScreenshotRequest
from cloche.browser.contract.state import InspectSessionRequest, InspectSessionResponse
from cloche.browser.contract.tabs import OpenTabResponse
from cloche.browser.contract.use_cases import UseCase
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.clock import Clock
from cloche.egress.refusals import Refusal
from cloche.errors import BusyError, ClocheError, DeadlineError, InternalError
from cloche.sessions.audit import AuditWriter, NoAudit
from cloche.sessions.browsing.action_log import OK, Action, ActionLog
from cloche.sessions.browsing.artifacts import BrowsingArtifacts, NothingKept
from cloche.sessions.browsing.auditing import CallAudit
from cloche.sessions.browsing.domains import AllowedDomains
from cloche.sessions.browsing.lazy_browser import Dials, LazyBrowser
from cloche.sessions.browsing.limits import limits_of
from cloche.sessions.browsing.meter import Meter
from cloche.sessions.browsing.pausing import Pausing
from cloche.sessions.browsing.refusals import Refusals
from cloche.sessions.browsing.rules import CASES, NAVIGATIONS, require_domain, timeout_ms, waits_its_turn
from cloche.sessions.browsing.tools import Tools
from cloche.sessions.browsing.turns import Turns
from cloche.sessions.browsing.usage import usage_of
from cloche.sessions.events import Data
from cloche.sessions.interface import SessionBrowser
from cloche.sessions.model import EventType, Session
from cloche.sessions.principal import Principal
from cloche.sessions.under_way import UnderWay
from cloche.telemetry.metrics import Metrics

MAX_CALLS: Final = 64
MAX_LARGE: Final = 4
"""Pictures and prints that are made at once; one may have as many bytes as the budget allows."""
"""At once to one session."""
GRACE_S: Final = 2.0
"""How long after its deadline a use case may take to say that it was not done in time."""
PICTURE_WAIT_S: Final = 2.5
"""How long a failure may wait for its picture."""
MAX_DETAIL_CHARS: Final = 512
ACTIONS: Final = "actions"
"""What `budget_exhausted` is told."""

_log = structlog.get_logger(__name__)


class BrowsingOwner(Dials, Protocol):
    """What a runner does for who uses its browser."""

    def current(self) -> Session: ...

    def actions_changed(self, change: int) -> None: ...

    def publish(self, type_: EventType, data: Data | None = None) -> None: ...

    def report(self, type_: EventType, data: Data | None = None) -> object:
        """As `publish`, for what can come at any rate."""
        ...

    def budget_exhausted(self, what: str) -> None:
        """Something was refused for want of budget."""
        ...


@dataclass(slots=True)
class _Asked:
    """One call on its way."""

    principal: Principal
    case: UseCase
    request: BrowserRequest
    started_at: datetime
    started: float
    tab: Tab | None = None
    tab_id: str = ""
    """Of a tab that there is, also where `tab` is none."""
    page_url: str = ""
    counted: bool = False
    """Whether it was taken from the budget, and so was carried out."""


class BrowserService(SessionBrowser):
    """See `sessions.interface.SessionBrowser`. Owned by the runner; one for all who use a session."""

    def __init__(
        self,
        session: Session,
        owner: BrowsingOwner,
        *,
        tools: Tools,
        clock: Clock,
        metrics: Metrics,
        audit: AuditWriter | None = None,
    ) -> None:
        options = session.options
        self.artifacts: BrowsingArtifacts = NothingKept()
        """Set once, by the session's `ArtifactSide`, before anybody calls."""
        self.pausing = Pausing()
        self._owner = owner
        self._tools = tools
        self._clock = clock
        self._metrics = metrics
        self._audit = CallAudit(audit or NoAudit())
        self._budget = options.budget
        self._limits = limits_of(options.budget)
        self._domains = AllowedDomains(options.action_allowed_domains)
        self._meter = Meter(
            actions=options.budget.actions,
            per_window=options.budget.actions_per_window,
            window_ms=options.budget.action_window_ms,
            taken=session.usage.actions,
        )
        self._action_log = ActionLog(options.budget.action_log_entries)
        self._refusals = Refusals()
        self._memory = tools.make_memory(self._limits)
        self._browser = LazyBrowser(owner, self._open, name=f"browse:{session.id}")
        self._turns = Turns()
        self._large = asyncio.Semaphore(MAX_LARGE)
        self._under_way = UnderWay(owner)
        self._calls = 0
        self._left = False
        self._log = _log.bind(session=session.id)

    # --- for the runner ---------------------------------------------------------------------------------------------

    @property
    def actions_taken(self) -> int:
        return self._meter.taken

    @property
    def connected(self) -> Browser | None:
        return self._browser.current

    def refused(self, refusal: Refusal) -> None:
        """The session's gateway has refused a connection."""
        self._refusals.note(refusal, self._clock.monotonic())

    def browser_went(self) -> None:
        """The browser that may be connected to has ended; the next call waits for another."""
        self._browser.drop()

    async def outside_budget(self, timeout_s: float) -> Call:
        """A call for what is kept of the session: it takes nothing from the budget and waits for nobody's turn, nor for
        the browser to be whole (see `entrance`): this is what makes it so.

        Raises: ActionError, DeadlineError, and what dialling raises.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                return Call(browser=await self._browser.at_once(), limits=self._limits, deadline=deadline)
        except TimeoutError:
            raise DeadlineError("the browser is not ready") from None

    def media_type_of(self, url: str) -> str:
        return self._memory.network.media_type_of(url)

    def give_up(self) -> None:
        """The session is left: everything under way raises GoneError."""
        self._left = True
        self._under_way.give_up()

    async def close(self) -> None:
        """End the connection. After `give_up`."""
        await self._browser.close()

    # --- for the doors ----------------------------------------------------------------------------------------------

    def usage(self) -> Usage:
        browser = self._browser.current
        return usage_of(
            self._owner.current(),
            self._meter,
            tabs=len(browser.tabs) if browser is not None else None,
            now=self._clock.now(),
            monotonic=self._clock.monotonic(),
        )

    async def perform(self, principal: Principal, request: BrowserRequest) -> BrowserResponse:
        asked = _Asked(principal, CASES[type(request)], request, self._clock.now(), self._clock.monotonic())
        self._audit.require(asked.case)
        with self._place():
            try:
                async with self._under_way.asking():
                    response = await self._respond(asked)
            except BaseException as error:
                self._write_down(asked, _code_of(error), "")
                raise
            response = self._finished(asked, response)
            await self._audit.settled(asked.case)
            return response

    # --- one call ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Take one of the session's places, which is use of it."""
        self._owner.require_staying()
        if self._calls >= MAX_CALLS:
            raise BusyError(f"{MAX_CALLS} calls to this session's browser are under way", retry_after_s=1)
        self._calls += 1
        self._owner.actions_changed(1)
        try:
            yield
        finally:
            self._calls -= 1
            self._owner.actions_changed(-1)

    async def _respond(self, asked: _Asked) -> BrowserResponse:
        if isinstance(asked.request, ActionLogRequest):
            return self._action_log.answer(asked.request)
        try:
            return await self._carry_out(asked)
        except ActionError as error:
            # When the session ends its browser goes first; that is not what the caller is to hear.
            self._owner.require_staying()
            return await self._failed(asked, error)
        except ClocheError:
            raise
        except Exception:
            is_private = self._owner.current().options.private
            self._log.error("browser_call_broke", use_case=asked.case.method, exc_info=not is_private)
            if is_private:  # what is raised may quote the page, and would be logged by the door as well
                raise InternalError("the call could not be carried out") from None
            raise

    async def _carry_out(self, asked: _Asked) -> BrowserResponse:
        if asked.case.is_action:
            # Also before a browser is waited for, and before others on the same tab.
            self._meter.check(self._clock.monotonic())
        browser = await self._browser.get()
        self._select_tab(asked, browser)
        request = await self.artifacts.before(asked.request)
        deadline = asyncio.get_running_loop().time() + timeout_ms(asked.case, asked.request, self._budget) / 1000
        call = Call(browser=browser, limits=self._limits, deadline=deadline, selected=asked.tab)
        try:
            turn = self.pausing.let_through(self._turn(asked, deadline), deadline, is_action=asked.case.is_action)
            async with asyncio.timeout_at(deadline + GRACE_S), turn:
                self._admit(asked)
                response = await self._tools.functions[type(request)](call, request)
        except TimeoutError:
            raise ActionError(Failure.TIMEOUT, "it was not done in time") from None
        return await self.artifacts.after(request, response, asked.tab)

    def _select_tab(self, asked: _Asked, browser: Browser) -> None:
        tab_id: str = getattr(asked.request, "tab_id", "")
        if asked.case.names_tab:
            asked.tab = browser.tab(tab_id) if tab_id else browser.active_tab()
            asked.tab_id, asked.page_url = asked.tab.id, asked.tab.url
        elif (known := browser.tabs.get(tab_id)) is not None:
            asked.tab_id, asked.page_url = known.id, known.url

    @asynccontextmanager
    async def _turn(self, asked: _Asked, deadline: float) -> AsyncIterator[None]:
        if isinstance(asked.request, ScreenshotRequest | ExportPdfRequest):
            async with self._large:
                yield
            return
        if asked.tab is None or not waits_its_turn(asked.request):
            yield
            return
        async with self._turns.taken(asked.tab.id, deadline):
            asked.page_url = asked.tab.url  # an earlier action may have led elsewhere
            yield

    def _admit(self, asked: _Asked) -> None:
        """Check an action against the domains and take it from the budget, in one go and right before it is done."""
        if asked.case.is_action:
            require_domain(self._domains, asked.request, asked.page_url)
            self._meter.take(self._clock.monotonic())
            asked.counted = True

    async def _failed(self, asked: _Asked, error: ActionError) -> BrowserResponse:
        response = asked.case.response(
            success=False, error=str(error.code), detail=error.detail[:MAX_DETAIL_CHARS], rule=error.rule
        )
        if not isinstance(response, ActionResponse) or not isinstance(asked.request, ActionRequest):
            return response
        picture, mime_type = await self._picture(asked, asked.request)
        await self.artifacts.picture_taken(asked.case.method, picture, mime_type, asked.tab)
        return replace(response, failure_screenshot_bytes=picture, failure_screenshot_mime_type=mime_type)

    async def _picture(self, asked: _Asked, request: ActionRequest) -> tuple[bytes, str]:
        """What the page looked like when the action failed, if that was asked for; refusals have no picture."""
        if not request.capture_failure_screenshot or not asked.counted or asked.tab is None:
            return b"", ""
        most = self._budget.screenshot_bytes
        try:
            async with asyncio.timeout(PICTURE_WAIT_S):
                wanted = min(request.max_failure_screenshot_bytes or most, most)
                picture, mime_type = await self._tools.failure_screenshot(asked.tab, self._limits, wanted)
        except (ActionError, TimeoutError) as error:
            code = error.code if isinstance(error, ActionError) else Failure.TIMEOUT
            self._log.info("failure_screenshot_missing", error=str(code))
            return b"", ""
        return (picture, mime_type) if len(picture) <= wanted else (b"", "")

    # --- afterwards -------------------------------------------------------------------------------------------------

    def _finished(self, asked: _Asked, response: BrowserResponse) -> BrowserResponse:
        """Write a call down, and add to its response what every response tells."""
        outcome = OK if response.success else response.error
        if isinstance(response, OpenTabResponse) and response.tab is not None:
            asked.tab_id, asked.page_url = response.tab.tab_id, response.tab.url
        attempts = response.action_log.attempts if isinstance(response, ActionResponse) else 0
        entry = self._write_down(asked, outcome, response.detail, attempts=attempts)
        if outcome == Failure.BUDGET_EXHAUSTED and self._meter.left == 0:
            self._owner.budget_exhausted(ACTIONS)
        added: dict[str, Any] = {"usage": self.usage()}
        if isinstance(response, ActionResponse) and entry is not None:
            added["action_log"] = entry
        if isinstance(response, InspectSessionResponse) and isinstance(asked.request, InspectSessionRequest):
            added |= {"session_id": self._owner.current().id, **self._inspected(asked.request)}
        return replace(response, **added)

    def _inspected(self, request: InspectSessionRequest) -> dict[str, Any]:
        wanted = [field.name for field in fields(request) if field.name.startswith("include_")]
        if any(getattr(request, name) for name in wanted) and not request.include_action_log:
            return {}
        entries, truncated = self._action_log.read(request.max_action_log_entries)
        return {"action_log": entries, "action_log_truncated": truncated}

    def _write_down(self, asked: _Asked, outcome: str, detail: str, *, attempts: int = 0) -> ActionLogEntry | None:
        """Count a call and, if it is an action, log and tell it."""
        name = asked.case.method
        self._metrics.browser_actions.labels(name, outcome).inc()
        took_s = self._clock.monotonic() - asked.started
        if asked.tab is not None and isinstance(asked.request, NAVIGATIONS):
            asked.page_url = asked.tab.url  # where it led to, and not where it began
        self._metrics.browser_action_seconds.labels(name).observe(took_s)
        self._audit.note(
            *(self._owner.current(), asked.principal, asked.case, asked.request),
            outcome=outcome,
            tab_id=asked.tab_id,
            page_url=asked.page_url,
            took_s=took_s,
        )
        if not asked.case.is_action:
            return None
        if not self._left:
            self._tell(asked, name, outcome)
        return self._action_log.add(
            Action(
                name=name,
                selector=getattr(asked.request, "selector", ""),
                outcome=outcome,
                error=detail,
                started_at=asked.started_at,
                ended_at=self._clock.now(),
                attempts=max(1, attempts) if asked.counted else 0,
                page_url=asked.page_url,
                tab_id=asked.tab_id,
                principal=asked.principal.name,
            )
        )

    def _tell(self, asked: _Asked, name: str, outcome: str) -> None:
        # What was taken from the budget comes no faster than the budget lets it; what was refused could.
        publish = self._owner.publish if asked.counted else self._owner.report
        done, by = outcome == OK, asked.principal.name
        data: Data = {"by": by, "action": name, "success": done, "error": "" if done else outcome, "tab": asked.tab_id}
        publish(EventType.BROWSER_ACTION, data)

    async def _open(self, sock: socket.socket, path: str) -> Browser:
        def why_blocked(host: str, port: int) -> Blocked | None:
            return self._refusals.why(host, port, self._clock.monotonic())

        browser = await self._tools.open(sock, path, memory=self._memory, limits=self._limits, why_blocked=why_blocked)
        browser.when_active = self.pausing.tab_chosen
        return browser


def _code_of(error: BaseException) -> str:
    """What the log and the metrics call what was raised."""
    if isinstance(error, ClocheError):
        return error.code
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "internal"
