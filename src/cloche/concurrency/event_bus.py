"""Bounded fan-out: one publisher, any number of subscribers, none of whom can hold the others up.

A subscriber that falls more than `bound` items behind is cut off and told so; it can come back and read what it
missed from wherever the items are stored.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FellBehindError(Exception):
    """The subscriber did not read fast enough; what was queued for it is gone."""


class Subscription(Generic[T]):
    """An open subscription: iterate to read. Ends when the bus closes; raises FellBehindError when cut off."""

    def __init__(self, bound: int) -> None:
        self._queue: asyncio.Queue[T | None] = asyncio.Queue(bound + 1)
        self._bound = bound
        self._fell_behind = False
        self._finished = False

    @property
    def is_finished(self) -> bool:
        """Whether the topic was closed: nothing more will come, to this subscriber or a new one."""
        return self._finished

    @property
    def has_waiting(self) -> bool:
        """Whether there is something to read now."""
        return not self._queue.empty()

    def put(self, item: T) -> None:
        if self._fell_behind:
            return
        if self._queue.qsize() >= self._bound:
            self._fell_behind = True
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(None)
            return
        self._queue.put_nowait(item)

    def finish(self) -> None:
        self._finished = True
        if not self._fell_behind:
            self._queue.put_nowait(None)  # the queue holds one place more than `bound` for this

    async def __aiter__(self) -> AsyncIterator[T]:
        while (item := await self._queue.get()) is not None:
            yield item
        if self._fell_behind:
            raise FellBehindError


class EventBus(Generic[T]):
    """Topics of subscribers. Owned by whoever publishes."""

    def __init__(self, bound: int = 256) -> None:
        self._bound = bound
        self._topics: dict[str, set[Subscription[T]]] = {}

    def subscribe(self, topic: str) -> Subscription[T]:
        subscription: Subscription[T] = Subscription(self._bound)
        self._topics.setdefault(topic, set()).add(subscription)
        return subscription

    def unsubscribe(self, topic: str, subscription: Subscription[T]) -> None:
        subscribers = self._topics.get(topic, set())
        subscribers.discard(subscription)
        if not subscribers:
            self._topics.pop(topic, None)

    def publish(self, topic: str, item: T) -> None:
        for subscription in self._topics.get(topic, ()):
            subscription.put(item)

    def close(self, topic: str) -> None:
        """End every subscription of a topic once its queue has been read."""
        for subscription in self._topics.pop(topic, set()):
            subscription.finish()
