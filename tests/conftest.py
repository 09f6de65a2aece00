"""Where every test runs (a network, a temporary directory and control groups of its own) and what it may ask for."""

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import hypothesis
import pytest

from cloche.testing import leaks, netns
from cloche.testing.blocking import no_blocking_calls
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.surroundings import own_surroundings
from cloche.testing.web.server import LocalWeb

IN_CI = os.environ.get("CI") == "true"

hypothesis.settings.register_profile("dev", deadline=None)
# Derandomized: a run in CI is red for what a commit did, not for what the dice found.
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if IN_CI else "dev")

_surroundings = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    if config.option.collectonly:
        return
    if os.environ.get("CLOCHE_TEST_NETNS") != "off":
        netns.enter()
    _surroundings.enter_context(own_surroundings())


def pytest_unconfigure() -> None:
    _surroundings.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheap tests first: a broken parser is seen in seconds, not behind minutes of browsers."""
    order = ("test_", "unit", "contract", "bench", "integration", "e2e")
    items.sort(key=lambda item: next((n for n, name in enumerate(order) if f"/tests/{name}" in str(item.path)), 0))


@pytest.fixture(autouse=True)
def nothing_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a process, descriptor, task, mount, control group or temporary file behind.

    What fixtures of a wider scope hold was there before, so it counts for nobody.
    """
    with ExitStack() as stack:
        if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
            request.getfixturevalue("no_task_is_left")
            stack.enter_context(no_blocking_calls())
        # Taken now: the event loop that the fixture before needs is there already, and goes after us.
        before = leaks.take()
        yield
    left = leaks.leaked(before)
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    # One turn for callbacks that end tasks which have nothing more to do.
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, "tasks left behind:\n" + "\n".join(map(repr, left))


@pytest.fixture(scope="session")
def _web() -> Iterator[LocalWeb]:
    with LocalWeb() as web:
        yield web


@pytest.fixture
def local_web(_web: LocalWeb) -> LocalWeb:
    """The local web with an empty log and every name where it belongs."""
    _web.restore()
    return _web


@pytest.fixture
async def daemon(local_web: LocalWeb) -> AsyncIterator[DaemonProcess]:
    """A fresh daemon for one test, which resolves the names of the local web."""
    async with DaemonProcess(resolver_hosts=local_web.hosts_file) as process:
        yield process


@pytest.fixture(scope="session")
def _shared_daemon(_web: LocalWeb) -> Iterator[DaemonProcess]:
    with DaemonProcess(resolver_hosts=_web.hosts_file) as process:
        yield process


@pytest.fixture
async def shared_daemon(_shared_daemon: DaemonProcess, local_web: LocalWeb) -> AsyncIterator[DaemonProcess]:
    """A daemon that many tests share: quick, but not to be killed or configured. Sessions of a test end with it."""
    yield _shared_daemon
    listed = await _shared_daemon.request("GET", "/v1/sessions?limit=200")
    for session in listed.json["sessions"]:
        if session["status"] not in ("closed", "failed"):
            await _shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")


@pytest.fixture
async def cdp() -> AsyncIterator[Callable[..., Awaitable[CdpClient]]]:
    """`await cdp(session["connect_url"])`: a raw DevTools client that is closed at the end."""
    async with AsyncExitStack() as stack:

        async def connect(url: str, **options: Any) -> CdpClient:
            return await stack.enter_async_context(await CdpClient.connect(url, **options))

        yield connect
