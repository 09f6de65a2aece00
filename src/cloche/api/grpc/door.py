"""One call on its way: who asks, is it well-formed, do it, and what did it fail of. The same for every RPC."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from structlog.contextvars import bound_contextvars
from ulid import ULID

from cloche.api.auth.credentials import Credentials
from cloche.api.auth.failures import AuthFailures, address_of_peer, denied
from cloche.api.grpc.convert import VERSION, asked_id
from cloche.api.grpc.counting import require_few_values
from cloche.api.grpc.observe import GrpcMetrics
from cloche.api.grpc.status import INTERNAL, Status, status_of
from cloche.api.limits import LARGE_BODY_TIMEOUT_S, MAX_LARGE_VALUES, OFF_THE_LOOP_BYTES
from cloche.errors import ClocheError, DeniedError, InvalidError, TooLargeError, UnauthenticatedError
from cloche.ids import SessionId, parse_session_id
from cloche.sessions.principal import Principal

MAX_REQUEST_BYTES: Final = 65 << 20
"""Of one message. Files of 64 MiB fit in, which is the most that an operator allows unless told otherwise."""
MAX_ANSWER_BYTES: Final = 130 << 20
"""Of one message. Likewise for a PDF of 128 MiB."""
MESSAGE_TIMEOUT_S = LARGE_BODY_TIMEOUT_S
"""From the key to the end of the message. Who begins calls and sends nothing would keep others from theirs."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that may be carried out: by whom, what, and how long its caller waits (None: as long as it takes)."""

    principal: Principal
    message: Any  # of the RPC's request type; the generated classes have no common face for their fields
    remaining_s: float | None = None

    @property
    def session_id(self) -> SessionId:
        """The session that the request names. Raises: InvalidError."""
        return asked_id(self.message, "session_id", parse_session_id)


Context: TypeAlias = grpc.aio.ServicerContext[bytes, bytes]
Work = Callable[[Asked], Awaitable[Message]]


class Door:
    """Makes handlers of RPCs. What they raise becomes a status; what no one foresaw is logged and not told.

    A call that its client gives up, or whose deadline has passed, is cancelled by the gRPC server.
    """

    def __init__(self, credentials: Credentials, metrics: GrpcMetrics, failures: AuthFailures | None = None) -> None:
        self._credentials = credentials
        self._failures = failures
        self._metrics = metrics

    def handler(self, rpc: str, request: type[Message], work: Work) -> grpc.RpcMethodHandler:
        """Bytes come in and go out, so that what cannot be read is ours to answer.

        To gRPC's server the request is a stream, which looks the same on the wire: of a unary one it would take in all
        of the message before we are asked, also from who has no key.
        """

        async def answer(requests: AsyncIterator[bytes], context: Context) -> bytes:
            begun, code, request_id = time.perf_counter(), "CANCELLED", str(ULID())
            with bound_contextvars(request=request_id):
                try:
                    outcome = await self._attempt(request, work, requests, context)
                    code = outcome.code.name if isinstance(outcome, Status) else "OK"
                finally:
                    self._metrics.note(rpc, code, time.perf_counter() - begun)
            metadata = {"x-request-id": request_id}
            if isinstance(outcome, Status):
                await context.abort(outcome.code, outcome.detail, tuple({**metadata, **outcome.metadata}.items()))
            assert isinstance(outcome, bytes), "abort raises"
            context.set_trailing_metadata(tuple(metadata.items()))
            return outcome

        return grpc.stream_unary_rpc_method_handler(answer)

    async def _attempt(
        self, request: type[Message], work: Work, requests: AsyncIterator[bytes], context: Context
    ) -> bytes | Status:
        principal: Principal | None = None
        try:
            principal = await self._credentials.principal(headers_of(context))
            message = await parsed(request, await received(requests, MESSAGE_TIMEOUT_S))
            require_own_name(message, principal)
            answer = (await work(Asked(principal, message, context.time_remaining()))).SerializeToString()
            if len(answer) > MAX_ANSWER_BYTES:
                raise TooLargeError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes; ask for less with max_bytes")
            return answer
        except ClocheError as error:
            if self._failures is not None and isinstance(error, UnauthenticatedError):
                self._failures.note(address_of_peer(context.peer()))
            if self._failures is not None and principal is not None and isinstance(error, DeniedError):
                self._failures.journal.note(denied(principal.name, request.DESCRIPTOR.name.removesuffix("Request")))
            return status_of(error)
        except Exception as error:  # noqa: BLE001  # the top of a call
            _log.error("grpc_call_failed", request_type=request.DESCRIPTOR.name, exc_info=error)
            return status_of(INTERNAL)


def headers_of(context: Context) -> Mapping[str, str]:
    """Metadata as header fields; keys are lower case on the wire already. Of one that comes twice the first counts."""
    pairs = reversed(context.invocation_metadata() or ())
    return {key: value for key, value in pairs if isinstance(value, str)}


async def received(
    requests: AsyncIterator[bytes], timeout_s: float, turn: AbstractAsyncContextManager[object] | None = None
) -> bytes:
    """Take in a call's one message, once it is its turn.

    Raises: InvalidError when all that takes too long, or there is more than one.
    """
    try:
        async with asyncio.timeout(timeout_s), turn or nullcontext():
            data = await anext(requests, b"")
            # Until it is asked for the next, gRPC holds on to a message, in a circle that outlasts the call by far.
            if len(data) >= OFF_THE_LOOP_BYTES and await anext(requests, None) is not None:
                raise InvalidError("a call has one message")
            return data
    except TimeoutError:
        raise InvalidError("the request did not arrive in time") from None


async def parsed(kind: type[Message], data: bytes) -> Message:
    """As `parse`, a large message in a thread. Raises: InvalidError, TooLargeError (too many values)."""
    if len(data) < OFF_THE_LOOP_BYTES:
        return parse(kind, data)
    await asyncio.to_thread(require_few_values, data, kind, MAX_LARGE_VALUES)
    return await asyncio.to_thread(parse, kind, data)


def parse(kind: type[Message], data: bytes) -> Message:
    """Parse a request. Raises: InvalidError for what is no such message, or one of a version that is not known."""
    try:
        message = kind.FromString(data)
    except DecodeError:
        raise InvalidError("the request could not be read as a message of its type") from None
    if getattr(message, "v", 0) not in (0, VERSION):
        raise InvalidError(f"v: this server speaks version {VERSION}", field="v")
    return message


def require_own_name(message: Message, principal: Principal) -> None:
    """A principal in a body never says who asks; it may only repeat it. Raises: DeniedError."""
    if getattr(message, "principal", "") not in ("", principal.name):
        raise DeniedError("`principal` is not who the key belongs to", field="principal")
