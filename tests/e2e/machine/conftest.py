"""What the machine scenarios stand on: a client of the API, sessions made with `machine`, and a site at home."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from cloche.client.aio import Client
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb

from .stage import Place

MakePlace = Callable[..., Awaitable[Place]]


@pytest.fixture
async def client(shared_daemon: DaemonProcess) -> AsyncIterator[Client]:
    async with Client(shared_daemon.base_url, shared_daemon.key) as made:
        yield made


@pytest.fixture
def make_place(shared_daemon: DaemonProcess, client: Client) -> MakePlace:
    """`await make_place(engine="chrome")`"""

    async def make(**options: object) -> Place:
        session = await shared_daemon.create_session(machine=True, **options)
        return Place(session, client.sessions.machine(session["id"]))

    return make


@pytest.fixture
async def place(make_place: MakePlace) -> Place:
    return await make_place()


@pytest.fixture
async def home() -> AsyncIterator[str]:
    """`localhost:<port>`: a site in a secure context, which service workers need, for sessions that may reach it."""
    async with LocalWeb(LOOPBACK_ONLY) as web:
        yield f"localhost:{web.http_port}"
