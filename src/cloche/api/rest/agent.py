"""`…/{id}/health`, `…/metrics` and `…/agent…`: what the agent in the sandbox says, and what it runs.

Whatever it answers was made inside a sandbox: what stands here has been checked, bounded and written anew.
"""

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, Caller, Deps, SessionIdPath
from cloche.api.rest.agent_schemas import AgentOut, ExecIn, ExecOut, PingOut, SessionHealthOut, SessionMetricsOut
from cloche.api.while_connected import while_connected
from cloche.sessions.agent_readings import Observed

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["machine"], dependencies=KEY_SECURITY)

CLIENT_GONE: Final = 499
"""Nobody reads it; it tells these apart in the metrics."""

Fresh = Annotated[bool, Query(description="Ask the agent now, instead of telling what it last said")]


@router.get("/health")
async def get_health(caller: Caller, session_id: SessionIdPath, deps: Deps, fresh: Fresh = False) -> SessionHealthOut:
    """The session's health, as its agent last told or, with `fresh`, tells now. 200 whatever `status` it is."""
    agent = await deps.manager.agent(caller, session_id)
    return SessionHealthOut.model_validate(_reading(await agent.health(fresh=fresh)))


@router.get("/metrics")
async def get_metrics(caller: Caller, session_id: SessionIdPath, deps: Deps, fresh: Fresh = False) -> SessionMetricsOut:
    """CPU, memory, disk, network and files of the session, as its agent last counted or, with `fresh`, counts now."""
    agent = await deps.manager.agent(caller, session_id)
    return SessionMetricsOut.model_validate(_reading(await agent.figures(fresh=fresh)))


@router.get("/agent")
async def get_agent(caller: Caller, session_id: SessionIdPath, deps: Deps) -> AgentOut:
    """Whether the session is at work, and how the probes and integrations in its sandbox are."""
    agent = await deps.manager.agent(caller, session_id)
    return AgentOut.model_validate(await agent.status() | {"session_id": session_id})


@router.get("/agent/ping")
async def ping_agent(caller: Caller, session_id: SessionIdPath, deps: Deps) -> PingOut:
    """Ask the agent for a sign of life, and tell how long it took."""
    agent = await deps.manager.agent(caller, session_id)
    return PingOut(round_trip_ms=round(await agent.ping() * 1000, 3))


@router.post("/agent/exec", response_model=ExecOut)
async def exec_in_sandbox(caller: Caller, session_id: SessionIdPath, body: ExecIn, deps: Deps, request: Request) -> Any:
    """Run a program in the sandbox of a session made with `machine`, and wait for its end. Who hangs up ends it."""
    agent = await deps.manager.agent(caller, session_id)
    deps.journal.require()
    result = await while_connected(request, agent.execute(caller, body.to_request()))
    return ExecOut.model_validate(result) if result is not None else Response(status_code=CLIENT_GONE)


def _reading(observed: Observed[Any]) -> dict[str, Any]:
    return asdict(observed.value) | {"observed_at": observed.observed_at, "age_s": round(observed.age_s, 3)}
