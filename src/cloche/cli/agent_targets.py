"""Whom `cloche agent` asks: the agents of sessions, through the API, or any agent whose socket can be reached."""

import re
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import typer

from cloche.agent_link.dial import dial_firecracker, dial_unix, dial_vsock
from cloche.agent_link.guest import ANSWER_TIMEOUT_S, HUNG_UP, Dial, ask_each
from cloche.agent_link.guest_report import REPORT_REQUESTS, ExecResult, expect, read_exec_result, read_report
from cloche.errors import AgentError
from cloche.wire.guest import GUEST_PORT, Answer, Tagged, Verb

if TYPE_CHECKING:
    from cloche.client.aio import Client

EXEC_SLACK_S: Final = 10.0
"""How much longer than the program's own time its agent may take to answer."""

_MAX_32_BITS: Final = 2**32 - 1
_VSOCK: Final = re.compile(r"([0-9]{1,10})(?::([0-9]{1,10}))?")
_PATH_AND_PORT: Final = re.compile(r"(.+?)(?::([0-9]{1,10}))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What Exec is to run: `argv` as it stands, or `shell`, a text."""

    argv: tuple[str, ...] | None
    shell: str | None
    stdin: str | None
    timeout_s: int


class Agent(Protocol):
    """Someone to ask. Everything raises a ClocheError when there is no good answer."""

    @property
    def name(self) -> str: ...

    async def ping(self) -> float:
        """Return how long the answer took, in milliseconds."""
        ...

    async def report(self) -> dict[str, Any]:
        """Return `worker_status, last_busy_at, health_summary, probes, integrations`."""
        ...

    async def execute(self, order: Order) -> ExecResult: ...


@dataclass(frozen=True, slots=True)
class SocketAgent:
    """An agent that is dialled for every question. `name` is what the user typed."""

    name: str
    dial: Dial

    async def ping(self) -> float:
        started = time.monotonic()
        expect(await self._ask(Tagged(Verb.PING)), Answer.PONG)
        return (time.monotonic() - started) * 1000

    async def report(self) -> dict[str, Any]:
        return read_report(await ask_each(self.dial, REPORT_REQUESTS))

    async def execute(self, order: Order) -> ExecResult:
        what: dict[str, Any] = {"command": order.shell} if order.argv is None else {"argv": list(order.argv)}
        request = Tagged(Verb.EXEC, what | {"stdin": order.stdin, "timeout_secs": order.timeout_s})
        try:
            return read_exec_result(await self._ask(request, order.timeout_s + EXEC_SLACK_S))
        except AgentError as error:
            if order.argv is None or error.fields.get("agent_code") != HUNG_UP:
                raise
            # What an agent of the published protocol does with fields that it does not know.
            raise AgentError(f"{error.detail}; if it takes nothing but shell text, try --shell") from error

    async def _ask(self, request: Tagged, timeout_s: float = ANSWER_TIMEOUT_S) -> Tagged:
        (answer,) = await ask_each(self.dial, [request], timeout_s=timeout_s)
        return answer


@dataclass(frozen=True, slots=True)
class SessionAgent:
    """The agent of a session, asked through the API."""

    name: str
    client: "Client"

    async def ping(self) -> float:
        return (await self.client.sessions.agent_ping(self.name)).round_trip_ms

    async def report(self) -> dict[str, Any]:
        return (await self.client.sessions.agent_status(self.name)).model_dump(mode="json", exclude={"session_id"})

    async def execute(self, order: Order) -> ExecResult:
        result = await self.client.sessions.agent_exec(
            self.name, order.argv, command=order.shell, stdin=order.stdin, timeout_s=order.timeout_s
        )
        return ExecResult(result.exit_code, result.stdout, result.stderr)


def socket_agent(path: str | None, vsock: str | None, firecracker: str | None) -> SocketAgent | None:
    """Read the options that name an agent by its socket; None when there is none of them.

    Raises:
        typer.BadParameter: more than one of them, or one that cannot be read.
    """
    given = {"--socket": path, "--vsock": vsock, "--firecracker": firecracker}
    if sum(value is not None for value in given.values()) > 1:
        raise typer.BadParameter("only one of --socket, --vsock and --firecracker can be given")
    if path is not None:
        return SocketAgent(path, partial(dial_unix, path))
    if vsock is not None:
        return SocketAgent(vsock, partial(dial_vsock, *read_vsock(vsock)))
    if firecracker is not None:
        return SocketAgent(firecracker, partial(dial_firecracker, *read_path_and_port(firecracker)))
    return None


def read_vsock(text: str) -> tuple[int, int]:
    """Read CID:PORT, or CID alone for the documented port. Raises: typer.BadParameter."""
    found = _VSOCK.fullmatch(text)
    if found is None or int(found[1]) > _MAX_32_BITS:
        raise typer.BadParameter(f"{text!r} is not CID:PORT", param_hint="--vsock")
    return int(found[1]), _port(found[2], "--vsock")


def read_path_and_port(text: str) -> tuple[str, int]:
    """Read PATH:PORT, or PATH alone for the documented port. Raises: typer.BadParameter."""
    found = _PATH_AND_PORT.fullmatch(text)
    if found is None:
        raise typer.BadParameter("there is no path in it", param_hint="--firecracker")
    return found[1], _port(found[2], "--firecracker")


def _port(text: str | None, option: str) -> int:
    port = GUEST_PORT if text is None else int(text)
    if port > _MAX_32_BITS:
        raise typer.BadParameter(f"{port} is no port", param_hint=option)
    return port
