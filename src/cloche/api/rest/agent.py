"""`…/{id}/health` and `…/{id}/metrics`: what the agent in the sandbox says of itself.

The answer was made inside a sandbox: it is parsed within limits and written anew, never passed through.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from cloche.api.deps import KEY_SECURITY, Caller, Deps, SessionIdPath
from cloche.api.json_body import parse_json
from cloche.errors import AgentError, InvalidError

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["machine"], dependencies=KEY_SECURITY)


@router.get("/health", response_class=JSONResponse, response_model=dict[str, Any])
async def get_health(caller: Caller, session_id: SessionIdPath, deps: Deps) -> JSONResponse:
    """The sandbox's health, as its agent sees it; 503 when it is not well."""
    return _relay(*await deps.manager.agent_get(caller, session_id, "/health"))


@router.get("/metrics", response_class=JSONResponse, response_model=dict[str, Any])
async def get_metrics(caller: Caller, session_id: SessionIdPath, deps: Deps) -> JSONResponse:
    """CPU, memory and processes inside the sandbox, as its agent counts them."""
    return _relay(*await deps.manager.agent_get(caller, session_id, "/metrics"))


def _relay(status: int, body: bytes) -> JSONResponse:
    if status not in (200, 503):
        raise AgentError("the agent could not answer")
    try:
        value = parse_json(body)
    except InvalidError:
        raise AgentError("the agent's answer was not understood") from None
    return JSONResponse(value, status)
