"""The gRPC door on a real port, before the session manager in memory of `testing.api`, and a client for it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from prometheus_client import CollectorRegistry

from cloche.api.deps import ApiDeps
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.listener import GrpcTls, grpc_listener
from cloche.api.grpc.server import GrpcServer
from cloche.api.grpc.service import SERVICE
from cloche.testing.api import TOKEN_SECRET, RunningApi, running_api

MAX_BYTES: Final = 128 << 20
"""More than the server takes, so that its limit is met and not the client's own."""
CHANNEL_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.max_send_message_length", MAX_BYTES),
    ("grpc.use_local_subchannel_pool", 1),
)


class GrpcClient:
    """Calls the service's RPCs by name, with one key."""

    def __init__(self, channel: grpc.aio.Channel, key: str | None = None) -> None:
        self.channel = channel
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()

    def start(
        self,
        rpc: str,
        request: Message | bytes | None = None,
        *,
        timeout_s: float = 5.0,
        metadata: Sequence[tuple[str, str]] = (),
    ) -> Any:
        """Begin a call, to be awaited or cancelled. Without a request, an empty one; bytes go out as they are."""
        method = SERVICE.methods_by_name[rpc]
        data = request if isinstance(request, bytes) else (request or GetMessageClass(method.input_type)())
        multicallable = self.channel.unary_unary(
            f"/{SERVICE.full_name}/{rpc}",
            request_serializer=lambda item: item if isinstance(item, bytes) else item.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return multicallable(data, timeout=timeout_s, metadata=(*self._metadata, *metadata))

    async def call(self, rpc: str, request: Message | bytes | None = None, **options: Any) -> Any:
        """Call and return the answer. Raises: grpc.aio.AioRpcError."""
        return await self.start(rpc, request, **options)

    async def fails(self, rpc: str, request: Message | bytes | None = None, **options: Any) -> "Failed":
        """Call what must fail; how it did."""
        try:
            answer = await self.start(rpc, request, **options)
        except grpc.aio.AioRpcError as error:
            metadata = {key: value for key, value in error.trailing_metadata() if isinstance(value, str)}
            return Failed(error.code().name, error.details() or "", metadata)
        raise AssertionError(f"{rpc} succeeded: {answer}")

    async def session(self, **fields: Any) -> pb.CanonicalId:
        """Make a session; its id."""
        made: pb.CreateSessionResponse = await self.call("CreateSession", pb.CreateSessionRequest(**fields))
        return made.session_id


@dataclass(frozen=True, slots=True)
class Failed:
    code: str
    detail: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningGrpc:
    """A served gRPC door; `api` has its manager, its keys, and REST beside it."""

    api: RunningApi
    address: str
    server: GrpcServer
    deps: ApiDeps

    @asynccontextmanager
    async def client(
        self, key: str | None = None, credentials: grpc.ChannelCredentials | None = None
    ) -> AsyncGenerator[GrpcClient]:
        """A client on a connection of its own, in plain text unless there are channel credentials."""
        if credentials is None:
            channel = grpc.aio.insecure_channel(self.address, options=CHANNEL_OPTIONS)
        else:
            channel = grpc.aio.secure_channel(self.address, credentials, options=CHANNEL_OPTIONS)
        async with channel:
            yield GrpcClient(channel, key)


@contextmanager
def core_is_awake() -> Iterator[None]:
    """Keep gRPC's core in use: it holds descriptors of its own while it is, which no test leaks by using it first."""

    async def wake() -> None:
        grpc.aio.init_grpc_aio()  # wants a running loop, and keeps nothing of it

    asyncio.run(wake())
    try:
        yield
    finally:
        grpc.aio.shutdown_grpc_aio()


@asynccontextmanager
async def running_grpc(tls: GrpcTls | None = None) -> AsyncGenerator[RunningGrpc]:
    """Serve on a free port of 127.0.0.1."""
    async with running_api() as api:
        deps = ApiDeps(
            manager=api.manager,
            keys=api.keys,
            token_secret=TOKEN_SECRET,
            clock=api.clock,
            registry=CollectorRegistry(),
            profiles=api.profiles,
            artifacts=api.artifacts,
        )
        async with grpc_listener("127.0.0.1", 0, tls) as listener, GrpcServer(deps, listener) as server:
            yield RunningGrpc(api=api, address=listener.address, server=server, deps=deps)
