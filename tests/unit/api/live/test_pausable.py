"""A subscription that rests: nothing behind it meanwhile, and no end."""

import asyncio

import pytest

from cloche.api.live.pausable import PausableSubscription
from cloche.concurrency.tasks import spawn
from cloche.live.model import Codec
from cloche.live.watching import StreamEndedError
from cloche.testing.live import FakeSubscription


class Source:
    def __init__(self) -> None:
        self.made: list[FakeSubscription] = []

    def __call__(self) -> FakeSubscription:
        assert all(each.is_closed for each in self.made)
        self.made.append(FakeSubscription(Codec.VP8))
        return self.made[-1]


async def test_it_waits_while_it_rests_and_goes_on_with_a_new_one() -> None:
    source = Source()
    subscription = PausableSubscription(source, Codec.VP8)
    source.made[0].show()
    assert (await subscription.next()).seq == 1
    subscription.set_rate(1000)
    waiting = spawn(subscription.next(), name="waiting")
    await asyncio.sleep(0)
    subscription.rest(True)
    subscription.rest(True)
    assert source.made[0].is_closed and not waiting.done()
    subscription.ask_key()
    subscription.acknowledge(1)
    subscription.rest(False)
    source.made[1].show(b"again")
    assert (await waiting).data == b"again" and source.made[1].rate == 1000
    subscription.close()
    assert source.made[1].is_closed and len(source.made) == 2


async def test_one_that_begins_resting_opens_nothing() -> None:
    source = Source()
    subscription = PausableSubscription(source, Codec.VP8, resting=True)
    assert source.made == []
    subscription.rest(False)
    source.made[0].show()
    assert (await subscription.next()).seq == 1
    subscription.ask_key()
    subscription.acknowledge(1)
    assert source.made[0].keys_asked == 1 and source.made[0].acknowledged == [1]


async def test_the_streams_end_and_its_own_are_ends() -> None:
    source = Source()
    subscription = PausableSubscription(source, Codec.VP8)
    source.made[0].end()
    with pytest.raises(StreamEndedError):
        await subscription.next()
    resting = PausableSubscription(source.__class__(), Codec.VP8, resting=True)
    waiting = spawn(resting.next(), name="waiting")
    await asyncio.sleep(0)
    resting.close()
    resting.rest(False)
    with pytest.raises(StreamEndedError):
        await waiting
