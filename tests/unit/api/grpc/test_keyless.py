"""Streams that need no key do not take the places of calls that have one."""

import asyncio
from contextlib import AsyncExitStack, suppress

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from cloche.api.grpc import keyless
from cloche.api.grpc.keyless import MAX_QUESTION_BYTES, MAX_QUESTIONS, MAX_REFLECTIONS, MAX_WATCHERS, Places
from cloche.errors import BusyError
from cloche.testing.grpc import RunningGrpc


async def test_watchers_are_few_and_a_place_is_free_again_once_one_has_left(door: RunningGrpc) -> None:
    async with door.client() as client, asyncio.timeout(5), AsyncExitStack() as stack:
        watch = HealthStub(client.channel).Watch
        calls = [watch(HealthCheckRequest()) for _ in range(MAX_WATCHERS)]
        for call in calls:
            stack.callback(call.cancel)
            assert (await call.read()).status == HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch(HealthCheckRequest()).read()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await HealthStub(client.channel).Check(HealthCheckRequest())).status == HealthCheckResponse.SERVING
        async with door.client(door.api.user_key) as alice:
            assert (await alice.call("Health")).status == "ok"
        calls[0].cancel()
        while True:  # the server hears of it a moment later
            with suppress(grpc.aio.AioRpcError):
                again = watch(HealthCheckRequest())
                stack.callback(again.cancel)
                assert (await again.read()).status == HealthCheckResponse.SERVING
                break


async def test_reflections_are_few(door: RunningGrpc) -> None:
    async with door.client() as client, asyncio.timeout(5), AsyncExitStack() as stack:
        reflect = ServerReflectionStub(client.channel).ServerReflectionInfo
        for _ in range(MAX_REFLECTIONS):
            call = reflect()
            stack.callback(call.cancel)
            await call.write(ServerReflectionRequest(list_services=""))
            assert (await call.read()).HasField("list_services_response")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await reflect(iter([ServerReflectionRequest(list_services="")])).read()
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_question_about_health_is_short_and_arrives_at_once(
    door: RunningGrpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyless, "ARRIVAL_TIMEOUT_S", 0.2)
    async with door.client() as client, asyncio.timeout(5):
        check = HealthStub(client.channel).Check
        for ask in (check, lambda asked: HealthStub(client.channel).Watch(asked).read()):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(HealthCheckRequest(service="a" * (MAX_QUESTION_BYTES + 1)))
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        silent = client.channel.stream_unary("/grpc.health.v1.Health/Check")
        calls = [silent() for _ in range(MAX_QUESTIONS + 1)]
        codes = [await call.code() for call in calls]
        assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 1
        assert codes.count(grpc.StatusCode.INVALID_ARGUMENT) == MAX_QUESTIONS
        assert (await check(HealthCheckRequest())).status == HealthCheckResponse.SERVING


def test_a_place_is_free_again_after_its_block() -> None:
    places = Places(1)
    with pytest.raises(ValueError), places.one():
        with pytest.raises(BusyError), places.one():
            pass
        raise ValueError
    with places.one():
        pass
