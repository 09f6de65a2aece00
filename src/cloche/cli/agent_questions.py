"""What the commands of `cloche agent` ask, of one agent or of many side by side."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cloche.agent_link.guest_report import ExecResult
from cloche.cli.agent_targets import Agent, Order, SessionAgent
from cloche.cli.connection import connect_async
from cloche.errors import ClocheError, ConflictError, GoneError, NotFoundError, SandboxError

if TYPE_CHECKING:
    from cloche.client.aio import Client
    from cloche.client.answers import Session

AT_ONCE: Final = 8
"""How many agents are asked side by side: one that hangs does not hold up all the others."""
LIVE: Final = ("pending", "ready", "sleeping")
"""In the order of a life: one that goes on to the next state while they are listed is not missed."""

T = TypeVar("T")


async def ping(
    other: Agent | None, session_ids: Sequence[str], url: str | None
) -> list[tuple[str, float | ClocheError]]:
    """Ping `other`, or these sessions, or all that are ready; in order, the milliseconds each took or what failed."""
    if other is not None:
        return await _ask_all([other], _ping)
    async with connect_async(url) as client:
        ids = session_ids or [session.id for session in await _sessions(client, "ready")]
        return await _ask_all([SessionAgent(id_, client) for id_ in ids], _ping)


async def status(other: Agent | None, session_id: str, url: str | None) -> dict[str, Any] | ClocheError:
    """Return the report of one agent, or why it cannot be reached.

    Raises:
        ClocheError: the server cannot be reached, or there is no such session (any more).
    """
    async with _one(other, session_id, url) as agent:
        if isinstance(agent, SessionAgent):
            # Tells a server that is not there from an agent that does not answer.
            await agent.client.sessions.get(session_id)
        try:
            return await agent.report()
        except (SandboxError, ConflictError) as error:
            return error


async def status_of_all(url: str | None) -> "list[tuple[Session, dict[str, Any] | ClocheError]]":
    """Return every live session, newest first, with its agent's report or why there is none."""
    async with connect_async(url) as client:
        sessions = {session.id: session for session in await _sessions(client, *LIVE)}
        answers = await _ask_all([SessionAgent(id_, client) for id_ in sessions], _report)
    # One that has ended meanwhile is no longer live.
    return [(sessions[name], answer) for name, answer in answers if not isinstance(answer, GoneError | NotFoundError)]


async def inspect(other: Agent | None, session_id: str, url: str | None) -> dict[str, Any]:
    async with _one(other, session_id, url) as agent:
        return await agent.report()


async def execute(other: Agent | None, session_id: str, url: str | None, order: Order) -> ExecResult:
    async with _one(other, session_id, url) as agent:
        return await agent.execute(order)


@asynccontextmanager
async def _one(other: Agent | None, session_id: str, url: str | None) -> AsyncGenerator[Agent]:
    if other is not None:
        yield other
        return
    async with connect_async(url) as client:
        yield SessionAgent(session_id, client)


async def _sessions(client: "Client", *statuses: str) -> "list[Session]":
    found = [session for status in statuses async for session in client.sessions.iterate(status=status)]
    return sorted(found, key=lambda session: session.created_at, reverse=True)


async def _ask_all(agents: Iterable[Agent], ask: Callable[[Agent], Awaitable[T]]) -> list[tuple[str, T | ClocheError]]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(agent: Agent) -> tuple[str, T | ClocheError]:
        async with room:
            try:
                return agent.name, await ask(agent)
            except ClocheError as error:
                return agent.name, error

    return await asyncio.gather(*map(one, agents))


async def _ping(agent: Agent) -> float:
    return await agent.ping()


async def _report(agent: Agent) -> dict[str, Any]:
    return await agent.report()
