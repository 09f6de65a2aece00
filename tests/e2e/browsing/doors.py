"""Both doors of the browser service behind one verb, so that a case is written once and answered alike."""

import asyncio
import base64
import dataclasses
import math
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

from cloche.browser.contract.use_cases import USE_CASES, UseCase
from cloche.testing.daemon import DaemonProcess

Json = dict[str, Any]

CASES: Final = {case.rpc: case for case in USE_CASES}
LONGEST_CALL_S: Final = 60.0


class Refused(Exception):
    """The call as a whole was refused: it is malformed, or not for this caller. `why` is the same at both doors."""

    def __init__(self, why: str, told: object) -> None:
        super().__init__(f"{why}: {told}")
        self.why = why
        self.told = str(told)


class Door(Protocol):
    name: str

    async def perform(self, session_id: str, rpc: str, /, *, api_key: str | None = None, **fields: Any) -> Json:
        """Call one use case; return its response with bytes as bytes. Raises Refused."""
        ...


class RestDoor:
    name = "rest"

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon = daemon

    async def perform(self, session_id: str, rpc: str, /, *, api_key: str | None = None, **fields: Any) -> Json:
        case = CASES[rpc]
        path, body = f"/v1/sessions/{session_id}{case.path}", None
        if case.verb == "GET":
            path += f"?{urlencode(_query(fields), doseq=True)}"
        else:
            body = _plain(fields)
        headers = {"accept": "application/json"}
        answer = await self._daemon.request(
            case.verb, path, body, key=api_key, headers=headers, timeout_s=LONGEST_CALL_S
        )
        if answer.status != 200:
            raise Refused(_WHY_OF_HTTP.get(answer.status, str(answer.status)), answer.body[:500])
        return _with_bytes(answer.json, case)


class GrpcDoor:
    """Made from the service's descriptor, as any client in any language is. Owns its channel."""

    name = "grpc"

    def __init__(self, daemon: DaemonProcess) -> None:
        from cloche.api.grpc.generated import browser_pb2

        self._key = daemon.key
        self._service = browser_pb2.DESCRIPTOR.services_by_name["BrowserService"]
        # The environment's proxy is not for loopback; the answers hold pictures.
        options = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", 64 << 20)]
        self._channel = grpc.insecure_channel(daemon.grpc_address, options)
        # Now, and not within a test that would seem to leave the connection behind.
        grpc.channel_ready_future(self._channel).result(timeout=10)

    async def perform(self, session_id: str, rpc: str, /, *, api_key: str | None = None, **fields: Any) -> Json:
        method = self._service.methods_by_name[rpc]
        call = self._channel.unary_unary(
            f"/{self._service.full_name}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        request = message_factory.GetMessageClass(method.input_type)()
        try:
            json_format.ParseDict(_plain({"session_id": {"ulid": session_id}, **fields}, named_numbers=True), request)
        except json_format.ParseError as error:
            # Not even the message can hold it.
            raise Refused("invalid", error) from None
        token = self._key if api_key is None else api_key
        metadata = [("authorization", f"Bearer {token}")] if token else []
        try:
            answer = await asyncio.to_thread(call, request, timeout=LONGEST_CALL_S, metadata=metadata)
        except grpc.RpcError as error:
            assert isinstance(error, grpc.Call)
            raise Refused(_WHY_OF_GRPC.get(error.code(), error.code().name), error.details()) from None
        return _fields_of(answer)

    def close(self) -> None:
        self._channel.close()


_WHY_OF_HTTP: Final = {
    400: "invalid", 401: "unauthenticated", 403: "denied", 404: "not_found", 409: "conflict", 410: "gone",
    413: "too_large", 422: "invalid", 429: "busy", 503: "unavailable", 504: "deadline",
}  # fmt: skip
_WHY_OF_GRPC: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: "invalid",
    grpc.StatusCode.UNAUTHENTICATED: "unauthenticated",
    grpc.StatusCode.PERMISSION_DENIED: "denied",
    grpc.StatusCode.NOT_FOUND: "not_found",
    grpc.StatusCode.FAILED_PRECONDITION: "gone",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "busy",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline",
}


def _plain(value: Any, *, named_numbers: bool = False) -> Any:
    """As JSON holds it: bytes in base64; with `named_numbers`, NaN and infinities as the JSON of messages has them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _plain(one, named_numbers=named_numbers) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_plain(one, named_numbers=named_numbers) for one in value]
    if named_numbers and isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _query(fields: Json) -> dict[str, Any]:
    """A query: lists repeat their name, the parts of a box stand as `clip_x`."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{part}": one for part, one in value.items()}
        elif value is not None:
            flat[name] = str(value).lower() if isinstance(value, bool) else value
    return flat


def _with_bytes(answer: Json, case: UseCase) -> Json:
    for field in dataclasses.fields(case.response):
        if field.type is bytes:
            answer[field.name] = base64.b64decode(answer.get(field.name, ""), altchars=b"-_", validate=True)
    return answer


def _fields_of(message: Message) -> Json:
    """A message as REST's JSON has it, but with its bytes as they are."""
    found: Json = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.name == "v":
            assert value == 1, "every message says which version it is of"
            continue
        if field.message_type is not None and field.message_type.name == "CanonicalId":
            found[field.name] = f"ses_{value.ulid}"
        elif field.is_repeated:
            found[field.name] = [_fields_of(one) if isinstance(one, Message) else one for one in value]
        elif field.has_presence and not message.HasField(field.name):
            found[field.name] = None
        else:
            found[field.name] = _fields_of(value) if isinstance(value, Message) else value
    return found
