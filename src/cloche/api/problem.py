"""Errors out: RFC 9457 problem details, the same for the REST doors and for the DevTools door before its upgrade."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloche.errors import (
    CapacityError,
    ClocheError,
    InternalError,
    InvalidError,
    NotFoundError,
    RangeError,
    TooLargeError,
    UnauthenticatedError,
)

MEDIA_TYPE: Final = "application/problem+json"
MAX_FIELD_ERRORS: Final = 20

_log = structlog.get_logger(__name__)
_RESERVED: Final = frozenset({"type", "title", "status", "detail", "code", "retryable", "errors"})


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it leaves: status, header fields and a JSON body. Knows no framework."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        return json.dumps(self.body, separators=(",", ":")).encode()


def problem_of(error: ClocheError, errors: Sequence[Mapping[str, str]] = ()) -> Problem:
    """Render any error of ours. `errors` lists what is wrong field by field."""
    body: dict[str, Any] = {
        "type": f"urn:cloche:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.http_status,
        "detail": error.detail,
        "code": error.code,
        # What was done already, but not written down, would be done twice.
        "retryable": error.retryable and not error.fields.get("done"),
    }
    body |= {name: value for name, value in error.fields.items() if name not in _RESERVED}
    if errors:
        body["errors"] = list(errors)
    headers = {}
    if isinstance(error, CapacityError):
        body["retry_after_s"] = error.retry_after_s
        headers["retry-after"] = str(error.retry_after_s)
    if isinstance(error, RangeError) and "size" in error.fields:
        headers["content-range"] = f"bytes */{error.fields['size']}"  # RFC 9110, section 14.4
    if isinstance(error, UnauthenticatedError):
        headers["www-authenticate"] = "Bearer"
    return Problem(error.http_status, body, headers)


def install(app: FastAPI) -> None:
    """Answer every error of routes and routing with a problem."""
    app.add_exception_handler(ClocheError, _on_cloche_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


class ProblemMiddleware:
    """Around everything else: errors of other middleware, and those no one foresaw, which are logged and not told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClocheError as error:
            if started:
                raise
            await _respond(problem_of(error))(scope, receive, send)
        except Exception as error:  # the top of a request
            _log.error("request_failed", path=scope["path"], exc_info=error)
            if started:
                raise
            await _respond(problem_of(InternalError(INTERNAL_DETAIL)))(scope, receive, send)


INTERNAL_DETAIL: Final = "something went wrong on the server; its log tells more"


def _respond(problem: Problem) -> Response:
    return Response(problem.encode(), problem.status, dict(problem.headers), MEDIA_TYPE)


async def _on_cloche_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ClocheError)
    return _respond(problem_of(error))


async def _on_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(str(part) for part in item["loc"][1:]), "in": str(item["loc"][0]), "message": item["msg"]}
        for item in error.errors()[:MAX_FIELD_ERRORS]
    ]
    first = errors[0]
    detail = f"{first['field'] or first['in']}: {first['message']}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return _respond(problem_of(InvalidError(detail[:500] + more, field=first["field"] or None), errors))


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    """What the framework itself raises: no route, a method the route does not have, a broken body."""
    assert isinstance(error, HTTPException)
    known = {404: NotFoundError("there is nothing at this path"), 413: TooLargeError("the body is too large")}
    cloche_error = known.get(error.status_code) or InvalidError("this method is not allowed here")
    if error.status_code not in {*known, HTTPStatus.METHOD_NOT_ALLOWED}:
        cloche_error = InvalidError("the request could not be read")
    problem = problem_of(cloche_error)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        body = {**problem.body, "status": 405, "code": "method_not_allowed", "title": "Method not allowed"}
        body["type"] = "urn:cloche:problem:method_not_allowed"
        problem = Problem(405, body, dict(error.headers or {}))
    return _respond(problem)
