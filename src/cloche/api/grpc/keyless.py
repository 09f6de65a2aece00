"""The two services that need no key, health and reflection: few of their calls at once.

Their streams may be held open for as long as a client likes: whoever can reach the port could take every place that
the server has for calls with them, and lock out all who have a key. And what they ask may be as large as any message,
since gRPC has one limit for all: twenty health checks that named 60 MiB took 2 GiB of memory.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import DESCRIPTOR, HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha import reflection

from cloche.api.grpc.door import parse, received
from cloche.api.grpc.status import status_of
from cloche.errors import BusyError, ClocheError, TooLargeError

MAX_WATCHERS: Final = 32
"""Over all connections, as what follows."""
MAX_REFLECTIONS: Final = 4
"""Each may hold a message as large as there can be."""
MAX_QUESTIONS: Final = 64
"""About health, that are not answered yet."""
MAX_ARRIVING: Final = 2
"""Of these, on their way in; the others wait. They are a few bytes and arrive at once."""
ARRIVAL_TIMEOUT_S = 2.0
"""For both together."""
MAX_QUESTION_BYTES: Final = 1024


class Places:
    """A number of places, each for as long as a block."""

    def __init__(self, most: int) -> None:
        self._left = most

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take a place. Raises: BusyError."""
        if not self._left:
            raise BusyError("too many calls of this kind")
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1


class BoundedHealth(health.aio.HealthServicer):  # type: ignore[misc]
    """The standard health service.

    Its calls are streams to gRPC's server, which looks the same on the wire: of any other it would take in the message
    before we are asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self._questions = Places(MAX_QUESTIONS)
        self._arriving = asyncio.Semaphore(MAX_ARRIVING)
        self._watchers = Places(MAX_WATCHERS)

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, as it is registered with a server."""
        write = HealthCheckResponse.SerializeToString
        handlers = {
            "Check": grpc.stream_unary_rpc_method_handler(self._check, response_serializer=write),
            "Watch": grpc.stream_stream_rpc_method_handler(self._watch, response_serializer=write),
        }
        return grpc.method_handlers_generic_handler(DESCRIPTOR.services_by_name["Health"].full_name, handlers)

    async def _check(self, requests: AsyncIterator[bytes], context: Any) -> Message | None:
        try:
            question = await self._question(requests)
        except ClocheError as error:
            await _refuse(error, context)
            return None
        answer: Message = await self.Check(question, context)
        return answer

    async def _watch(self, requests: AsyncIterator[bytes], context: Any) -> None:
        try:
            with self._watchers.one():
                question = await self._question(requests)
                await self.Watch(question, context)
        except ClocheError as error:
            await _refuse(error, context)

    async def _question(self, requests: AsyncIterator[bytes]) -> Message:
        """Raises: BusyError, InvalidError, TooLargeError."""
        with self._questions.one():
            data = await received(requests, ARRIVAL_TIMEOUT_S, turn=self._arriving)
        if len(data) > MAX_QUESTION_BYTES:
            del data  # else what is raised holds it, for as long as gRPC holds that
            raise TooLargeError(f"a question about health may have {MAX_QUESTION_BYTES} bytes")
        return parse(HealthCheckRequest, data)


class BoundedReflection(reflection.aio.ReflectionServicer):  # type: ignore[misc]
    """Server reflection."""

    def __init__(self, services: tuple[str, ...]) -> None:
        super().__init__(services)
        self._places = Places(MAX_REFLECTIONS)

    async def ServerReflectionInfo(self, requests: AsyncIterator[Message], context: Any) -> AsyncIterator[Message]:
        try:
            with self._places.one():
                async for answer in super().ServerReflectionInfo(requests, context):
                    yield answer
        except BusyError as error:
            await _refuse(error, context)


async def _refuse(error: ClocheError, context: "grpc.aio.ServicerContext[Message, Message]") -> None:
    status = status_of(error)
    await context.abort(status.code, status.detail, tuple(status.metadata.items()))
