import asyncio

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.ids import SessionId, new_session_id
from cloche.sessions.removals import Removals


class Slow:
    """Removals that wait to be let go, and what they did, in order."""

    def __init__(self) -> None:
        self.inside = 0
        self.most_inside = 0
        self.done: list[str] = []
        self.go_on = asyncio.Event()

    async def remove(self, name: str) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        await self.go_on.wait()
        self.inside -= 1
        self.done.append(name)


def some_id() -> SessionId:
    return new_session_id()


async def test_who_begins_a_removal_does_not_wait_for_it() -> None:
    removals, slow = Removals(), Slow()
    await removals.begin(some_id(), slow.remove("a"))
    assert len(removals) == 1
    assert slow.done == []
    slow.go_on.set()
    await removals.settled()
    assert slow.done == ["a"]
    assert len(removals) == 0


async def test_no_more_than_so_many_are_removed_at_once() -> None:
    removals, slow = Removals(at_once=3), Slow()
    for number in range(10):
        await removals.begin(some_id(), slow.remove(str(number)))
    await asyncio.sleep(0)
    assert slow.inside == 3
    slow.go_on.set()
    await removals.settled()
    assert slow.most_inside == 3
    assert len(slow.done) == 10


async def test_who_ends_more_than_can_be_removed_waits_with_them() -> None:
    removals, slow = Removals(at_once=1, most=2), Slow()
    await removals.begin(some_id(), slow.remove("a"))
    await removals.begin(some_id(), slow.remove("b"))
    third = spawn(removals.begin(some_id(), slow.remove("c")), name="third")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not third.done()
    slow.go_on.set()
    await third
    await removals.settled()
    assert slow.done == ["a", "b", "c"]


async def test_what_a_cancelled_caller_began_is_removed_all_the_same() -> None:
    removals, slow = Removals(at_once=1, most=1), Slow()
    await removals.begin(some_id(), slow.remove("a"))
    second = spawn(removals.begin(some_id(), slow.remove("b")), name="second")
    await asyncio.sleep(0)
    await cancel_and_wait(second)
    slow.go_on.set()
    await removals.settled()
    assert slow.done == ["a", "b"]


async def test_another_sandbox_of_the_same_session_waits_until_the_first_is_gone() -> None:
    removals, slow, session = Removals(), Slow(), some_id()
    await removals.begin(session, slow.remove("a"))
    waiting = spawn(removals.gone(session), name="waiting")
    await removals.gone(some_id())
    await asyncio.sleep(0)
    assert not waiting.done()
    slow.go_on.set()
    await waiting
    assert slow.done == ["a"]


async def test_two_sandboxes_of_one_session_are_removed_one_after_the_other() -> None:
    removals, slow, session = Removals(), Slow(), some_id()
    await removals.begin(session, slow.remove("a"))
    await removals.begin(session, slow.remove("b"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert slow.inside == 1
    slow.go_on.set()
    await removals.gone(session)
    assert slow.done == ["a", "b"]


@pytest.mark.parametrize("error", [OSError("busy"), ValueError("wrong")])
async def test_one_that_fails_is_told_and_takes_no_place(error: Exception) -> None:
    async def fail() -> None:
        raise error

    removals, slow = Removals(at_once=1, most=1), Slow()
    slow.go_on.set()
    with capture_logs() as logs:
        await removals.begin(some_id(), fail())
        await removals.begin(some_id(), slow.remove("a"))
        await removals.settled()
    assert [entry["event"] for entry in logs] == ["sandbox_not_removed"]
    assert slow.done == ["a"]
