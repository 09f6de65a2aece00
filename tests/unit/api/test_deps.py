"""What a route asks for before it begins."""

import inspect
from collections.abc import Iterator
from typing import Any, cast

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from cloche.api.app import build_app
from cloche.api.auth.keys import KeyStore
from cloche.api.deps import ApiDeps
from cloche.clock import SystemClock
from cloche.sessions.interface import SessionManager


def routes_of(router: Any) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):  # FastAPI keeps an included router as one
            yield from routes_of(route.original_router)


def below(dependant: Dependant) -> Iterator[Dependant]:
    for each in dependant.dependencies:
        yield each
        yield from below(each)


def test_nothing_that_a_route_asks_for_takes_a_thread() -> None:
    """FastAPI runs a plain function in one, there and back, which takes longer than most of what there is to do."""
    deps = ApiDeps(
        manager=cast(SessionManager, None),
        keys=cast(KeyStore, None),
        token_secret=b"x" * 32,
        clock=SystemClock(),
        registry=CollectorRegistry(),
    )
    routes = list(routes_of(build_app(deps)))
    asked = {each.call for route in routes for each in below(route.dependant)}
    plain = {call for call in asked if inspect.isfunction(call) and not inspect.iscoroutinefunction(call)}
    assert len(asked) > 10
    assert plain == set()
    assert all(inspect.iscoroutinefunction(route.endpoint) for route in routes)
