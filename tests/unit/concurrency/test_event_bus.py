import asyncio

import pytest

from cloche.concurrency.event_bus import EventBus, FellBehindError, Subscription


async def read(subscription: Subscription[int]) -> list[int]:
    return [item async for item in subscription]


async def test_every_subscriber_of_a_topic_gets_every_item_in_order() -> None:
    bus = EventBus[int]()
    first, second, other = bus.subscribe("a"), bus.subscribe("a"), bus.subscribe("b")
    for number in range(10):
        bus.publish("a", number)
    bus.close("a")
    bus.close("b")

    assert await read(first) == await read(second) == list(range(10))
    assert await read(other) == []


async def test_publishing_to_nobody_is_nothing() -> None:
    bus = EventBus[int]()
    bus.publish("a", 1)
    bus.close("a")
    subscription = bus.subscribe("a")
    bus.close("a")

    assert await read(subscription) == []


async def test_a_queue_that_is_exactly_full_loses_nothing_not_even_its_end() -> None:
    bus = EventBus[int](bound=3)
    subscription = bus.subscribe("a")
    for number in range(3):
        bus.publish("a", number)
    bus.close("a")

    assert await read(subscription) == [0, 1, 2]


async def test_one_that_falls_behind_is_cut_off_and_told_and_holds_up_nobody() -> None:
    bus = EventBus[int](bound=3)
    slow, quick, got = bus.subscribe("a"), bus.subscribe("a"), list[int]()
    quick_items = quick.__aiter__()
    for number in range(10):
        bus.publish("a", number)
        got.append(await anext(quick_items))

    assert got == list(range(10))
    with pytest.raises(FellBehindError):
        await read(slow)
    await quick_items.aclose()


async def test_one_that_fell_behind_is_still_told_so_after_the_topic_was_closed() -> None:
    bus = EventBus[int](bound=1)
    slow = bus.subscribe("a")
    for number in range(5):
        bus.publish("a", number)
    bus.close("a")

    with pytest.raises(FellBehindError):
        await read(slow)
    assert slow.is_finished


async def test_a_subscription_knows_whether_its_topic_was_closed() -> None:
    bus = EventBus[int]()
    subscription = bus.subscribe("a")
    assert not subscription.is_finished
    bus.close("a")

    assert subscription.is_finished
    assert await read(subscription) == []


async def test_one_that_has_left_gets_no_more() -> None:
    bus = EventBus[int]()
    subscription = bus.subscribe("a")
    bus.publish("a", 1)
    bus.unsubscribe("a", subscription)
    bus.publish("a", 2)
    bus.close("a")
    bus.unsubscribe("a", subscription)
    subscription.finish()

    assert await read(subscription) == [1]


async def test_a_waiting_subscriber_wakes_for_an_item_and_for_the_end() -> None:
    bus = EventBus[int]()
    subscription = bus.subscribe("a")
    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        reader = group.create_task(read(subscription))
        await asyncio.sleep(0)
        bus.publish("a", 7)
        await asyncio.sleep(0)
        bus.close("a")
        assert await reader == [7]
