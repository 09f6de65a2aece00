"""Room for files that come in side by side."""

import asyncio

import pytest

from cloche.artifacts.accounts import Accounts, Bound, NoRoomError
from cloche.artifacts.rows import Filter, Totals
from cloche.errors import QuotaError
from cloche.ids import PrincipalName

ALICE = Filter(owner=PrincipalName("alice"))


class Stored:
    def __init__(self, size_bytes: int = 0, artifacts: int = 0) -> None:
        self.totals = Totals(size_bytes, artifacts)
        self.asked = 0

    async def __call__(self, wanted: Filter) -> Totals:
        self.asked += 1
        await asyncio.sleep(0)
        return self.totals


def bound(most: int | None = 100, artifacts: int | None = 10, of: Filter = ALICE) -> Bound:
    return Bound(of, most, artifacts, "quota")


async def test_what_is_stored_and_what_is_on_its_way_count_together() -> None:
    accounts = Accounts(Stored(size_bytes=40))
    async with accounts.reserve([bound()]) as one, accounts.reserve([bound()]) as two:
        one.grow(30)
        two.grow(30)
        with pytest.raises(NoRoomError) as no_room:
            two.grow(1)
        assert (no_room.value.reason, no_room.value.seen_bytes) == ("quota", 30)
        one.grow(30)


async def test_side_by_side_the_database_is_asked_once_and_afterwards_again() -> None:
    stored = Stored()
    accounts = Accounts(stored)

    async def take() -> None:
        async with accounts.reserve([bound()]) as room:
            room.grow(10)
            await asyncio.sleep(0)

    await asyncio.gather(*(take() for _ in range(5)))
    assert stored.asked == 1
    stored.totals = Totals(100, 5)
    async with accounts.reserve([bound()]) as room:
        with pytest.raises(NoRoomError):
            room.grow(1)
    assert stored.asked == 2


async def test_places_are_counted_before_anything_is_taken() -> None:
    accounts = Accounts(Stored(artifacts=9))
    async with accounts.reserve([bound()]) as room:
        with pytest.raises(QuotaError):
            async with accounts.reserve([bound()]):
                raise AssertionError("there was no place")
        room.give_back()
        async with accounts.reserve([bound()]):
            pass


async def test_every_account_must_have_the_room() -> None:
    session = Filter(owner=PrincipalName("alice"), kind=None, session_id=None, state=None)
    other = Filter(owner=PrincipalName("bob"))
    accounts = Accounts(Stored())
    async with accounts.reserve([bound(of=session), bound(10, of=other)]) as room:
        with pytest.raises(NoRoomError):
            room.grow(11)
        room.grow(10)
    async with accounts.reserve([bound(None, None)]) as room:
        room.grow(10**12)


async def test_what_is_deleted_meanwhile_makes_room() -> None:
    accounts = Accounts(Stored(size_bytes=100, artifacts=3))
    accounts.freed(ALICE, 50, 1)  # nobody is at work: the database knows it
    async with accounts.reserve([bound()]) as room:
        accounts.freed(ALICE, 60, 1)
        room.grow(60)
        accounts.close(ALICE)
        assert room.is_closed
    async with accounts.reserve([bound()]) as room:
        assert not room.is_closed
