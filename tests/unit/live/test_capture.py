import pytest

from cloche.live.capture import LINGER_S, Capture
from cloche.live.screencast import CaptureParams
from cloche.testing.live_stream import FakeScreencast, FakeTimers


class World:
    def __init__(self) -> None:
        self.timers = FakeTimers()
        self.screencast = FakeScreencast()
        self.stops: list[None] = []
        self.fps: list[float] = []
        self.capture = Capture(
            self.screencast,
            CaptureParams(),
            self.timers,
            on_stop=lambda: self.stops.append(None),
            on_fps=self.fps.append,
        )
        self.token = 0

    def arrive(self) -> int:
        self.token += 1
        self.capture.arrived(self.token)
        return self.token

    def advance(self, seconds: float) -> None:
        until = self.timers.time() + seconds
        while self.timers.turn(until):
            pass

    def chromium(self, seconds: float, *, take_every_s: float) -> tuple[int, int]:
        """As Chromium does it: sixty pictures a second, three at most in flight. How many came and were taken."""
        came = taken = 0
        take_at = self.timers.time()
        for _ in range(round(seconds * 60)):
            if self.token - len(self.screencast.acknowledged) < 3:
                self.arrive()
                came += 1
            if self.timers.time() >= take_at:
                self.capture.taken()
                taken += 1
                take_at = self.timers.time() + take_every_s
            self.advance(1 / 60)
        return came, taken


@pytest.fixture
def world() -> World:
    world = World()
    world.capture.want()
    return world


def test_it_starts_once_and_stops_after_a_while(world: World) -> None:
    world.capture.want()
    assert len(world.screencast.started) == 1
    world.capture.unwant()
    world.advance(LINGER_S - 0.1)
    assert world.screencast.stopped == 0
    world.advance(0.2)
    assert world.screencast.stopped == 1
    assert len(world.stops) == 1
    assert not world.capture.is_on
    assert world.timers.pending == 0


def test_what_is_taken_is_acknowledged_and_what_is_not_waits(world: World) -> None:
    first = world.arrive()
    assert world.screencast.acknowledged == []
    world.capture.taken()
    world.capture.taken()
    assert world.screencast.acknowledged == [first]


def test_who_takes_fast_gets_all_there_are(world: World) -> None:
    came, taken = world.chromium(4, take_every_s=0)
    assert came == taken == 240


def test_who_takes_slowly_makes_the_browser_slow_but_not_late(world: World) -> None:
    world.chromium(4, take_every_s=0.25)
    came, taken = world.chromium(10, take_every_s=0.25)
    assert 1.5 * taken <= came <= 3 * taken


def test_a_cap_is_kept(world: World) -> None:
    world.capture.max_fps = 12
    came, _ = world.chromium(10, take_every_s=0)
    assert 115 <= came <= 125


def test_while_nobody_watches_few_come(world: World) -> None:
    world.chromium(1, take_every_s=0)
    world.capture.unwant()
    came = 0
    for _ in range(100):
        if world.token - len(world.screencast.acknowledged) < 3:
            world.arrive()
            came += 1
        world.advance(1 / 60)
    assert came <= 12


def test_after_dense_pictures_the_last_is_asked_for_once(world: World) -> None:
    world.chromium(1, take_every_s=0)
    world.capture.look_again()
    assert len(world.screencast.started) == 2
    world.arrive()
    world.capture.taken()
    world.capture.look_again()
    assert len(world.screencast.started) == 2


def test_looking_again_does_not_go_on_for_ever(world: World) -> None:
    world.chromium(1, take_every_s=0)
    for _ in range(5):
        before = len(world.screencast.started)
        world.capture.look_again()
        for _ in range(2 * (len(world.screencast.started) - before)):
            world.arrive()
            world.capture.taken()
            world.advance(0.05)
        world.advance(0.3)
    assert len(world.screencast.started) == 2


def test_movement_after_looking_again_is_movement(world: World) -> None:
    world.chromium(1, take_every_s=0)
    world.capture.look_again()
    world.chromium(1, take_every_s=0)
    world.capture.look_again()
    assert len(world.screencast.started) == 3


def test_after_single_pictures_nothing_can_be_missing(world: World) -> None:
    for _ in range(10):
        world.arrive()
        world.capture.taken()
        world.advance(0.5)
    world.capture.look_again()
    assert len(world.screencast.started) == 1


def test_beginning_anew_acknowledges_all(world: World) -> None:
    world.capture.max_fps = 1
    tokens = [world.arrive() for _ in range(3)]
    world.capture.begin_anew()
    assert world.screencast.acknowledged == tokens
    assert len(world.screencast.started) == 2
    assert world.timers.pending == 0


def test_without_a_browser_nothing_is_acknowledged(world: World) -> None:
    world.capture.max_fps = 1
    world.arrive()
    world.arrive()
    world.arrive()
    before = len(world.screencast.acknowledged)
    world.capture.browser_gone()
    world.capture.taken()
    world.advance(10)
    assert len(world.screencast.acknowledged) == before


def test_how_fast_pictures_come_is_told_while_they_come_densely(world: World) -> None:
    world.chromium(10, take_every_s=0)
    assert all(fps == pytest.approx(60, rel=0.05) for fps in world.fps)
    assert 4 <= len(world.fps) <= 5
    for _ in range(100):
        world.arrive()
        world.capture.taken()
        world.advance(1)
    assert len(world.fps) <= 5


def test_when_it_is_off_a_straggler_is_let_go() -> None:
    world = World()
    world.arrive()
    assert world.screencast.acknowledged == [1]
    world.capture.begin_anew()
    world.capture.look_again()
    world.capture.close()
    assert world.screencast.started == []
    assert world.screencast.stopped == 0
