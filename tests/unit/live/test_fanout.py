import asyncio
import math

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.live.ack_pace import WINDOW
from cloche.live.fanout import MAX_BYTES, MAX_CHUNKS, JpegSubscription, Share, VideoSubscription
from cloche.live.model import Chunk, Codec
from cloche.live.watching import StreamEndedError


class Owner:
    def __init__(self) -> None:
        self.now = 100.0
        self.keys = self.drops = self.closes = self.hungers = self.qualities = 0
        self.given: list[Chunk] = []

    def clock(self) -> float:
        return self.now

    def taken(self, subscription: Share, chunk: Chunk) -> None:
        self.given.append(chunk)

    def hungry(self, subscription: JpegSubscription) -> None:
        self.hungers += 1

    def quality_changed(self, subscription: JpegSubscription) -> None:
        self.qualities += 1

    def key_asked(self, subscription: Share) -> None:
        self.keys += 1

    def lost(self, subscription: Share, chunks: int) -> None:
        self.drops += chunks

    def closed(self, subscription: Share) -> None:
        self.closes += 1


@pytest.fixture
def owner() -> Owner:
    return Owner()


def chunk(seq: int, *, key: bool = False, size: int = 100, codec: Codec = Codec.VP8) -> Chunk:
    return Chunk(codec, seq, bytes(size), key or codec is Codec.JPEG, seq, 1, 1)


def video(owner: Owner, **options: bool) -> VideoSubscription:
    return VideoSubscription(Codec.VP8, owner, owner.clock, **options)


async def test_video_begins_with_a_key_frame_and_keeps_its_order(owner: Owner) -> None:
    subscription = video(owner)
    subscription.publish(chunk(1))
    for seq in range(2, 6):
        subscription.publish(chunk(seq, key=seq == 2))
    assert [(await subscription.next()).seq for _ in range(4)] == [2, 3, 4, 5]
    assert subscription.dropped == 0


