"""`…/{id}/process…` and `…/{id}/processes`: programs in a session that was made with `machine`, and its parts."""

import asyncio
import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, Caller, Deps, SessionIdPath
from cloche.api.passed_events import PassedEvents
from cloche.api.rest.agent import CLIENT_GONE
from cloche.api.rest.events import EventStreamResponse
from cloche.api.rest.machine_schemas import MAX_WHOLE, OkOut, read_told
from cloche.api.rest.processes_schemas import (
    PartsOut,
    ProcessExecIn,
    ProcessExecOut,
    ProcessKillIn,
    ProcessListOut,
    ProcessResizeIn,
    ProcessSpawnIn,
    ProcessSpawnOut,
    ProcessStatusOut,
    ProcessStdinIn,
    ProcessStdinOut,
)
from cloche.api.while_connected import while_connected
from cloche.errors import InvalidError, NotFoundError, SandboxError
from cloche.sessions.interface import MachineRequest, SessionMachine
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal
from cloche.wire.messages import Payload

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["machine"], dependencies=KEY_SECURITY)

EXEC_SLACK_S: Final = 15.0
"""How much longer than the program's own time its agent may take to kill it and to tell."""

_PROCESS_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


async def process_id_of(process_id: str) -> str:
    if not _PROCESS_ID.fullmatch(process_id):
        raise NotFoundError("there is no such process")
    return process_id


ProcessIdPath = Annotated[str, Depends(process_id_of)]
LastEventId = Annotated[str | None, Header(max_length=128, description="The id of the last event you have")]


@router.post("/process/exec", response_model=ProcessExecOut)
async def exec_process(
    caller: Caller, session_id: SessionIdPath, body: ProcessExecIn, deps: Deps, request: Request
) -> Response:
    """Run a program to its end. It goes on when the caller leaves, unless `kill_on_disconnect`; see `…/process`."""
    machine = await deps.manager.machine(caller, session_id)
    asking = _exec(machine, caller, body)
    told = await while_connected(request, asking) if body.kill_on_disconnect else await asking
    # Megabytes of base64, checked just now: FastAPI would check them again.
    return _json(told) if told is not None else Response(status_code=CLIENT_GONE)


@router.post("/process/spawn")
async def spawn_process(caller: Caller, session_id: SessionIdPath, body: ProcessSpawnIn, deps: Deps) -> ProcessSpawnOut:
    """Start a program and leave it running, on a terminal of its own with `allocate_tty`."""
    machine = await deps.manager.machine(caller, session_id)
    told = read_told(ProcessSpawnOut, await machine.ask(_post("/process/spawn", body)))
    _note(machine, caller, "spawn", process_id=told.process_id)
    return told


@router.get("/process")
async def list_processes(caller: Caller, session_id: SessionIdPath, deps: Deps) -> ProcessListOut:
    """List the programs that were started here: those that run, and the last of those that have ended."""
    machine = await deps.manager.machine(caller, session_id)
    return read_told(ProcessListOut, await machine.ask(MachineRequest(method="GET", path="/process")))


@router.get("/process/{process_id}/status")
async def get_process(
    caller: Caller, session_id: SessionIdPath, process_id: ProcessIdPath, deps: Deps
) -> ProcessStatusOut:
    """Look at one program: whether it runs, how it ended, what it uses."""
    machine = await deps.manager.machine(caller, session_id)
    request = MachineRequest(method="GET", path=f"/process/{process_id}/status")
    return read_told(ProcessStatusOut, await machine.ask(request))


@router.post("/process/{process_id}/stdin")
async def write_process_stdin(
    caller: Caller, session_id: SessionIdPath, process_id: ProcessIdPath, body: ProcessStdinIn, deps: Deps
) -> ProcessStdinOut:
    """Write to a program's standard input. 409 once it has ended."""
    machine = await deps.manager.machine(caller, session_id)
    return read_told(ProcessStdinOut, await machine.ask(_post(f"/process/{process_id}/stdin", body)))


@router.post("/process/{process_id}/kill")
async def kill_process(
    caller: Caller, session_id: SessionIdPath, process_id: ProcessIdPath, body: ProcessKillIn, deps: Deps
) -> OkOut:
    """Send a signal to a program and all it has started. 409 when nobody of them is left."""
    machine = await deps.manager.machine(caller, session_id)
    told = read_told(OkOut, await machine.ask(_post(f"/process/{process_id}/kill", body)))
    _note(machine, caller, "kill", process_id=process_id)
    return told


@router.post("/process/{process_id}/resize")
async def resize_process(
    caller: Caller, session_id: SessionIdPath, process_id: ProcessIdPath, body: ProcessResizeIn, deps: Deps
) -> OkOut:
    """Change the size of a program's terminal. 409 when it has none."""
    machine = await deps.manager.machine(caller, session_id)
    return read_told(OkOut, await machine.ask(_post(f"/process/{process_id}/resize", body)))


@router.get("/process/{process_id}/stdout/stream", response_class=EventStreamResponse)
async def stream_process_output(
    caller: Caller,
    session_id: SessionIdPath,
    process_id: ProcessIdPath,
    deps: Deps,
    request: Request,
    offset: Annotated[int, Query(ge=0, le=MAX_WHOLE, description="Where to begin in all that was printed")] = 0,
    follow: bool = True,
    last_event_id: LastEventId = None,
) -> Response:
    """Read what a program prints, from any offset, to its end; an event's id is the offset after it."""
    machine = await deps.manager.machine(caller, session_id)
    begin = _offset(last_event_id) if last_event_id else offset
    query: dict[str, str | bytes | int] = {"offset": begin, "follow": follow}
    path = f"/process/{process_id}/stdout/stream"
    return PassedEvents(machine.open(MachineRequest(method="GET", path=path, query=query)), request)


@router.get("/processes")
async def get_parts(caller: Caller, session_id: SessionIdPath, deps: Deps) -> PartsOut:
    """The parts of a session and how they are, and every process in it."""
    machine = await deps.manager.machine(caller, session_id, whole=False)
    return read_told(PartsOut, await machine.ask(MachineRequest(method="GET", path="/processes")))


async def _exec(machine: SessionMachine, caller: Principal, body: ProcessExecIn) -> ProcessExecOut:
    try:
        answer = await machine.ask(_post("/process/exec", body), timeout_s=body.timeout_sec + EXEC_SLACK_S)
        told = read_told(ProcessExecOut, answer)
    except (SandboxError, asyncio.CancelledError):
        _note(machine, caller, "exec", exit_code=None)  # it may have run
        raise
    _note(machine, caller, "exec", process_id=told.process_id, exit_code=told.exit_code)
    return told


def _note(machine: SessionMachine, caller: Principal, action: str, **data: str | int | None) -> None:
    """Who did what to which program; never what it was, or what it said."""
    machine.note(EventType.MACHINE_PROCESS, {"by": caller.name, "action": action, **data})


def _post(path: str, body: BaseModel) -> MachineRequest:
    fields: Payload = body.model_dump(exclude_none=True)
    return MachineRequest(method="POST", path=path, fields=fields)


def _offset(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_WHOLE):
        raise InvalidError("an event id of this stream is a whole number", field="last-event-id")
    return int(text)


def _json(told: BaseModel) -> Response:
    return Response(told.__pydantic_serializer__.to_json(told), media_type="application/json")
