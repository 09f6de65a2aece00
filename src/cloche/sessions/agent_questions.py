"""What can be asked of a session's agent: each question on a stream of its own, each answer the guest's word."""

import asyncio
import json
import math
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Protocol

from cloche.agent_link import guest, http, streams
from cloche.agent_link.guest_report import (
    REPORT_REQUESTS,
    ExecResult,
    expect,
    read_exec_result,
    read_report,
    read_sleep_ack,
)
from cloche.clock import Clock
from cloche.errors import AgentError, BusyError, DeadlineError, DeniedError
from cloche.sessions.agent_readings import Figures, Health, Observed, read_figures, read_health
from cloche.sessions.agent_side import LastWords
from cloche.sessions.events import Data
from cloche.sessions.exec_request import ExecRequest, exec_question
from cloche.sessions.machine_rights import require_machine
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal
from cloche.sessions.under_way import UnderWay
from cloche.wire.guest import Answer, Tagged, Verb
from cloche.wire.messages import Payload

ANSWER_WAIT_S: Final = 10.0
EXEC_SLACK_S: Final = 5.0
"""How much longer than the program's own time its agent may take to kill it and to answer."""
MAX_RUNNING: Final = 4
"""Programs that run at once in one session; no agent of ours takes more."""
MAX_ASKED: Final = 16
"""Questions at once to one session. One that does not answer holds each for seconds, whoever asked and has gone."""
SYNC_SLACK_S: Final = 6.0
"""How much longer than the drain time it may take to sync its files and to answer."""
WAKE_WAIT_S: Final = 35.0
"""Its restore commands have thirty seconds."""
KILL_WAIT_S: Final = 5.0
"""How long an agent may take to notice that a program was given up, and to kill it: until then it counts it."""


class QuestionsOwner(Protocol):
    """What a runner does for who asks its agent."""

    async def dial_agent(self) -> socket.socket:
        """A fresh connection to the guest socket. Raises: GoneError, and whatever the driver raises."""
        ...

    def require_staying(self) -> None:
        """Raises: GoneError when the session ends."""
        ...

    def actions_changed(self, change: int) -> None: ...

    def publish(self, type_: EventType, data: Data | None = None) -> None: ...


