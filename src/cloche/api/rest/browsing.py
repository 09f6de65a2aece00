"""`…/{id}/navigate`, `…/click`, `…/observe` and the rest of the browser service: one route for each row of its table.

These are plain routes, not FastAPI's: an action is often a matter of a few milliseconds, and what FastAPI does for each
request (dependencies in threads, a body parsed and an answer validated twice) adds to them. `browsing_openapi`
describes them.
"""

import asyncio
import base64
import json
from binascii import b2a_base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from cloche.api.deps import caller_of, deps_of
from cloche.api.limits import OFF_THE_LOOP_BYTES
from cloche.api.relay import RelayActionRequest, RelayActionResponse, relay
from cloche.api.rest.agent import CLIENT_GONE
from cloche.api.rest.browsing_requests import Reader, Taken
from cloche.api.while_connected import while_connected
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.browser.contract.looking import ExportPdfResponse, ScreenshotResponse
from cloche.browser.contract.use_cases import USE_CASES
from cloche.ids import parse_session_id
from cloche.sessions.interface import SessionBrowser
from cloche.sessions.principal import Principal

PREFIX: Final = "/v1/sessions/{session_id}"
JSON_TYPE: Final = "application/json"
FAILED_STATUS: Final = 422
"""Of an answer that should have been bytes, where there are none."""
RAW_TYPES: Final[dict[type, tuple[str, ...]]] = {
    ScreenshotResponse: ("image/png", "image/jpeg", "image/webp"),
    ExportPdfResponse: ("application/pdf",),
}
"""What can be had as bytes instead of JSON, by `Accept`."""

BYTES_OF: Final[dict[type, str]] = {ScreenshotResponse: "image_bytes", ExportPdfResponse: "pdf_bytes"}
PIECE_BYTES: Final = 3 << 18
"""A multiple of three, so that the pieces' base64 is that of the whole."""

Answer = BrowserResponse | RelayActionResponse
Perform = Callable[[SessionBrowser, Principal, Any], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `request` and `response` are dataclasses; `perform` takes the one and answers the other."""

    name: str
    verb: str
    path: str
    request: type
    response: type
    perform: Perform


async def _perform(browser: SessionBrowser, caller: Principal, asked: BrowserRequest) -> Answer:
    return await browser.perform(caller, asked)


OPERATIONS: Final = (
    *(Operation(case.method, case.verb, case.path, case.request, case.response, _perform) for case in USE_CASES),
    Operation("relay", "POST", "/relay", RelayActionRequest, RelayActionResponse, relay),
)


class _Route(Route):
    """Says which route it is, as FastAPI's do: the metrics count by it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.NONE:
            child["route"] = self
        return match, child


def _endpoint(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    reader = Reader(operation.request, takes_body=operation.verb == "POST")
    raw_types = RAW_TYPES.get(operation.response, ())

    async def endpoint(request: Request) -> Response:
        deps = deps_of(request)
        caller = await caller_of(request)
        session_id = parse_session_id(request.path_params["session_id"])
        asked = await reader.read(request)
        browser = await deps.manager.browser(caller, session_id)
        answer = await while_connected(request, _run(operation, browser, caller, asked))
        if answer is None:
            return Response(status_code=CLIENT_GONE)
        if raw_types and wants_raw(request.headers, raw_types):
            return _raw(answer)
        return Response(await encoded(answer), media_type=JSON_TYPE, headers=_VARY if raw_types else None)

    return endpoint


async def _run(operation: Operation, browser: SessionBrowser, caller: Principal, asked: Taken) -> Answer:
    return await operation.perform(browser, caller, asked)


async def encoded(answer: Answer) -> bytes:
    """As `encode`; a picture or print in a thread and in pieces, since one of 32 MiB would hold the loop for 60 ms."""
    name = BYTES_OF.get(type(answer))
    data: bytes = getattr(answer, name) if name else b""
    if name is None or len(data) < OFF_THE_LOOP_BYTES:
        return encode(answer)
    return await asyncio.to_thread(_encode_large, answer, name, data)


def _encode_large(answer: Answer, name: str, data: bytes) -> bytes:
    empty: dict[str, Any] = {name: b""}
    head, field, tail = encode(replace(answer, **empty)).partition(f'"{name}":"'.encode())
    pieces = (b2a_base64(data[at : at + PIECE_BYTES], newline=False) for at in range(0, len(data), PIECE_BYTES))
    return b"".join((head, field, *pieces, tail))


def encode(answer: object) -> bytes:
    """A dataclass as JSON, its bytes as base64 (RFC 4648, section 4)."""
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:  # half a surrogate pair, which JavaScript's strings may hold and UTF-8 may not
        assert not isinstance(answer, type)
        text = json.dumps(asdict(answer), default=_base64, ensure_ascii=False, separators=(",", ":"))  # type: ignore[call-overload]
        return str(text).encode(errors="replace")


def wants_raw(headers: Headers, types: Sequence[str]) -> bool:
    """Whether `Accept` (RFC 9110, section 12.5.1) names one of `types` and does not like JSON at least as much."""
    raw, plain = 0.0, 0.0
    for item in headers.get("accept", "").split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name in types or (name == "image/*" and types[0].startswith("image/")):
            raw = max(raw, _quality(parameters))
        elif name == JSON_TYPE:
            plain = max(plain, _quality(parameters))
    return raw > plain


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _raw(answer: Answer) -> Response:
    if answer.success and isinstance(answer, ScreenshotResponse | ExportPdfResponse):
        data = answer.image_bytes if isinstance(answer, ScreenshotResponse) else answer.pdf_bytes
        types = RAW_TYPES[type(answer)]
        # Only what the service itself makes is told to be something to show.
        type_ = answer.mime_type if answer.mime_type in types else "application/octet-stream"
        return Response(data, media_type=type_, headers=_VARY | {"content-disposition": _DISPOSITIONS[type(answer)]})
    return Response(encode(answer), FAILED_STATUS, media_type=JSON_TYPE, headers=_VARY)


def _base64(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()


_VARY: Final = {"vary": "accept"}
_DISPOSITIONS: Final = {
    ScreenshotResponse: "inline",
    # A printed page may hold scripts and forms: something to keep, not for this origin to show.
    ExportPdfResponse: 'attachment; filename="page.pdf"',
}

ROUTES: Final[tuple[BaseRoute, ...]] = tuple(
    _Route(PREFIX + each.path, _endpoint(each), methods=[each.verb], name=each.name) for each in OPERATIONS
)


def alias(name: str, path: str) -> BaseRoute:
    """The route of the operation `name`, at a second path."""
    (route,) = (each for each in ROUTES if isinstance(each, _Route) and each.name == name)
    return _Route(path, route.endpoint, methods=list(route.methods or ()), name=name)
