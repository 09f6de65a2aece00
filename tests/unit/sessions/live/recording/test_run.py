"""One run by itself; what it does for a session is in `test_recorder`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import BusyError
from cloche.live.model import Chunk, Codec
from cloche.sessions.live.interface import RecordingFormat
from cloche.sessions.live.recording.limits import Caps
from cloche.sessions.live.recording.part import Part
from cloche.sessions.live.recording.run import Run, RunParts
from cloche.sessions.live.recording.spool import Spool
from cloche.testing.clock import FakeClock
from cloche.testing.recording import FakeSubscription

KEY = Chunk(Codec.VP8, 1, b"key", True, 0, 640, 480)
Begin = Callable[..., Run]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def subscription() -> FakeSubscription:
    return FakeSubscription(Codec.VP8)


@pytest.fixture
def ended() -> list[Part]:
    return []


@pytest.fixture
def begin(tmp_path: Path, clock: FakeClock, subscription: FakeSubscription, ended: list[Part]) -> Begin:
    async def no_more() -> Part:
        raise BusyError("the disk is full")

    def let_go(part: Part) -> None:
        part.spool.close()
        ended.append(part)

    def make(*, goes_on: bool = False, has_room: bool = True) -> Run:
        spool = Spool(tmp_path)
        part = Part(1, RecordingFormat.WEBM, Caps(60, 1 << 20), clock.now(), clock.monotonic(), spool)
        parts = RunParts(lambda _: goes_on, no_more, let_go, lambda _: has_room)
        return Run(subscription, part, parts, clock)

    return make


async def test_one_that_is_cancelled_lets_go_of_its_part(
    begin: Begin, subscription: FakeSubscription, ended: list[Part]
) -> None:
    run = begin()
    task = spawn(run.record(), name="test")
    subscription.offer(KEY)
    assert await run.has_pictures
    await cancel_and_wait(task)
    assert [part.ended_by for part in ended] == ["error"]
    assert subscription.is_closed
    assert run.part is None
    run.cut("stopped")


async def test_it_tells_that_there_will_be_no_pictures(
    begin: Begin, subscription: FakeSubscription, ended: list[Part]
) -> None:
    run = begin()
    subscription.close()
    await run.record()
    assert not await run.has_pictures
    assert [part.ended_by for part in ended] == ["error"]


async def test_it_ends_where_the_next_part_cannot_begin(
    begin: Begin, subscription: FakeSubscription, ended: list[Part], clock: FakeClock
) -> None:
    run = begin(goes_on=True)
    subscription.offer(KEY)
    clock.advance(60)
    with pytest.raises(BusyError):
        await run.record()
    assert [part.ended_by for part in ended] == ["time_cap"]
    assert subscription.is_closed


async def test_it_ends_when_the_disk_has_little_left(
    begin: Begin, subscription: FakeSubscription, ended: list[Part]
) -> None:
    run = begin(has_room=False)
    subscription.offer(KEY)
    subscription.offer(Chunk(Codec.VP8, 2, bytes(300_000), False, 1, 640, 480))
    await run.record()
    assert [(part.ended_by, part.spool.batches) for part in ended] == [("disk_full", 1)]
