import asyncio

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import NoRoomError
from cloche.ids import PrincipalName
from cloche.sessions.waiting.place import TELL_EVERY_S, Place, State
from cloche.testing.cancelling import cancelled_at


class Keeper:
    """Remembers what became of its places."""

    def __init__(self) -> None:
        self.gone: list[State] = []
        self.position = 3

    def position_of(self, place: Place) -> int:
        return self.position

    def tell(self, place: Place) -> None:
        place.stands_at(self.position, 9, 0.0)

    def left(self, place: Place, was: State) -> None:
        self.gone.append(was)


def place_of(keeper: Keeper) -> Place:
    return Place(keeper, PrincipalName("ann"), since=100.0, deadline=160.0)


async def test_a_place_is_waited_for_then_held_then_given_back_once() -> None:
    keeper = Keeper()
    place = place_of(keeper)
    assert (place.is_waiting, place.position) == (True, 3)
    place.grant(112.5)
    await place.granted()
    assert (place.is_waiting, place.position, place.waited_s) == (False, None, 12.5)
    place.give_back()
    place.give_back()
    assert keeper.gone == [State.HELD]


async def test_who_is_refused_is_told_why_and_has_nothing_to_give_back() -> None:
    keeper = Keeper()
    place = place_of(keeper)
    place.refuse(NoRoomError("no", reason="queue_timeout"))
    with pytest.raises(NoRoomError) as caught:
        await place.granted()
    assert caught.value.fields["reason"] == "queue_timeout"
    place.give_back()
    assert keeper.gone == []


async def test_a_wait_cancelled_before_its_turn_leaves_the_queue() -> None:
    keeper = Keeper()
    assert await cancelled_at(place_of(keeper).granted(), 0)
    assert keeper.gone == [State.WAITING]


async def test_a_wait_cancelled_in_the_moment_of_its_turn_gives_the_place_back() -> None:
    keeper = Keeper()
    place = place_of(keeper)
    waiting = spawn(place.granted(), name="waiting")
    await asyncio.sleep(0)
    place.grant(101.0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert keeper.gone == [State.HELD]


async def test_given_back_before_its_turn_it_ends_the_wait_too() -> None:
    keeper = Keeper()
    place = place_of(keeper)
    waiting = spawn(place.granted(), name="waiting")
    await asyncio.sleep(0)
    place.give_back()
    with pytest.raises(NoRoomError):
        await waiting
    assert keeper.gone == [State.WAITING]


async def test_who_waits_is_told_at_once_and_then_of_each_move_but_not_too_often() -> None:
    keeper = Keeper()
    place, told = place_of(keeper), list[tuple[int, int]]()
    waiting = spawn(place.granted(lambda *now: told.append(now)), name="waiting")
    await asyncio.sleep(0)
    for position, now in ((3, 5.0), (2, 0.5), (2, TELL_EVERY_S), (1, TELL_EVERY_S + 0.5), (1, 2 * TELL_EVERY_S)):
        place.stands_at(position, 9, now)
    place.grant(200.0)
    await waiting
    assert told == [(3, 9), (2, 9), (1, 9)]
