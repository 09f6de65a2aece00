"""`…/{id}/browser/…`: stop, start and restart a session's browser without losing its data."""

from typing import Final

from fastapi import APIRouter

from cloche.api.deps import KEY_SECURITY, ApiDeps, Caller, Deps, SessionIdPath
from cloche.api.rest.browser_schemas import BrowserRestartIn, BrowserStartIn, BrowserStartOut, BrowserStopOut
from cloche.api.rest.machine_schemas import read_told
from cloche.sessions.interface import MachineRequest, SessionMachine
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal
from cloche.wire.messages import Payload

router = APIRouter(prefix="/v1/sessions/{session_id}/browser", tags=["machine"], dependencies=KEY_SECURITY)

CHANGE_WAIT_S: Final = 110.0
"""A restart that fails stops and starts a browser twice."""


@router.post("/restart")
async def restart_browser(
    caller: Caller, session_id: SessionIdPath, deps: Deps, body: BrowserRestartIn | None = None
) -> BrowserStartOut:
    """Stop the browser, change what the body says, start it and wait until it answers; a failure is rolled back."""
    body = body or BrowserRestartIn()
    machine = await deps.manager.machine(caller, session_id, whole=body.needs_machine)
    return read_told(
        BrowserStartOut, await _change(deps, machine, caller, "restart", body.model_dump(exclude_none=True))
    )


@router.post("/stop")
async def stop_browser(caller: Caller, session_id: SessionIdPath, deps: Deps) -> BrowserStopOut:
    """Stop the browser and let it write down what it has not yet. The session stays; 409 when it is stopped."""
    machine = await deps.manager.machine(caller, session_id, whole=False)
    return read_told(BrowserStopOut, await _change(deps, machine, caller, "stop", {}))


@router.post("/start")
async def start_browser(
    caller: Caller, session_id: SessionIdPath, deps: Deps, body: BrowserStartIn | None = None
) -> BrowserStartOut:
    """Start a browser that was stopped and wait until it answers. 409 while one runs."""
    machine = await deps.manager.machine(caller, session_id, whole=False)
    fields = (body or BrowserStartIn()).model_dump(exclude_none=True)
    return read_told(BrowserStartOut, await _change(deps, machine, caller, "start", fields))


async def _change(deps: ApiDeps, machine: SessionMachine, caller: Principal, what: str, fields: Payload) -> Payload:
    deps.journal.require()
    request = MachineRequest(method="POST", path=f"/browser/{what}", fields=fields)
    answer = await machine.ask(request, timeout_s=CHANGE_WAIT_S)
    machine.note(EventType.MACHINE_PROCESS, {"by": caller.name, "action": f"browser_{what}"})
    return answer
