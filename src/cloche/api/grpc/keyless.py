"""The two services that need no key, health and reflection: few of their streams at once.

They are streams that a client may hold open for as long as it likes. Whoever can reach the port could take every place
that the server has for calls with them, and lock out all who have a key.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_reflection.v1alpha import reflection

from cloche.api.grpc.status import status_of
from cloche.errors import BusyError

MAX_STREAMS: Final = 32
"""Of each kind, over all connections."""


class Places:
    """A number of places, each for as long as a block."""

    def __init__(self, most: int) -> None:
        self._left = most

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take a place. Raises: BusyError."""
        if not self._left:
            raise BusyError("too many open streams of this kind")
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1


class BoundedHealth(health.aio.HealthServicer):  # type: ignore[misc]
    """The standard health service; `Check` is over at once and needs no bound."""

    def __init__(self) -> None:
        super().__init__()
        self._places = Places(MAX_STREAMS)

    async def Watch(self, request: HealthCheckRequest, context: Any) -> None:
        try:
            with self._places.one():
                await super().Watch(request, context)
        except BusyError as error:
            await _refuse(error, context)


class BoundedReflection(reflection.aio.ReflectionServicer):  # type: ignore[misc]
    """Server reflection."""

    def __init__(self, services: tuple[str, ...]) -> None:
        super().__init__(services)
        self._places = Places(MAX_STREAMS)

    async def ServerReflectionInfo(self, requests: AsyncIterator[Message], context: Any) -> AsyncIterator[Message]:
        try:
            with self._places.one():
                async for answer in super().ServerReflectionInfo(requests, context):
                    yield answer
        except BusyError as error:
            await _refuse(error, context)


async def _refuse(error: BusyError, context: "grpc.aio.ServicerContext[Message, Message]") -> None:
    status = status_of(error)
    await context.abort(status.code, status.detail, tuple(status.metadata.items()))
