"""The RPCs about a session's browser: one for each row of the table of use cases, and the relay."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from cloche.api.deps import ApiDeps
from cloche.api.grpc.artifacts import ArtifactRpcs
from cloche.api.grpc.convert import Reader, Writer
from cloche.api.grpc.door import Asked, Door, Work
from cloche.api.grpc.generated.browser_pb2 import DESCRIPTOR, RelayActionResponse
from cloche.api.grpc.profiles import ProfileRpcs
from cloche.api.grpc.sessions import SessionRpcs
from cloche.api.relay import RelayActionRequest, relay
from cloche.api.relay import RelayActionResponse as RelayActionAnswer
from cloche.browser.contract.common import MAX_TIMEOUT_MS, BrowserRequest, BrowserResponse
from cloche.browser.contract.use_cases import USE_CASES, UseCase
from cloche.sessions.interface import SessionManager

SERVICE: Final = DESCRIPTOR.services_by_name["BrowserService"]
ANSWERING_S: Final = 0.1
"""What is kept back of a call's deadline, so that the answer which says that time is up still arrives."""

LISTS: Final = frozenset(
    {
        "ActionLog",
        "ConsoleLog",
        "GetCookies",
        "GetStorageState",
        "InspectSession",
        "NetworkLog",
        "SetCookies",
        "SetStorageState",
    }
)
"""RPCs whose messages may hold thousands of others, which take tenths of a second to convert: in a thread."""

R = TypeVar("R", bound=BrowserRequest)


def service_handler(door: Door, deps: ApiDeps) -> grpc.GenericRpcHandler:
    """The whole service, as it is registered with a server."""
    sessions, artifacts = SessionRpcs(deps), ArtifactRpcs(deps)
    works = dict(browser_works(deps.manager)) | sessions.works() | ProfileRpcs(deps).works() | artifacts.works()
    works["InspectSession"] = sessions.with_summary(works["InspectSession"])
    for rpc in ("Click", "ExportPdf"):
        works[rpc] = artifacts.with_artifact(works[rpc])
    methods = {method.name: GetMessageClass(method.input_type) for method in SERVICE.methods}
    assert set(works) == set(methods), f"the proto and the table differ in {set(works) ^ set(methods)}"
    handlers = {rpc: door.handler(rpc, request, works[rpc]) for rpc, request in methods.items()}
    return grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)


def browser_works(manager: SessionManager) -> Iterator[tuple[str, Work]]:
    for case in USE_CASES:
        yield case.rpc, _use_case(manager, case)
    yield "RelayAction", _relay(manager)


def _use_case(manager: SessionManager, case: UseCase) -> Work:
    answer: type[Message] = GetMessageClass(SERVICE.methods_by_name[case.rpc].output_type)
    reader, writer = Reader(case.request), Writer(case.response, answer)

    async def perform(asked: Asked, request: BrowserRequest) -> BrowserResponse:
        browser = await manager.browser(asked.principal, asked.session_id)
        return await browser.perform(asked.principal, within_deadline(request, asked.remaining_s))

    async def work(asked: Asked) -> Message:
        return writer.write(await perform(asked, reader.read(asked.message)))

    async def work_on_lists(asked: Asked) -> Message:
        request = await asyncio.to_thread(reader.read, asked.message)
        return await asyncio.to_thread(writer.write, await perform(asked, request))

    return work_on_lists if case.rpc in LISTS else work


def _relay(manager: SessionManager) -> Work:
    reader, writer = Reader(RelayActionRequest), Writer(RelayActionAnswer, RelayActionResponse)

    async def work(asked: Asked) -> Message:
        action = reader.read(asked.message)
        browser = await manager.browser(asked.principal, asked.session_id)
        return writer.write(await relay(browser, asked.principal, action))

    return work


def within_deadline(request: R, remaining_s: float | None) -> R:
    """Let a request that can be told its time end a little before its caller stops waiting."""
    asked_ms = getattr(request, "timeout_ms", None)
    if remaining_s is None or asked_ms is None:
        return request
    remaining_ms = max(int((remaining_s - ANSWERING_S) * 1000), 1)
    changed: dict[str, Any] = {"timeout_ms": min(asked_ms or MAX_TIMEOUT_MS, remaining_ms)}
    return replace(request, **changed)