class AgentQuestions:
    """See `sessions.interface.SessionAgent`. Owned by the runner. Only `execute` counts as use of the session."""

    def __init__(self, owner: QuestionsOwner, words: LastWords, clock: Clock, *, may_execute: bool) -> None:
        self._owner, self._words, self._clock = owner, words, clock
        self._may_execute = may_execute
        self._running = self._asked = 0
        self._given_up_at = -math.inf
        self._under_way = UnderWay(owner)

    def give_up(self) -> None:
        """The session is left: nobody waits for its agent any longer. Everything under way raises GoneError."""
        self._under_way.give_up()

    async def health(self, *, fresh: bool = False) -> Observed[Health]:
        last = self._words.health
        if last is not None and not fresh and not self._words.is_overtaken:
            return last
        changes = self._words.browser_changes
        health = read_health(await self._get("/health"))
        if health is None:
            raise AgentError("the agent's answer was not understood")
        return self._words.hear_health(health, as_of=changes)

    async def figures(self, *, fresh: bool = False) -> Observed[Figures]:
        last = self._words.figures
        if last is not None and not fresh:
            return last
        return self._words.hear_figures(read_figures(await self._get("/metrics")))

    async def status(self) -> Payload:
        async with self._questioning():
            try:
                # One deadline for all of them: an agent that drips must not hold the caller for each in turn.
                async with asyncio.timeout(ANSWER_WAIT_S):
                    answers = await guest.ask_each(self._open_guest, REPORT_REQUESTS, timeout_s=ANSWER_WAIT_S)
            except TimeoutError:
                raise DeadlineError("the agent did not answer in time") from None
            return read_report(answers)

    async def ping(self) -> float:
        async with self._questioning():
            stream = await self._open_guest()
            asked_at = self._clock.monotonic()
            expect(await guest.ask(stream, Tagged(Verb.PING), timeout_s=ANSWER_WAIT_S), Answer.PONG)
            return self._clock.monotonic() - asked_at

    async def sleep_prep(self, drain_s: float) -> tuple[bool, str]:
        """Have it get ready for being stopped; returns whether it is, and in its own words what it did or why not."""
        async with self._questioning():
            question = Tagged(Verb.SLEEP_PREP, {"drain_timeout_secs": math.ceil(drain_s)})
            answer = await guest.ask(await self._open_guest(), question, timeout_s=drain_s + SYNC_SLACK_S)
            return read_sleep_ack(answer)

    async def wake(self) -> None:
        """Tell it that it goes on."""
        async with self._questioning():
            answer = await guest.ask(await self._open_guest(), Tagged(Verb.WAKE), timeout_s=WAKE_WAIT_S)
            expect(answer, Answer.WAKE_ACK)

    async def execute(self, principal: Principal, request: ExecRequest) -> ExecResult:
        require_machine(principal, made_with=self._may_execute, off="exec_off")
        question = exec_question(request)
        guest.require_fit(question)
        with self._acting():
            async with self._under_way.asking():
                stream = await self._open_guest()
                return await self._run(stream, question, principal, request.timeout_s + EXEC_SLACK_S)

    async def _run(self, stream: socket.socket, question: Tagged, principal: Principal, timeout_s: float) -> ExecResult:
        exit_code: int | None = None
        try:
            result = self._exec_result(await guest.ask(stream, question, timeout_s=timeout_s))
            exit_code = result.exit_code
            return result
        except (asyncio.CancelledError, DeadlineError):
            self._given_up_at = self._clock.monotonic()
            raise
        finally:
            # Never what was run, nor what it said: only who had something run, and how it ended, if that is known.
            self._owner.publish(EventType.AGENT_EXEC, {"by": principal.name, "exit_code": exit_code})

    def _exec_result(self, answer: Tagged) -> ExecResult:
        try:
            return read_exec_result(answer)
        except AgentError as error:
            if answer.tag != Answer.ERROR:
                raise
            if self._clock.monotonic() - self._given_up_at < KILL_WAIT_S:
                # It may still count a program that was given up here, and takes no more than we do.
                raise BusyError(error.detail, retry_after_s=1) from None
            raise DeniedError(error.detail, reason="exec_refused") from None

    @contextmanager
    def _acting(self) -> Iterator[None]:
        if self._running >= MAX_RUNNING:
            raise BusyError(f"{MAX_RUNNING} programs run in this session already", retry_after_s=1)
        self._running += 1
        self._owner.actions_changed(1)
        try:
            yield
        finally:
            self._running -= 1
            self._owner.actions_changed(-1)

    async def _get(self, path: str) -> Payload:
        """GET `path`, a constant of ours, from the agent's HTTP API."""
        async with self._questioning():
            stream = await streams.open_http(await self._owner.dial_agent())
            return _object(*await http.get(stream, path, timeout_s=ANSWER_WAIT_S))

    async def _open_guest(self) -> socket.socket:
        return await streams.open_guest(await self._owner.dial_agent())

    @asynccontextmanager
    async def _questioning(self) -> AsyncIterator[None]:
        """Ask within the bounds of one session: what is not answered must not use the server up."""
        if self._asked >= MAX_ASKED:
            raise BusyError(f"{MAX_ASKED} questions to this session are not answered yet", retry_after_s=1)
        self._asked += 1
        try:
            async with self._under_way.asking():
                yield
        finally:
            self._asked -= 1


def _object(status: int, body: bytes) -> Payload:
    if status != 200:
        raise AgentError("the agent could not answer")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise AgentError("the agent's answer was not understood") from None
    if not isinstance(value, dict):
        raise AgentError("the agent's answer was not understood")
    return value
