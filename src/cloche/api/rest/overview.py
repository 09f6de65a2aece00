"""`/v1/usage` and `/v1/policy`: what has been taken, and what may be."""

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from cloche.api.deps import KEY_SECURITY, Caller, Deps
from cloche.api.rest.schemas import Out

router = APIRouter(prefix="/v1", tags=["operations"], dependencies=KEY_SECURITY)


class UsageLineOut(Out):
    """Sums over the sessions that one principal made on one day (UTC)."""

    day: date
    owner: str
    sessions: int
    failed: int
    seconds: float
    egress_bytes_in: int
    egress_bytes_out: int
    actions: int
    cpu_seconds: float


class UsageReportOut(Out):
    """`truncated`: there were more sessions than are counted; the oldest are missing."""

    since: date
    lines: list[UsageLineOut]
    truncated: bool


class PolicyOut(Out):
    """What the server gives a session that asks for nothing, and the most it gives. Read-only: settings decide it."""

    principal: str
    role: str
    scopes: list[str]
    policy: dict[str, Any]


@router.get("/usage")
async def get_usage(caller: Caller, deps: Deps, days: Annotated[int, Query(ge=1, le=90)] = 30) -> UsageReportOut:
    """What sessions have taken, by day and owner: an admin sees everybody's, a user the own."""
    now = deps.clock.now()
    since = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    lines, truncated = await deps.manager.usage(caller, since=since)
    return UsageReportOut(
        since=since.date(), lines=[UsageLineOut.model_validate(line) for line in lines], truncated=truncated
    )


@router.get("/policy")
async def get_policy(caller: Caller, deps: Deps) -> PolicyOut:
    """Who the caller is, and what holds for sessions."""
    return PolicyOut(
        principal=caller.name,
        role=str(caller.role),
        scopes=sorted(str(scope) for scope in caller.scopes),
        policy=dict(deps.policy),
    )
