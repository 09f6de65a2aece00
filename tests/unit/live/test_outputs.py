import pytest

from cloche.live.fanout import JpegSubscription, VideoSubscription
from cloche.live.model import Chunk, Codec
from cloche.live.outputs import KEY_EVERY_S, NEVER, SmallJpegOutput, VideoOutput


class Owner:
    """Hears nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def output(viewers: int = 1) -> VideoOutput:
    made = VideoOutput(Codec.VP8, target=3_000_000, least=150_000, max_fps=60)
    made.viewers = [VideoSubscription(Codec.VP8, Owner(), lambda: 0.0) for _ in range(viewers)]  # type: ignore[arg-type]
    return made


def chunk(*, key: bool = False, size: int = 100) -> Chunk:
    return Chunk(Codec.VP8, 1, bytes(size), key, 1, 1, 1)


def test_nobody_needs_nothing() -> None:
    assert output(0).due_at(1, 0) == NEVER


def test_a_picture_is_due_once() -> None:
    video = output()
    assert video.due_at(1, 0) <= 0
    assert video.needs_key(1, 0)
    video.submitted(1, 0, is_key=True)
    video.publish(chunk(key=True), 0)
    assert video.due_at(1, 1) == NEVER
    assert video.due_at(2, 1) <= 1
    assert not video.needs_key(2, 1)


def test_a_key_frame_comes_with_the_next_picture_if_it_is_time() -> None:
    video = output()
    video.submitted(1, 0, is_key=True)
    video.publish(chunk(key=True), 0)
    video.ask_key()
    assert video.due_at(1, 0.1) == pytest.approx(KEY_EVERY_S)
    assert not video.needs_key(2, 0.1)
    assert video.needs_key(2, KEY_EVERY_S)


def test_links_that_are_hopeless_are_left_behind_where_others_watch() -> None:
    video = output(3)
    video.viewers[0].link.trouble(0, 50_000)
    assert video.demand(0).bits_per_second == 3_000_000
    video.viewers[1].link.trouble(1, 2_000_000)
    assert video.demand(1).bits_per_second == 2_000_000
    for viewer in video.viewers:
        viewer.link.trouble(2, 50_000)
    assert video.demand(2).bits_per_second < 1_500_000


def test_the_only_viewer_is_served_however_slow_its_link() -> None:
    video = output()
    for step in range(100):
        video.viewers[0].link.trouble(step / 2, 50_000)
        bits = video.demand(step / 2).bits_per_second
    assert bits == 150_000
    assert video.fps == 12


def test_video_is_as_fast_as_the_one_who_wants_most() -> None:
    video = output(2)
    video.viewers[0].max_fps = 5
    assert video.fps == 60
    video.viewers[1].max_fps = 20
    assert video.fps == 20
    video.submitted(1, 0, is_key=True)
    video.publish(chunk(key=True), 0)
    assert video.due_at(2, 0.01) == pytest.approx(0.05)


def test_small_pictures_are_made_when_one_of_their_viewers_can_take_one() -> None:
    small = SmallJpegOutput(60)
    assert small.due_at(1, 0) == NEVER
    viewer = JpegSubscription(Owner(), lambda: 0.0)  # type: ignore[arg-type]
    small.viewers = [viewer]
    assert small.fps == 60
    assert small.due_at(1, 0) == NEVER, "nobody waits"
    viewer._askers = 1
    assert small.due_at(1, 0) <= 0
    small.submitted(1)
    assert small.due_at(1, 0) == NEVER
    small.begin_anew()
    small.came_to_nothing(1)
    assert small.due_at(1, 0) == NEVER
    assert small.due_at(2, 0) <= 0
