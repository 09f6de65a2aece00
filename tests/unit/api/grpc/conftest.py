"""A served gRPC door for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from cloche.testing.grpc import RunningGrpc, core_is_awake, running_grpc


@pytest.fixture(scope="session", autouse=True)
def _core() -> Iterator[None]:
    with core_is_awake():
        yield


@pytest.fixture
async def door() -> AsyncIterator[RunningGrpc]:
    async with running_grpc() as running:
        yield running
