import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.downloads import Listener, Treatment
from cloche.errors import ConflictError, GoneError
from cloche.sessions.artifacts import side as side_module
from cloche.sessions.artifacts.side import ArtifactSide
from cloche.sessions.browsing.artifacts import BrowsingArtifacts
from cloche.sessions.model import Downloads
from cloche.testing.sessions import make_options, make_session

from .conftest import FakeOwner, FakeStore, NotedAudit


class FakeWatch:
    def __init__(self, treatment: Treatment) -> None:
        self.treatment = treatment
        self.insisted = 0
        self.canceled: list[str] = []
        self._ended = asyncio.Event()

    @property
    def is_closed(self) -> bool:
        return self._ended.is_set()

    def close(self) -> None:
        self._ended.set()

    async def ended(self) -> None:
        await self._ended.wait()

    def insist(self) -> None:
        self.insisted += 1

    def treat(self, treatment: Treatment) -> None:
        self.treatment = treatment

    def cancel(self, guid: str) -> None:
        self.canceled.append(guid)


class Dialled(FakeOwner):
    """A runner whose browser can be dialled, or why not."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: list[Exception] = []
        self.dials = 0

    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        assert is_own, "it would wait for itself"
        self.dials += 1
        self.news.set()
        if self.fails:
            raise self.fails.pop(0)
        return socket.socket(), "/devtools/browser/1"


class Bench:
    def __init__(self, downloads: Downloads, store: FakeStore, audit: NotedAudit) -> None:
        self.owner = Dialled()
        self.watches: list[FakeWatch] = []
        self.open_fails: list[Exception] = []
        session = make_session(options=make_options(downloads=downloads))
        opening: Any = self._open
        self.side = ArtifactSide(session, self.owner, store, audit, open_watch=opening)

    async def _open(
        self, sock: socket.socket, path: str, listener: Listener, *, spool: str, treatment: Treatment
    ) -> FakeWatch:
        sock.close()
        if self.open_fails:
            raise self.open_fails.pop(0)
        assert (listener, spool) == (self.side.collector, "/data/downloads")
        self.watches.append(FakeWatch(treatment))
        self.owner.news.set()
        return self.watches[-1]

    async def watched(self, count: int) -> FakeWatch:
        await self.owner.until(lambda: len(self.watches) >= count)
        return self.watches[count - 1]


Make = Callable[..., Bench]


@pytest.fixture
async def make(store: FakeStore, audit: NotedAudit, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    monkeypatch.setattr(side_module, "RETRY_S", 0.01)
    monkeypatch.setattr(side_module, "INSIST_S", (0.0, 0.01))
    benches: list[Bench] = []

    def make(downloads: Downloads = Downloads.QUARANTINE) -> Bench:
        benches.append(Bench(downloads, store, audit))
        return benches[-1]

    yield make
    for bench in benches:
        await bench.side.close()


@pytest.mark.parametrize(
    ("downloads", "treatment"), [(Downloads.QUARANTINE, Treatment.SPOOL), (Downloads.OFF, Treatment.REFUSE)]
)
async def test_a_session_is_ready_at_once_and_its_first_client_waits_until_downloads_are_watched(
    make: Make, downloads: Downloads, treatment: Treatment
) -> None:
    bench = make(downloads)
    await bench.side.furnish()
    await bench.side.begin()
    assert bench.owner.dials == 0
    await bench.side.client_comes()
    assert [watch.treatment for watch in bench.watches] == [treatment]
    assert bench.owner.machine.requests == []  # a new sandbox's spool is empty


async def test_the_spool_of_a_session_that_was_adopted_is_emptied_first(make: Make) -> None:
    bench = make()
    await bench.side.begin()
    await bench.side.client_comes()
    assert bench.owner.machine.requests == [("DELETE", "/spool")]


async def test_another_browser_is_watched_as_the_first_was(make: Make) -> None:
    bench = make()
    await bench.side.begin()
    (await bench.watched(1)).close()
    bench.side.browser_went()
    bench.side.browser_came()
    assert not (await bench.watched(2)).is_closed


async def test_a_watch_that_cannot_be_had_is_tried_again_and_keeps_nobody_out(make: Make) -> None:
    bench = make()
    bench.open_fails = [ActionError(Failure.BROWSER_FAILED, "it refused")]
    await bench.side.begin()
    await bench.side.client_comes()
    assert bench.watches == []
    await bench.watched(1)


async def test_a_browser_that_was_stopped_is_watched_when_it_is_started(make: Make) -> None:
    bench = make()
    bench.owner.fails = [ConflictError("the browser was stopped", reason="browser_stopped")]
    await bench.side.begin()
    await bench.side.client_comes()
    assert (bench.owner.dials, bench.watches) == (1, [])
    bench.side.browser_came()
    await bench.watched(1)


async def test_a_session_that_ends_is_not_dialled_again(make: Make) -> None:
    bench = make()
    bench.owner.fails = [GoneError("the session has ended")]
    await bench.side.begin()
    await bench.side.client_comes()
    await bench.side.close()
    assert bench.owner.dials == 1


async def test_after_a_client_has_left_it_is_set_again_more_than_once(make: Make) -> None:
    bench = make()
    await bench.side.begin()
    watch = await bench.watched(1)
    bench.side.client_left()
    async with asyncio.timeout(5):
        while watch.insisted < 2:
            await asyncio.sleep(0.001)


async def test_when_no_more_may_come_chromium_refuses_them_also_after_a_restart(make: Make) -> None:
    bench = make()
    await bench.side.begin()
    watch = await bench.watched(1)
    bench.side.refuse_all()
    assert watch.treatment is Treatment.REFUSE
    watch.close()
    bench.side.browser_came()
    assert (await bench.watched(2)).treatment is Treatment.REFUSE


async def test_what_is_canceled_is_canceled_in_the_browser_that_there_is(make: Make) -> None:
    bench = make()
    bench.side.cancel("too early")
    await bench.side.begin()
    watch = await bench.watched(1)
    bench.side.cancel("a")
    assert watch.canceled == ["a"]


async def test_the_browser_service_is_given_what_is_kept(make: Make) -> None:
    assert isinstance(make().owner.browsing.artifacts, BrowsingArtifacts)
