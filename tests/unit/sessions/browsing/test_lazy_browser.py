import asyncio
import socket
from typing import cast

import pytest

from cloche.browser.call import Blocked
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.session_browser import Browser
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ConflictError, GoneError
from cloche.sessions.browsing.lazy_browser import LazyBrowser
from cloche.testing.browsing import FakeBrowser, FakeOwner
from cloche.testing.sessions import make_session


def nothing_blocked(host: str, port: int) -> Blocked | None:
    return None


class Opening:
    """Opens browsers, when it may."""

    def __init__(self) -> None:
        self.owner = FakeOwner(make_session())
        self.may = asyncio.Event()
        self.may.set()
        self.opened: list[FakeBrowser] = []
        self.lazy = LazyBrowser(self.owner, self.open, name="browse")

    async def open(self, sock: socket.socket, path: str) -> Browser:
        await self.may.wait()
        self.opened.append(FakeBrowser(nothing_blocked))
        return cast(Browser, self.opened[-1])


async def test_nothing_is_opened_until_somebody_asks_and_then_once_for_all() -> None:
    opening = Opening()
    assert opening.lazy.current is None and opening.owner.dials == 0

    found = await asyncio.wait_for(asyncio.gather(*(opening.lazy.get() for _ in range(10))), 5)
    assert len(set(map(id, found))) == len(opening.opened) == opening.owner.dials == 1
    assert await opening.lazy.get() is found[0] is opening.lazy.current


async def test_a_browser_that_has_ended_is_replaced() -> None:
    opening = Opening()
    first = await opening.lazy.get()
    opening.opened[0].is_closed = True
    assert opening.lazy.current is None
    second = await opening.lazy.get()
    assert second is not first

    opening.lazy.drop()
    assert opening.opened[1].is_closed
    assert await opening.lazy.get() is not second


async def test_a_failure_is_everyones_and_the_next_call_tries_again() -> None:
    opening = Opening()
    opening.owner.dial_fails = [
        ConflictError("the browser was stopped", reason="browser_stopped"),
        ActionError(Failure.BROWSER_RESTARTED, "the browser went away"),
    ]
    for kind in (ConflictError, ActionError):
        found = await asyncio.gather(*(opening.lazy.get() for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in found] == [kind] * 3
    await opening.lazy.get()
    assert opening.owner.dials == 3


async def test_who_hangs_up_does_not_take_the_browser_from_those_who_wait() -> None:
    opening = Opening()
    opening.may.clear()
    impatient = spawn(opening.lazy.get(), name="impatient")
    patient = spawn(opening.lazy.get(), name="patient")
    await asyncio.sleep(0)
    await cancel_and_wait(impatient)
    opening.may.set()

    assert await asyncio.wait_for(patient, 5) is opening.lazy.current


async def test_closing_ends_a_browser_that_is_open_and_one_that_is_being_opened() -> None:
    opening = Opening()
    await opening.lazy.get()
    await opening.lazy.close()
    assert opening.opened[0].is_closed

    opening.may.clear()
    waiting = spawn(opening.lazy.get(), name="waiting")
    await asyncio.sleep(0)
    opening.owner.stopping = True
    await opening.lazy.close()
    with pytest.raises(GoneError):
        await asyncio.wait_for(waiting, 5)
    assert len(opening.opened) == 1
