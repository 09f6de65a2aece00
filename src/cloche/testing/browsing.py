"""A session's browser service over a browser and a runner that a test drives."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from cloche.browser.call import Limits, WhyBlocked
from cloche.browser.contract.common import ActionError, BrowserRequest, Failure
from cloche.browser.memory import Memory
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.errors import GoneError
from cloche.sessions.audit import AuditWriter
from cloche.sessions.browsing.lazy_browser import LetsIn
from cloche.sessions.browsing.service import BrowserService
from cloche.sessions.browsing.tools import FailureScreenshot, Function, Tools
from cloche.sessions.events import Data
from cloche.sessions.model import EventType, Session
from cloche.telemetry.metrics import Metrics
from cloche.testing.clock import FakeClock
from cloche.testing.sessions import NOON, make_session


@dataclass
class FakeTab:
    id: str
    url: str = "https://shop.test/cart"


@dataclass
class FakeBrowser:
    """What the service asks of a `Browser`."""

    why_blocked: WhyBlocked
    tabs: dict[str, FakeTab] = field(default_factory=lambda: {"T1": FakeTab("T1"), "T2": FakeTab("T2")})
    is_closed: bool = False

    def tab(self, tab_id: str) -> FakeTab:
        if tab_id not in self.tabs:
            raise ActionError(Failure.TAB_NOT_FOUND, "there is no such tab")
        return self.tabs[tab_id]

    def active_tab(self) -> FakeTab:
        return self.tab("T1")

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeOwner:
    """A runner of one session, and what it was told."""

    session: Session
    dial_fails: list[Exception] = field(default_factory=list)
    dials: int = 0
    users: int = 0
    published: list[tuple[EventType, Data | None]] = field(default_factory=list)
    reported: list[tuple[EventType, Data | None]] = field(default_factory=list)
    exhausted: list[str] = field(default_factory=list)
    stopping: bool = False
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.whole.set()

    @property
    def entrance(self) -> LetsIn:
        return self

    async def let_in(self, reach: Callable[[], Awaitable[Browser]]) -> Browser:
        await self.whole.wait()
        return await reach()

    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        assert is_own, "who is served waits before"
        self.dials += 1
        if self.dial_fails:
            raise self.dial_fails.pop(0)
        return cast(socket.socket, None), "/devtools/browser/x"

    def require_staying(self) -> None:
        if self.stopping:
            raise GoneError("the session has ended", reason="closed_by_user")

    def current(self) -> Session:
        return self.session

    def actions_changed(self, change: int) -> None:
        self.users += change

    def publish(self, type_: EventType, data: Data | None = None) -> None:
        self.published.append((type_, data))

    def report(self, type_: EventType, data: Data | None = None) -> object:
        self.reported.append((type_, data))
        return True

    def budget_exhausted(self, what: str) -> None:
        self.exhausted.append(what)


async def no_picture(tab: Tab, limits: Limits, max_bytes: int) -> tuple[bytes, str]:
    return b"", ""


class Bench:
    """One service, and what became of what it was asked."""

    def __init__(
        self,
        functions: dict[type[BrowserRequest], Function],
        *,
        session: Session | None = None,
        picture: FailureScreenshot = no_picture,
        audit: AuditWriter | None = None,
    ) -> None:
        session = session or make_session()
        self.owner = FakeOwner(session)
        self.clock, self.metrics = FakeClock(NOON), Metrics()
        self.opened: list[FakeBrowser] = []
        self.open_fails: list[ActionError] = []
        tools = Tools(open=self._open, functions=functions, failure_screenshot=picture)
        self.service = BrowserService(
            session, self.owner, tools=tools, clock=self.clock, metrics=self.metrics, audit=audit
        )

    @property
    def browser(self) -> FakeBrowser:
        return self.opened[-1]

    async def close(self) -> None:
        """End it as a runner does."""
        self.owner.stopping = True
        self.service.give_up()
        await self.service.close()
        assert self.owner.users == 0, "a call was left"

    async def _open(
        self, sock: socket.socket, path: str, *, memory: Memory, limits: Limits, why_blocked: WhyBlocked
    ) -> Browser:
        if self.open_fails:
            raise self.open_fails.pop(0)
        self.opened.append(FakeBrowser(why_blocked))
        return cast(Browser, self.opened[-1])
