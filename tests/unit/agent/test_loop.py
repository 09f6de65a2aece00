import os
import socket
import threading
import time
import weakref
from collections.abc import Coroutine

import pytest

from cloche.agent import streams
from cloche.agent.loop import Cancelled, Event, Loop


def run(loop: Loop, coroutine: Coroutine[object, object, None]) -> None:
    loop.run(coroutine)


@pytest.fixture
def failures() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def loop(failures: list[tuple[str, str]]) -> Loop:
    return Loop(lambda name, error: failures.append((name, repr(error))))


def test_tasks_take_turns_in_the_order_of_their_deadlines(loop: Loop) -> None:
    order: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await loop.sleep(seconds)
        order.append(name)

    async def main() -> None:
        tasks = [loop.spawn(sleeper(name, seconds), name) for name, seconds in (("c", 0.03), ("a", 0.01), ("b", 0.02))]
        for task in tasks:
            await task.done.wait()

    run(loop, main())
    assert order == ["a", "b", "c"]


def test_an_event_lets_all_go_on_and_a_deadline_ends_the_wait(loop: Loop) -> None:
    event, woken = Event(loop), []

    async def waiter(name: str) -> None:
        await event.wait()
        woken.append(name)

    async def main() -> None:
        tasks = [loop.spawn(waiter(name), name) for name in "ab"]
        with pytest.raises(TimeoutError):
            await Event(loop).wait(time.monotonic() + 0.01)
        event.set()
        for task in tasks:
            await task.done.wait()
        await event.wait()
        with pytest.raises(TimeoutError):
            await event.next(time.monotonic())

    run(loop, main())
    assert woken == ["a", "b"]


def test_a_deadline_that_has_passed_ends_a_wait_for_what_is_ready_too(loop: Loop) -> None:
    left, right = socket.socketpair()

    async def main() -> None:
        left.send(b"drip")
        await loop.readable(right.fileno(), time.monotonic() + 5)
        with pytest.raises(TimeoutError):
            await loop.readable(right.fileno(), time.monotonic())

    with left, right:
        run(loop, main())


def test_a_wait_may_be_longer_than_the_kernel_counts(loop: Loop) -> None:
    ended: list[str] = []

    async def worker() -> None:
        try:
            await loop.sleep(40 * 86_400)
        finally:
            ended.append("cancelled")

    async def main() -> None:
        reading, writing = socket.socketpair()
        with reading, writing:
            loop.spawn(worker(), "worker")
            threading.Timer(0.05, writing.send, (b"x",)).start()
            await loop.readable(reading.fileno())

    run(loop, main())
    assert ended == ["cancelled"]


def test_a_cancelled_task_cleans_up_before_stop_returns(loop: Loop) -> None:
    seen: list[str] = []

    async def worker() -> None:
        try:
            await loop.sleep(60)
        except Cancelled:
            seen.append("cancelled")
            raise
        finally:
            await loop.sleep(0.001)
            seen.append("cleaned")

    async def main() -> None:
        running, unstarted = loop.spawn(worker(), "running"), None
        await loop.sleep(0)
        unstarted = loop.spawn(worker(), "unstarted")
        await loop.stop(running, unstarted)
        seen.append("stopped")

    run(loop, main())
    assert seen == ["cancelled", "cleaned", "stopped"]


def test_what_is_left_at_the_end_is_cancelled(loop: Loop) -> None:
    seen: list[str] = []

    async def worker() -> None:
        try:
            await loop.sleep(60)
        finally:
            seen.append("cleaned")

    async def main() -> None:
        loop.spawn(worker(), "left")
        await loop.sleep(0)

    run(loop, main())
    assert seen == ["cleaned"]
    assert loop.task_count == 0


def test_a_failure_is_reported_with_its_tasks_name_and_ends_nobody_else(
    loop: Loop, failures: list[tuple[str, str]]
) -> None:
    async def broken() -> None:
        raise ValueError("no")

    async def main() -> None:
        await loop.spawn(broken(), "broken").done.wait()
        await loop.sleep(0)

    run(loop, main())
    assert failures == [("broken", "ValueError('no')")]


def test_the_mains_own_failure_comes_out_of_run(loop: Loop, failures: list[tuple[str, str]]) -> None:
    async def main() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError):
        run(loop, main())
    assert failures == [("main", "KeyError('gone')")]


def test_one_task_may_read_and_another_write_the_same_socket(loop: Loop) -> None:
    left, right = socket.socketpair()
    received = bytearray()
    data = os.urandom(3_000_000)

    async def echo() -> None:
        while piece := await streams.receive(loop, right, 65536, time.monotonic() + 5):
            await streams.send_all(loop, right, piece, time.monotonic() + 5)

    async def read() -> None:
        while len(received) < len(data):
            received.extend(await streams.receive(loop, left, 65536, time.monotonic() + 5))

    async def main() -> None:
        reader = loop.spawn(read(), "read")
        echoing = loop.spawn(echo(), "echo")
        await streams.send_all(loop, left, data, time.monotonic() + 5)
        await reader.done.wait()
        await loop.stop(echoing)

    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        run(loop, main())
    assert received == data


def test_two_readers_of_one_descriptor_and_a_closed_one_are_errors_in_the_task(loop: Loop) -> None:
    left, right = socket.socketpair()

    async def read() -> None:
        await loop.readable(left.fileno())

    async def main() -> None:
        first = loop.spawn(read(), "first")
        await loop.sleep(0)
        with pytest.raises(RuntimeError):
            await loop.readable(left.fileno())
        await loop.stop(first)
        number = left.fileno()
        left.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            await loop.readable(number)

    with right:
        run(loop, main())


def test_a_flood_on_one_socket_leaves_turns_for_others(loop: Loop) -> None:
    left, right = socket.socketpair()
    turns = 0

    async def flood() -> None:
        while True:
            await streams.send_all(loop, left, b"x" * 1000)
            await streams.receive(loop, right, 1000)

    async def main() -> None:
        nonlocal turns
        flooding = loop.spawn(flood(), "flood")
        for _ in range(20):
            await loop.sleep(0.001)
            turns += 1
        await loop.stop(flooding)

    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        run(loop, main())
    assert turns == 20


def test_waits_that_ended_early_are_forgotten_long_before_their_deadlines(loop: Loop) -> None:
    kept: list[int] = []

    async def main() -> None:
        event, tasks = Event(loop), []
        earlier = loop.spawn(loop.sleep(30), "has the next deadline")
        for _ in range(3000):
            task = loop.spawn(event.next(time.monotonic() + 60), "waits")
            tasks.append(weakref.ref(task))
            await loop.sleep(0)
            event.pulse()
            await task.done.wait()
        del task
        kept.append(sum(task() is not None for task in tasks))
        await loop.stop(earlier)

    run(loop, main())
    assert kept[0] < 1000


def test_deadlines_hold_also_where_thousands_of_others_came_to_nothing(loop: Loop) -> None:
    passed: list[int] = []

    async def waits(number: int, deadline: float) -> None:
        with pytest.raises(TimeoutError):
            await Event(loop).wait(deadline)
        passed.append(number)

    async def main() -> None:
        event, soon = Event(loop), time.monotonic() + 0.2
        tasks = [loop.spawn(waits(number, soon + number / 10_000), "waits") for number in range(400)]
        for _ in range(2000):
            idle = loop.spawn(event.next(time.monotonic() + 60), "idle")
            await loop.sleep(0)
            event.pulse()
            await idle.done.wait()
        for task in tasks:
            await task.done.wait(time.monotonic() + 5)

    run(loop, main())
    assert passed == list(range(400))
