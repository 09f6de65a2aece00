"""Both doors to one daemon for each module, and one session that the module's cases share."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final

import pytest

from cloche.testing import http
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb

from .doors import Door, GrpcDoor, RestDoor
from .hands import Hands

Json = dict[str, Any]

MakeHands = Callable[..., Awaitable[Hands]]

OF_THE_MODULE: Final = {"kept": "module"}
"""The labels of sessions that outlive a test."""

GENEROUS: Final = {"actions": 100_000, "actions_per_window": 1_000, "network_log_entries": 1_000}
"""The cases of a module come faster than a careful agent, and there are more of them."""

EGRESS: Final = {"deny_hosts": ["two.test"]}


@pytest.fixture(scope="module", params=["rest", "grpc"])
def door(request: pytest.FixtureRequest, _shared_daemon: DaemonProcess) -> Iterator[Door]:
    if request.param == "rest":
        yield RestDoor(_shared_daemon)
        return
    grpc_door = GrpcDoor(_shared_daemon)
    yield grpc_door
    grpc_door.close()


@pytest.fixture(scope="module")
def place(_shared_daemon: DaemonProcess) -> Json:
    """The session that a module's cases share, at both doors."""
    url, headers = f"{_shared_daemon.base_url}/v1/sessions", {"authorization": f"Bearer {_shared_daemon.key}"}
    body = {"labels": OF_THE_MODULE, "budget": GENEROUS, "egress": EGRESS}
    answer = http.request("POST", url, body, headers=headers)
    assert answer.status == 201, answer.body
    session: Json = answer.json
    return session


@pytest.fixture
async def hands(door: Door, place: Json, shared_daemon: DaemonProcess, local_web: LocalWeb) -> AsyncIterator[Hands]:
    """Hands on the shared session, which is left with one blank tab."""
    made = Hands(door, place["id"], local_web)
    yield made
    await leave_nothing_open(made)


@pytest.fixture(scope="module")
def home() -> Iterator[LocalWeb]:
    """A site at `localhost`: a secure context, which permissions, caches and service workers need."""
    with LocalWeb(LOOPBACK_ONLY) as web:
        yield web


async def leave_nothing_open(hands: Hands) -> None:
    """One blank tab, and no connection to the site: those that a browser keeps would look like the test's."""
    tabs = await hands.tabs()
    if len(tabs) > 1 or tabs[0]["dialog"] or tabs[0]["crashed"]:
        await hands.do("ResetState", reset_tabs=True)
    else:
        await hands.do("Navigate", url="about:blank")
    hands.web.hang_up()


@pytest.fixture
def make_hands(door: Door, shared_daemon: DaemonProcess, local_web: LocalWeb) -> MakeHands:
    """`await make_hands(budget={…})`: hands on a session of the test's own, for what no other case should meet."""

    async def make(*, budget: Json | None = None, **options: Any) -> Hands:
        session = await shared_daemon.create_session(budget=GENEROUS | (budget or {}), **options)
        return Hands(door, session["id"], local_web)

    return make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every case goes through both doors in `script/test-long`, and through one of them, always the same, otherwise."""
    for item in items:
        call = getattr(item, "callspec", None)
        if call is None or "door" not in call.params or "e2e/browsing" not in item.path.as_posix():
            continue
        case = item.nodeid.replace(f"[{call.params['door']}", "[").encode()
        if call.params["door"] != ("rest", "grpc")[zlib.crc32(case) % 2]:
            item.add_marker(pytest.mark.long)
