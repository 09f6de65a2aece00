"""Reflection, the standard health service, TLS, and the end."""

import asyncio
from typing import Any

import grpc
import pytest
import trustme
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.listener import GrpcTls
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.concurrency.tasks import spawn
from cloche.sessions.principal import Principal
from cloche.testing.browser import FakeSessionBrowser
from cloche.testing.grpc import GrpcClient, RunningGrpc, running_grpc

SERVICE = "cloche.browser.v1.BrowserService"


async def reflect(client: GrpcClient, **question: str) -> Any:
    call = ServerReflectionStub(client.channel).ServerReflectionInfo(iter([ServerReflectionRequest(**question)]))
    answers = [answer async for answer in call]
    return answers[0]


async def test_the_server_describes_itself(door: RunningGrpc) -> None:
    async with door.client() as client:
        listed = await reflect(client, list_services="")
        names = {service.name for service in listed.list_services_response.service}
        assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}

        found = await reflect(client, file_containing_symbol=SERVICE)
        file = FileDescriptorProto.FromString(found.file_descriptor_response.file_descriptor_proto[0])
        assert (file.package, file.service[0].name) == ("cloche.browser.v1", "BrowserService")
        assert {"Navigate", "Click", "RelayAction"} <= {method.name for method in file.service[0].method}


async def test_its_health_needs_no_key_and_turns_before_it_stops(door: RunningGrpc) -> None:
    async with door.client() as client, door.client(door.api.user_key) as alice:
        stub = HealthStub(client.channel)
        for name in ("", SERVICE):
            assert (await stub.Check(HealthCheckRequest(service=name))).status == HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(HealthCheckRequest(service="other"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND

        watched = stub.Watch(HealthCheckRequest(service=SERVICE))
        assert (await watched.read()).status == HealthCheckResponse.SERVING
        await door.server.drain()
        async with asyncio.timeout(5):
            assert (await watched.read()).status == HealthCheckResponse.NOT_SERVING
        assert (await stub.Check(HealthCheckRequest(service=""))).status == HealthCheckResponse.NOT_SERVING
        assert (await alice.call("Health")).status == "ok"
        watched.cancel()


class Patient(FakeSessionBrowser):
    """Answers once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def perform(self, principal: Principal, request: BrowserRequest) -> BrowserResponse:
        self.begun.set()
        await self.may_answer.wait()
        return await super().perform(principal, request)


async def test_a_call_under_way_is_answered_while_the_server_ends_and_no_other_is_taken() -> None:
    async with running_grpc() as running, running.client(running.api.user_key) as client, asyncio.timeout(5):
        running.api.manager.session_browser = browser = Patient()
        call = client.start("GetTitle", pb.GetTitleRequest(session_id=await client.session()))
        await browser.begun.wait()
        ending = spawn(running.server.__aexit__(), name="ending")
        async with running.client(running.api.user_key) as late:
            while (await late.fails("GetTitle")).code != "UNAVAILABLE":
                pass  # it has not begun to end yet: such a request is malformed
        assert not ending.done()
        browser.may_answer.set()
        assert (await call).success
        await ending


async def test_tls_is_spoken_with_a_certificate_and_nothing_else_then() -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    tls = GrpcTls(b"".join(blob.bytes() for blob in issued.cert_chain_pems), issued.private_key_pem.bytes())
    trusted = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with running_grpc(tls) as running:
        async with running.client(running.api.user_key, trusted) as client:
            assert (await client.call("Health")).status == "ok"
        async with running.client(running.api.user_key) as plain:
            assert (await plain.fails("Health")).code == "UNAVAILABLE"
        async with running.client(running.api.user_key, grpc.ssl_channel_credentials()) as mistrusting:
            assert (await mistrusting.fails("Health")).code == "UNAVAILABLE"


async def test_both_doors_show_the_same_sessions(door: RunningGrpc) -> None:
    made = await door.api.session_id()
    async with door.client(door.api.user_key) as client:
        (summary,) = (await client.call("ListSessions", pb.ListSessionsRequest())).sessions
    assert f"ses_{summary.session_id.ulid}" == made
