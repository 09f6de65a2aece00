"""What operators and their machines ask: is it up, can it make a session, what are its numbers, what is its API."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import HTMLResponse, JSONResponse, Response

from cloche.api.deps import Deps, admin_of, caller_of
from cloche.api.pages.render import docs_page
from cloche.api.rest.schemas import HealthOut, ReadyOut

router = APIRouter(tags=["operations"])

RETRY_AFTER_S: Final = "5"


@router.get("/healthz")
async def healthz() -> HealthOut:
    """Whether the process answers at all."""
    return HealthOut(status="ok")


@router.get("/readyz", response_model=ReadyOut, responses={503: {"model": ReadyOut}})
async def readyz(deps: Deps) -> Response:
    """Whether a session can be made now; if not, 503 with the reasons."""
    reasons = dict(await (deps.readiness or deps.manager.readiness)())
    body = ReadyOut(ready=not reasons, reasons=reasons).model_dump()
    return JSONResponse(body, 503, {"retry-after": RETRY_AFTER_S}) if reasons else JSONResponse(body)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request, deps: Deps) -> Response:
    """Prometheus metrics. A server bound beyond loopback wants an admin's key."""
    if not deps.bind_is_loopback:
        await admin_of(await caller_of(request))
    return Response(generate_latest(deps.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
async def docs(request: Request) -> Response:
    return docs_page(await asyncio.to_thread(request.app.openapi))