@pytest.mark.parametrize(("size", "fit"), [(100, MAX_CHUNKS), (MAX_BYTES // 4, 4)])
async def test_without_room_all_is_dropped_until_it_is_read_again(owner: Owner, size: int, fit: int) -> None:
    subscription = video(owner)
    for seq in range(fit):
        subscription.publish(chunk(seq, key=seq == 0, size=size))
    assert owner.drops == 0
    subscription.publish(chunk(fit, size=size))
    assert subscription.dropped == owner.drops == fit + 1
    subscription.publish(chunk(fit + 1, key=True, size=size))
    assert owner.keys == 0, "who does not read asks for nothing"
    reading = spawn(subscription.next(), name="reading")
    await asyncio.sleep(0)
    assert owner.keys == 1
    subscription.publish(chunk(fit + 2, size=size))
    subscription.publish(chunk(fit + 3, key=True, size=size))
    assert (await reading).seq == fit + 3


async def test_a_key_frame_larger_than_the_room_waits_alone(owner: Owner) -> None:
    subscription = video(owner)
    subscription.publish(chunk(1, key=True, size=MAX_BYTES * 2))
    assert (await subscription.next()).seq == 1


async def test_one_that_keeps_up_waits_with_much(owner: Owner) -> None:
    subscription = video(owner, keeps_up=True)
    for seq in range(31):
        subscription.publish(chunk(seq, key=seq == 0, size=1 << 20))
    assert subscription.dropped == 0
    subscription.publish(chunk(31, size=2 << 20))
    assert subscription.dropped == 32


async def test_a_viewer_that_falls_behind_gets_nothing_until_it_has_caught_up(owner: Owner) -> None:
    subscription = video(owner)
    for seq in range(1, 50):
        subscription.publish(chunk(seq, key=seq == 1, size=5000))
        got = await subscription.next()
        owner.now += 0.02
        subscription.acknowledge(got.seq)
    subscription.publish(chunk(50))
    await subscription.next()
    assert subscription.unacknowledged_since is None
    sent_at = owner.now
    owner.now += 1
    subscription.publish(chunk(51))
    subscription.publish(chunk(52, key=True))
    assert subscription.is_behind
    assert subscription.unacknowledged_since == sent_at
    assert subscription.dropped == 2
    limit = subscription.limit(owner.now, 3e6)
    assert limit is not None
    assert limit < 3e6
    subscription.acknowledge(50)
    assert not subscription.is_behind
    assert owner.keys == 1
    subscription.publish(chunk(53))
    subscription.publish(chunk(54, key=True))
    assert (await subscription.next()).seq == 54


async def test_a_transport_without_acknowledgements_is_never_behind(owner: Owner) -> None:
    subscription = video(owner)
    for seq in range(1, 500):
        subscription.publish(chunk(seq, key=seq == 1))
        await subscription.next()
        owner.now += 0.1
    assert subscription.dropped == 0
    assert subscription.unacknowledged_since is None


async def test_one_that_ought_to_acknowledge_and_does_not_is_behind(owner: Owner) -> None:
    subscription = video(owner, acknowledges=True)
    for seq in range(1, 100):
        subscription.publish(chunk(seq, key=seq == 1))
        if subscription.is_behind:
            break
        await subscription.next()
        owner.now += 0.1
    assert subscription.is_behind
    assert seq < 50


async def test_what_its_transport_tells_is_its_limit(owner: Owner) -> None:
    subscription = video(owner)
    subscription.set_rate(700_000)
    assert subscription.limit(owner.now, 3e6) == 700_000
    subscription.set_rate(None)
    assert subscription.limit(owner.now, 3e6) is None


async def test_key_frames_are_asked_for_while_it_is_open(owner: Owner) -> None:
    subscription = video(owner)
    subscription.ask_key()
    assert owner.keys == 1
    subscription.close()
    subscription.ask_key()
    assert owner.keys == 1


async def test_jpeg_gives_the_newest_alone(owner: Owner) -> None:
    subscription = JpegSubscription(owner, owner.clock)
    for seq in range(1, 5):
        subscription.offer(chunk(seq, codec=Codec.JPEG))
    assert (await subscription.next()).seq == 4
    assert subscription.dropped == owner.drops == 3


async def test_jpeg_waits_for_acknowledgements(owner: Owner) -> None:
    subscription = JpegSubscription(owner, owner.clock)
    for seq in range(1, WINDOW + 1):
        subscription.offer(chunk(seq, codec=Codec.JPEG))
        await subscription.next()
    assert subscription.unacknowledged_since == owner.now
    subscription.offer(chunk(9, codec=Codec.JPEG))
    waiting = spawn(subscription.next(), name="waiting")
    await asyncio.sleep(0)
    assert subscription.due_at == math.inf
    subscription.acknowledge(99)
    subscription.acknowledge(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    subscription.acknowledge(1)
    assert (await waiting).seq == 9


async def test_jpeg_can_take_a_picture_only_while_somebody_waits_for_it(owner: Owner) -> None:
    subscription = JpegSubscription(owner, owner.clock)
    assert subscription.due_at == math.inf
    waiting = spawn(subscription.next(), name="waiting")
    await asyncio.sleep(0)
    assert subscription.due_at <= owner.now
    assert owner.hungers == 1
    await cancel_and_wait(waiting)
    assert subscription.due_at == math.inf


async def test_jpeg_that_is_wanted_seldom_is_given_seldom(owner: Owner) -> None:
    subscription = JpegSubscription(owner, owner.clock, max_fps=5)
    subscription.offer(chunk(1, codec=Codec.JPEG))
    await subscription.next()
    subscription.offer(chunk(2, codec=Codec.JPEG))
    waiting = spawn(subscription.next(), name="waiting")
    await asyncio.sleep(0)
    assert subscription.due_at == pytest.approx(owner.now + 0.2)
    subscription.offer(chunk(3, codec=Codec.JPEG))
    owner.now += 0.21
    subscription.wake()
    assert (await waiting).seq == 3
    assert subscription.dropped == 0, "it was not wanted"


async def test_a_change_of_quality_is_told(owner: Owner) -> None:
    subscription = JpegSubscription(owner, owner.clock)
    for seq in range(1, 6):
        subscription.offer(chunk(seq, codec=Codec.JPEG))
        await subscription.next()
        owner.now += 0.5
        subscription.acknowledge(seq)
    assert owner.qualities == subscription.level == 1


@pytest.mark.parametrize("ends_by", ["end", "close"])
async def test_the_end_wakes_whoever_waits(owner: Owner, ends_by: str) -> None:
    for subscription in (video(owner), JpegSubscription(owner, owner.clock)):
        waiting = spawn(subscription.next(), name="waiting")
        await asyncio.sleep(0)
        getattr(subscription, ends_by)()
        with pytest.raises(StreamEndedError):
            await waiting
        with pytest.raises(StreamEndedError):
            await subscription.next()
    assert owner.closes == (2 if ends_by == "close" else 0)


async def test_nothing_comes_after_the_end(owner: Owner) -> None:
    subscription, jpeg = video(owner), JpegSubscription(owner, owner.clock)
    subscription.publish(chunk(1, key=True))
    jpeg.offer(chunk(1, codec=Codec.JPEG))
    for one in (subscription, jpeg):
        one.close()
    subscription.publish(chunk(2, key=True))
    jpeg.offer(chunk(2, codec=Codec.JPEG))
    for one in (subscription, jpeg):
        with pytest.raises(StreamEndedError):
            await one.next()
