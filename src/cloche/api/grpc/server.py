"""Serve gRPC on a listener, inside the daemon's own loop."""

from typing import Final

from grpc_health.v1.health_pb2 import DESCRIPTOR as HEALTH
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_reflection.v1alpha.reflection import SERVICE_NAME as REFLECTION
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

from cloche.api.deps import ApiDeps
from cloche.api.grpc.door import Door
from cloche.api.grpc.keyless import BoundedHealth, BoundedReflection
from cloche.api.grpc.listener import GrpcListener
from cloche.api.grpc.observe import GrpcMetrics
from cloche.api.grpc.service import SERVICE, service_handler

GRACE_S: Final = 8
"""How long calls under way may take to end when the server stops; then they are cut off. As for HTTP."""
OVERALL: Final = ""
"""The name under which the health service tells of the server as a whole."""


class GrpcServer:
    """Serves `BrowserService`, its health and its description. An async context manager: inside it the server answers.

    Leaving it takes no more calls and waits at most `GRACE_S` for those under way. `drain` comes before: whoever asks
    for its health is told to go elsewhere.
    """

    def __init__(self, deps: ApiDeps, listener: GrpcListener) -> None:
        self._server = listener.server
        self._health = BoundedHealth()
        door = Door(deps.credentials(), GrpcMetrics(deps.registry), deps.auth_failures("grpc"))
        handler = service_handler(door, deps)
        self._server.add_generic_rpc_handlers((handler, self._health.handler()))
        names = (SERVICE.full_name, HEALTH.services_by_name["Health"].full_name, REFLECTION)
        add_ServerReflectionServicer_to_server(BoundedReflection(names), self._server)

    async def __aenter__(self) -> "GrpcServer":
        for name in (OVERALL, SERVICE.full_name):
            await self._health.set(name, HealthCheckResponse.SERVING)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drain()
        await self._server.stop(GRACE_S)

    async def drain(self) -> None:
        """Say NOT_SERVING from now on. Calls are still answered."""
        await self._health.enter_graceful_shutdown()
