"""Builds the ASGI application. There is no module-level one: the composition root calls `build_app`."""

import asyncio
import json
from typing import Any, Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloche import __version__
from cloche.api import problem
from cloche.api.auditing import AuditMiddleware
from cloche.api.auth.guard import GuardMiddleware
from cloche.api.deps import ApiDeps
from cloche.api.limits import BodyLimitMiddleware
from cloche.api.live.desk import OfferDesk
from cloche.api.live.parts import live_parts
from cloche.api.observe import HttpMetrics, ObserveMiddleware
from cloche.api.rest import (
    agent,
    archives,
    artifacts,
    audit,
    browser,
    browsing,
    browsing_openapi,
    console_aliases,
    devtools,
    events,
    files,
    isolation,
    keys,
    live,
    live_assets,
    logs,
    news,
    operations,
    overview,
    pools,
    processes,
    profiles,
    session_keeping,
    sessions,
)
from cloche.api.rest.isolation_errors import OlderErrorsMiddleware
from cloche.api.rest.schemas import ProblemOut
from cloche.api.zstd.codec import ZstdCodec

DESCRIPTION = """Self-hosted browser infrastructure. Make a session, hand its `connect_url` to a DevTools client.

Errors are RFC 9457 problem details; go by `code`. Times are RFC 3339, UTC. Fields a request does not know are refused.
"""

FILE_FIELDS: Final = ("Range", "If-Range", "Cloche-Passphrase")
"""Of requests for files and for what profiles are made of."""


def build_app(deps: ApiDeps) -> FastAPI:
    """Wire routes, middleware and error answers.

    `app.state.stopping` is set when the server is about to stop; `app.state.offers` is closed then, and
    `app.state.codec` once it has.
    """
    app = _Api(
        title="Cloche",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=_middleware(deps),
        responses={"default": {"description": "A problem", "model": ProblemOut}},
        redirect_slashes=False,
        routes=[*browsing.ROUTES, *console_aliases.ROUTES, Route("/openapi.json", _description), *deps.pages],
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.deps = deps
    app.state.stopping = asyncio.Event()
    app.state.codec = ZstdCodec()
    app.state.live = live_parts(deps)
    app.state.offers = OfferDesk(app.state.live)
    problem.install(app)
    machine = (processes, files, archives, logs, browser)
    kept = (profiles, session_keeping, artifacts, console_aliases, pools)
    for module in (
        sessions,
        events,
        devtools,
        agent,
        *machine,
        live,
        live_assets,
        isolation,
        *kept,
        keys,
        audit,
        news,
        overview,
        operations,
    ):
        app.include_router(module.router)
    return app


class _Api(FastAPI):
    """Gives problems their own media type (RFC 9457, section 3), where FastAPI describes them with the answers' type,
    and describes the routes that are not FastAPI's."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            for operation in (each for methods in document["paths"].values() for each in methods.values()):
                content = operation["responses"]["default"]["content"]
                content[problem.MEDIA_TYPE] = content.pop(next(iter(content)))
            browsing_openapi.describe(document)
        return super().openapi()


async def _description(request: Request) -> Response:
    """The OpenAPI document. Made when first asked for, in a thread: it takes a second and reads the source."""
    api = request.app
    if getattr(api.state, "description", None) is None:
        api.state.description = await asyncio.to_thread(lambda: json.dumps(api.openapi()).encode())
    return Response(api.state.description, media_type="application/json")


def _middleware(deps: ApiDeps) -> list[Middleware]:
    """Outermost first."""
    layers = [
        Middleware(ObserveMiddleware, metrics=HttpMetrics(deps.registry)),
        Middleware(OlderErrorsMiddleware),
        Middleware(problem.ProblemMiddleware),
        Middleware(AuditMiddleware, journal=deps.journal, failures=deps.auth_failures("http")),
        Middleware(GuardMiddleware, guard=deps.guard()),
        Middleware(BodyLimitMiddleware, max_upload_bytes=deps.max_upload_bytes),
    ]
    if deps.allowed_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=deps.allowed_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "Last-Event-ID", *FILE_FIELDS],
            expose_headers=["Content-Disposition", "Content-Range", "ETag"],
        )
        layers.insert(5, cors)
    return layers
