"""A session manager in memory, with a fake Chromium behind its attachments: for testing doors without sandboxes."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cloche.agent_link.guest_report import ExecResult, read_report
from cloche.errors import ClocheError, ConflictError, DeniedError, GoneError, InvalidError, NotFoundError
from cloche.ids import EventId, SessionId, new_session_id
from cloche.sessions.agent_readings import Figures, Health, Observed, read_figures, read_health
from cloche.sessions.exec_request import ExecRequest, exec_question
from cloche.sessions.live.interface import SessionLive
from cloche.sessions.model import (
    FINAL_STATUSES,
    BrowserFacts,
    EgressOptions,
    EndReason,
    EventType,
    Session,
    SessionEvent,
    SessionOptions,
    SessionPage,
    SessionRequest,
    SessionStatus,
)
from cloche.sessions.principal import Principal, Role, Scope
from cloche.sessions.usage_report import UsageLine, usage_lines
from cloche.testing.browser import FakeSessionBrowser
from cloche.testing.chromium import FakeChromium
from cloche.testing.guest_answers import HEALTH, INTEGRATION, METRICS, PROBE
from cloche.testing.machine import FakeSessionMachine
from cloche.testing.sessions import BUDGET, standby_of
from cloche.wire.guest import Answer, Tagged
from cloche.wire.messages import Payload

T = TypeVar("T")


@dataclass
class FakeAttachment:
    """What a door holds while a client is in."""

    chromium: FakeChromium
    ended: "asyncio.Future[str]"
    may_dial: asyncio.Event
    dial_error: ClocheError | None = None
    browser_path: str = ""

    async def dial(self) -> socket.socket:
        await self.may_dial.wait()
        if self.dial_error is not None:
            raise self.dial_error
        connection = socket.socket()
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, self.chromium.address)
        self.browser_path = self.chromium.browser_path
        return connection


class FakeSessionAgent:
    """Keeps the contract of `cloche.sessions.interface.SessionAgent`; one for all sessions of a manager."""

    def __init__(self) -> None:
        self.error: ClocheError | Exception | None = None
        """What every question fails of."""
        self.fresh: list[bool] = []
        """Of each reading that was asked for."""
        self.executed: list[tuple[Principal, ExecRequest]] = []
        self.may_execute = asyncio.Event()
        self.may_execute.set()
        self.executing = asyncio.Event()
        self.given_up = asyncio.Event()
        """A program was cut short."""

    async def health(self, *, fresh: bool = False) -> Observed[Health]:
        health = read_health(HEALTH)
        assert health is not None
        return self._observed(health, fresh)

    async def figures(self, *, fresh: bool = False) -> Observed[Figures]:
        return self._observed(read_figures(METRICS), fresh)

    async def status(self) -> Payload:
        self._maybe_fail()
        answers = (
            Tagged(Answer.WORKER_STATUS, {"status": "busy", "last_busy_at": "2026-01-01T00:00:00Z"}),
            Tagged(Answer.PROBE_STATUS_REPORT, {"probes": [PROBE]}),
            Tagged(Answer.INTEGRATION_STATUS_REPORT, {"integrations": [INTEGRATION]}),
        )
        return read_report(answers)

    async def ping(self) -> float:
        self._maybe_fail()
        return 0.0012

    async def execute(self, principal: Principal, request: ExecRequest) -> ExecResult:
        self._maybe_fail()
        exec_question(request)
        self.executed.append((principal, request))
        self.executing.set()
        try:
            await self.may_execute.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        ran = request.command if request.argv is None else "\n".join(request.argv)
        return ExecResult(0, ran or "", request.stdin or "")

    def _observed(self, value: T, fresh: bool) -> Observed[T]:
        self._maybe_fail()
        self.fresh.append(fresh)
        return Observed(value, datetime.now(UTC), 0.0 if fresh else 2.5)

    def _maybe_fail(self) -> None:
        if self.error is not None:
            raise self.error


class FakeSessionManager:
    """Keeps the contract of `cloche.sessions.interface.SessionManager`; what a test sets decides what goes wrong."""

    def __init__(self, chromium: FakeChromium) -> None:
        self._chromium = chromium
        self._sessions: dict[SessionId, Session] = {}
        self._events: list[SessionEvent] = []
        self._news = asyncio.Condition()
        self.requests: list[SessionRequest] = []
        self.attachments: dict[SessionId, list[FakeAttachment]] = {}
        self.create_error: ClocheError | Exception | None = None
        self.dial_error: ClocheError | None = None
        self.may_dial = asyncio.Event()
        self.may_dial.set()
        self.may_create = asyncio.Event()
        self.may_create.set()
        self.creating = asyncio.Event()
        self.create_given_up = asyncio.Event()
        """Whoever waited for a session went away first."""
        self.session_agent = FakeSessionAgent()
        self.session_machine = FakeSessionMachine()
        self.session_browser = FakeSessionBrowser()
        self.session_live: SessionLive | None = None
        """What a test sets."""
        self.not_ready: dict[str, str] = {}

    async def create(
        self, principal: Principal, request: SessionRequest, *, wait: bool = True, pool: str | None = None
    ) -> Session:
        if self.create_error is not None:
            raise self.create_error
        self.requests.append(request)
        now = datetime.now(UTC)
        session = Session(
            id=new_session_id(),
            owner=principal.name,
            status=SessionStatus.PENDING,
            reason="",
            options=replace(_options(request), pool=pool),
            created_at=now,
            expires_at=now + timedelta(seconds=request.lifetime_s or 3600),
        )
        self._sessions[session.id] = session
        await self.publish(session.id, EventType.CREATED)
        if not wait:
            return session
        self.creating.set()
        try:
            await self.may_create.wait()
        except asyncio.CancelledError:
            self.create_given_up.set()
            raise
        facts = BrowserFacts(product="Chrome/156.0.0.0", revision="@1")
        self._sessions[session.id] = replace(session, status=SessionStatus.READY, browser=facts)
        await self.publish(session.id, EventType.READY)
        return self._sessions[session.id]

    async def get(self, principal: Principal, session_id: SessionId) -> Session:
        session = self._sessions.get(session_id)
        if session is None or not principal.may_use(session.owner):
            raise NotFoundError("no such session")
        return session

    async def list(
        self,
        principal: Principal,
        *,
        status: SessionStatus | None = None,
        labels: Mapping[str, str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> SessionPage:
        if cursor is not None and cursor not in self._sessions:
            raise InvalidError("this cursor is not from a listing", field="cursor")
        wanted = (labels or {}).items()
        found = [
            session
            for session in reversed(self._sessions.values())
            if (principal.role is Role.ADMIN or session.owner == principal.name)
            and (status is None or session.status is status)
            and wanted <= session.options.labels.items()
        ]
        ids = [session.id for session in found]
        start = ids.index(SessionId(cursor)) + 1 if cursor is not None else 0
        page = found[start : start + limit]
        return SessionPage(tuple(page), page[-1].id if start + limit < len(found) else None)

    def in_use(self, pool: str | None) -> int:
        return sum(s.options.pool == pool and s.status not in FINAL_STATUSES for s in self._sessions.values())

    async def close(self, principal: Principal, session_id: SessionId) -> Session:
        session = await self.get(principal, session_id)
        if session.status not in FINAL_STATUSES:
            await self.end(session_id, EndReason.CLOSED_BY_USER)
        return self._sessions[session_id]

    async def extend(self, principal: Principal, session_id: SessionId, *, lifetime_s: int) -> Session:
        session = await self.get(principal, session_id)
        self._require_alive(session)
        expires_at = datetime.now(UTC) + timedelta(seconds=lifetime_s)
        self._sessions[session_id] = replace(session, expires_at=expires_at)
        await self.publish(session_id, EventType.EXTENDED)
        return self._sessions[session_id]

    async def sleep(self, principal: Principal, session_id: SessionId) -> Session:
        return await self._rest(principal, session_id, SessionStatus.SLEEPING, EventType.ASLEEP)

    async def wake(self, principal: Principal, session_id: SessionId) -> Session:
        return await self._rest(principal, session_id, SessionStatus.READY, EventType.AWAKE)

    async def hibernate(self, principal: Principal, session_id: SessionId) -> Session:
        return await self._rest(principal, session_id, SessionStatus.HIBERNATED, EventType.HIBERNATED)

    async def _rest(
        self, principal: Principal, session_id: SessionId, status: SessionStatus, told: EventType
    ) -> Session:
        session = await self.get(principal, session_id)
        self._require_alive(session)
        if session.status is SessionStatus.PENDING:
            raise ConflictError("the session is not ready yet")
        if session.status is not status:
            self._sessions[session_id] = replace(session, status=status)
            await self.publish(session_id, told)
        return self._sessions[session_id]

    async def events(
        self, principal: Principal, session_id: SessionId, *, after: EventId | None = None
    ) -> AsyncIterator[SessionEvent]:
        await self.get(principal, session_id)
        position = int(after or 0)
        while True:
            async with self._news:
                await self._news.wait_for(self._has_more(session_id, position))
            for event in [each for each in self._events if each.session_id == session_id and each.id > position]:
                position = event.id
                yield event
            if self._sessions[session_id].status in FINAL_STATUSES:
                return

    @asynccontextmanager
    async def attach(
        self, principal: Principal | None, session_id: SessionId, *, quiet: bool = False
    ) -> AsyncGenerator[FakeAttachment]:
        session = self._sessions.get(session_id)
        if session is None or (principal is not None and not principal.may_use(session.owner)):
            raise NotFoundError("no such session")
        self._require_alive(session)
        if session.status is not SessionStatus.READY:
            raise ConflictError("the session is not ready")
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        attachment = FakeAttachment(self._chromium, ended, self.may_dial, self.dial_error)
        held = self.attachments.setdefault(session_id, [])
        async with self._news:
            held.append(attachment)
            self._news.notify_all()
        try:
            yield attachment
        finally:
            async with self._news:
                held.remove(attachment)
                self._news.notify_all()

    async def agent(self, principal: Principal, session_id: SessionId) -> FakeSessionAgent:
        self._require_alive(await self.get(principal, session_id))
        return self.session_agent

    async def machine(self, principal: Principal, session_id: SessionId, *, whole: bool = True) -> FakeSessionMachine:
        session = await self.get(principal, session_id)
        self._require_alive(session)
        if whole and not session.options.machine:
            raise DeniedError("the session was not made with machine", reason="machine_off")
        if whole and not principal.has(Scope.MACHINE):
            raise DeniedError("this key may not use machines", reason="machine_not_allowed")
        return self.session_machine

    async def browser(self, principal: Principal, session_id: SessionId) -> FakeSessionBrowser:
        session = await self.get(principal, session_id)
        self._require_alive(session)
        return self.session_browser

    async def live(self, principal: Principal | None, session_id: SessionId) -> SessionLive:
        session = self._sessions.get(session_id)
        if session is None or (principal is not None and not principal.may_use(session.owner)):
            raise NotFoundError("no such session")
        self._require_alive(session)
        if session.status is not SessionStatus.READY:
            raise ConflictError("the session is not ready")
        if self.session_live is None:
            raise ConflictError("no live view here")
        return self.session_live

    async def usage(self, principal: Principal, *, since: datetime) -> tuple[Sequence[UsageLine], bool]:
        page = await self.list(principal, limit=200)
        return usage_lines((s for s in page.sessions if s.created_at >= since), datetime.now(UTC)), False

    async def readiness(self) -> Mapping[str, str]:
        return self.not_ready

    async def made(self) -> SessionId:
        """Wait until there is a session; the last."""
        async with self._news, asyncio.timeout(5):
            await self._news.wait_for(lambda: self._sessions)
        return list(self._sessions)[-1]

    async def come_up(self, session_id: SessionId) -> None:
        """Have a pending one be ready."""
        self._sessions[session_id] = replace(self._sessions[session_id], status=SessionStatus.READY)
        await self.publish(session_id, EventType.READY)

    async def publish(self, session_id: SessionId, type_: EventType, **data: str | int) -> None:
        """Add an event and wake who waits for one."""
        async with self._news:
            event = SessionEvent(EventId(len(self._events) + 1), session_id, type_, datetime.now(UTC), data)
            self._events.append(event)
            self._news.notify_all()

    async def end(self, session_id: SessionId, reason: EndReason) -> None:
        """End a session as the manager would by itself."""
        session = replace(self._sessions[session_id], status=SessionStatus.CLOSED, reason=reason.value)
        self._sessions[session_id] = session
        self.browser_went(session_id, reason.value)
        await self.publish(session_id, EventType.CLOSED)

    def browser_went(self, session_id: SessionId, reason: str) -> None:
        """Tell everyone attached that their browser has ended."""
        for attachment in self.attachments.get(session_id, []):
            if not attachment.ended.done():
                attachment.ended.set_result(reason)

    async def someone_attached(self, session_id: SessionId) -> None:
        """Wait until an attachment is held."""
        async with self._news, asyncio.timeout(5):
            await self._news.wait_for(lambda: self.attachments.get(session_id))

    async def all_left(self, session_id: SessionId) -> None:
        """Wait until no attachment is held."""
        async with self._news, asyncio.timeout(5):
            await self._news.wait_for(lambda: not self.attachments.get(session_id))

    def _has_more(self, session_id: SessionId, position: int) -> Callable[[], bool]:
        def has_more() -> bool:
            fresh = any(each.session_id == session_id and each.id > position for each in self._events)
            return fresh or self._sessions[session_id].status in FINAL_STATUSES

        return has_more

    def _require_alive(self, session: Session) -> None:
        if session.status in FINAL_STATUSES:
            raise GoneError("the session has ended", reason=session.reason)


def _options(request: SessionRequest) -> SessionOptions:
    return SessionOptions(
        engine=request.engine,
        viewport=request.viewport,
        start_url=request.start_url,
        egress=EgressOptions(
            allow_hosts=request.egress.allow_hosts,
            deny_hosts=request.egress.deny_hosts,
            private_hosts=request.egress.private_hosts,
            upstream=request.egress.upstream,
        ),
        budget=BUDGET,
        idle_timeout_s=request.idle_timeout_s or 300,
        lifetime_s=request.lifetime_s or 3600,
        labels=dict(request.labels),
        action_allowed_domains=request.action_allowed_domains,
        machine=request.machine,
        profile=request.profile,
        private=request.private,
        downloads=request.downloads,
        standby=standby_of(request.standby),
    )
