import asyncio
from collections.abc import AsyncIterator

import pytest

from cloche.live.encoder_keeper import LINGER_S, SOUND_AFTER_S, EncoderKeeper, KeeperEvents
from cloche.live.encoding import EncoderEvents
from cloche.live.model import Codec, Demand, Picture
from cloche.testing.live_stream import JPEG, FakeEncoder, FakeEncoders, FakeTimers

PICTURE = Picture(1, JPEG, 1, 1, 1)
DEMANDS = {Codec.VP8: Demand(1)}


class World:
    def __init__(self) -> None:
        self.timers = FakeTimers()
        self.encoders = FakeEncoders()
        self.heard: list[str] = []
        self.keeper = EncoderKeeper(
            self.encoders,
            self.timers,
            KeeperEvents(
                on_ready=lambda: self.heard.append("ready"),
                on_chunk=lambda _: self.heard.append("chunk"),
                on_done=lambda _: self.heard.append("done"),
                on_end=lambda: self.heard.append("end"),
                on_refused=lambda: self.heard.append("refused"),
            ),
        )

    async def advance(self, seconds: float) -> None:
        until = self.timers.time() + seconds
        await self.settle()
        while self.timers.turn(until):
            await self.settle()

    async def settle(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.keeper.close()
    assert world.timers.pending == 0
    assert all(encoder.is_closed for encoder in world.encoders.made)


async def test_it_is_ready_between_pictures(world: World) -> None:
    assert not world.keeper.is_ready
    world.keeper.want()
    world.keeper.want()
    assert not world.keeper.is_up
    await world.settle()
    assert world.keeper.is_ready
    world.keeper.encode(PICTURE, DEMANDS, frozenset())
    assert world.keeper.is_up
    assert not world.keeper.is_ready
    world.encoders.made[0].finish()
    assert world.keeper.is_ready
    assert world.heard == ["ready", "chunk", "done"]
    assert world.encoders.attempts == 1


async def test_one_that_is_wanted_again_soon_is_the_same(world: World) -> None:
    world.keeper.want()
    await world.settle()
    world.keeper.unwant()
    await world.advance(LINGER_S - 1)
    world.keeper.want()
    await world.advance(LINGER_S * 2)
    assert world.encoders.attempts == 1
    assert not world.encoders.made[0].is_closed


async def test_one_that_is_not_wanted_is_closed_even_if_it_was_just_being_started(world: World) -> None:
    world.keeper.want()
    world.keeper.unwant()
    await world.advance(LINGER_S + 1)
    assert world.encoders.made[0].is_closed
    assert not world.keeper.is_up


async def test_what_an_old_one_says_is_not_heard(world: World) -> None:
    world.keeper.want()
    await world.settle()
    old = world.encoders.made[0]
    world.keeper.encode(PICTURE, DEMANDS, frozenset())
    hand = old.hand
    old.die()
    await world.settle()
    old.hand = hand
    old.finish()
    old.die()
    await world.settle()
    assert world.heard == ["ready", "end", "ready"]
    assert old.is_closed


async def test_a_long_life_makes_the_next_start_at_once(world: World) -> None:
    world.keeper.want()
    await world.settle()
    world.encoders.made[-1].die()
    await world.settle()
    world.encoders.made[-1].die()
    await world.settle()
    assert len(world.encoders.made) == 2
    await world.advance(0.6)
    assert len(world.encoders.made) == 3
    await world.advance(SOUND_AFTER_S)
    world.encoders.made[-1].die()
    await world.settle()
    assert len(world.encoders.made) == 4


async def test_nobody_who_left_has_one_started_for_him(world: World) -> None:
    world.keeper.want()
    await world.settle()
    for _ in range(2):
        world.encoders.made[-1].die()
        await world.settle()
    world.keeper.unwant()
    await world.advance(60)
    assert len(world.encoders.made) == 2
    world.keeper.want()
    await world.settle()
    assert len(world.encoders.made) == 3


@pytest.mark.parametrize("reason", ["encoder_not_confined", "encoder_missing"])
async def test_one_that_cannot_be_had_here_is_not_tried_again(world: World, reason: str) -> None:
    world.encoders.refuses = reason
    world.keeper.want()
    await world.advance(60)
    world.keeper.unwant()
    world.keeper.want()
    await world.settle()
    assert world.heard == ["refused"]
    assert world.keeper.is_refused
    assert world.encoders.attempts == 1


async def test_one_that_does_not_start_is_tried_again(world: World) -> None:
    world.encoders.refuses = "out_of_memory"
    world.keeper.want()
    await world.advance(3)
    assert world.encoders.attempts == 4
    world.encoders.refuses = ""
    await world.advance(5)
    assert world.keeper.is_ready


async def test_one_that_ends_before_it_is_ready_is_replaced() -> None:
    made = []

    async def start(events: EncoderEvents) -> FakeEncoder:
        made.append(FakeEncoder(events))
        if len(made) == 1:
            events.on_end("at once")
        await asyncio.sleep(0)
        return made[-1]

    world = World()
    keeper = EncoderKeeper(
        start,
        world.timers,
        KeeperEvents(
            on_ready=lambda: None,
            on_chunk=lambda _: None,
            on_done=lambda _: None,
            on_end=lambda: None,
            on_refused=lambda: None,
        ),
    )
    keeper.want()
    await world.settle()
    assert len(made) == 2
    assert made[0].is_closed
    assert keeper.is_ready
    await keeper.close()
    await keeper.close()
    assert made[1].is_closed
    keeper.want()
    await world.settle()
    assert len(made) == 2
