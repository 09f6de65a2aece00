import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.live.fanout import JpegSubscription, VideoSubscription
from cloche.live.model import Chunk, Codec
from cloche.live.stream import StreamSettings
from cloche.live.watching import StreamEndedError
from cloche.testing.live_stream import JPEG, StreamWorld

Subscription = VideoSubscription | JpegSubscription


@pytest.fixture
async def world() -> AsyncIterator[StreamWorld]:
    world = StreamWorld()
    yield world
    await world.stream.close()
    assert world.timers.pending == 0


class Viewer:
    """Takes whatever comes, and acknowledges it if it is asked to."""

    def __init__(self, subscription: Subscription, *, acknowledges: bool = False) -> None:
        self.subscription = subscription
        self.chunks: list[Chunk] = []
        self.has_ended = False
        self._acknowledges = acknowledges
        self.task = spawn(self._watch(), name="viewer")

    async def _watch(self) -> None:
        try:
            while True:
                chunk = await self.subscription.next()
                self.chunks.append(chunk)
                if self._acknowledges:
                    self.subscription.acknowledge(chunk.seq)
        except StreamEndedError:
            self.has_ended = True

    async def leave(self) -> None:
        self.subscription.close()
        await self.task


@pytest.fixture
async def watch(world: StreamWorld) -> AsyncIterator[Callable[..., Viewer]]:
    viewers: list[Viewer] = []

    def begin(codec: Codec = Codec.H264, *, acks: bool = False, **options: object) -> Viewer:
        viewers.append(Viewer(world.stream.watch(codec, **options), acknowledges=acks))  # type: ignore[arg-type]
        return viewers[-1]

    yield begin
    for viewer in viewers:
        viewer.subscription.close()
    await cancel_and_wait(*(viewer.task for viewer in viewers))


async def test_nothing_happens_before_somebody_watches(world: StreamWorld) -> None:
    await world.settle()
    assert world.screencast.started == []
    assert world.encoders.attempts == 0
    assert world.timers.pending == 0


async def test_the_first_viewer_starts_capture_and_the_encoder(world, watch) -> None:
    watch(Codec.H264)
    await world.settle()
    (params,) = world.screencast.started
    assert (params.quality, params.max_width, params.every_nth_frame) == (80, 1920, 1)
    assert len(world.encoders.made) == 1
    watch(Codec.VP8)
    await world.settle()
    assert len(world.screencast.started) == len(world.encoders.made) == 1


async def test_viewers_of_jpeg_alone_need_no_encoder(world, watch) -> None:
    viewer = watch(Codec.JPEG, acks=True)
    token = await world.picture()
    assert world.encoders.attempts == 0
    (chunk,) = viewer.chunks
    assert chunk.data is JPEG or chunk.data == JPEG
    assert (chunk.is_key, chunk.width, chunk.height) == (True, 0, 0)
    assert world.screencast.acknowledged == [token]


async def test_capture_lingers_for_a_reload_and_then_stops(world, watch) -> None:
    await watch(Codec.H264).leave()
    await world.advance(1.9)
    viewer = watch(Codec.H264)
    await world.advance(5)
    assert world.screencast.stopped == 0
    assert len(world.screencast.started) == 1
    await viewer.leave()
    await world.advance(2.1)
    assert world.screencast.stopped == 1


@pytest.mark.promise("nobody-watching-costs-nothing")
async def test_the_encoder_lingers_longer_and_then_nothing_is_left(world, watch) -> None:
    await watch(Codec.H264).leave()
    await world.advance(9.9)
    assert not world.encoder.is_closed
    await world.advance(0.2)
    assert world.encoder.is_closed
    assert world.timers.pending == 0
    watch(Codec.H264)
    await world.settle()
    assert len(world.encoders.made) == 2
    assert len(world.screencast.started) == 2


async def test_a_picture_of_before_a_pause_is_not_shown_after_it(world, watch) -> None:
    viewer = watch(Codec.JPEG)
    await world.picture()
    await viewer.leave()
    await world.advance(3)
    again = watch(Codec.JPEG)
    await world.settle()
    assert again.chunks == []


async def test_a_picture_goes_to_every_codec_that_is_watched_and_is_encoded_once_for_each(world, watch) -> None:
    viewers = [watch(Codec.H264), watch(Codec.H264), watch(Codec.VP8), watch(Codec.JPEG)]
    await world.settle()
    await world.picture()
    await world.encode()
    (job,) = world.jobs
    assert set(job.demands) == {Codec.H264, Codec.VP8}
    assert job.demands[Codec.H264].bits_per_second == 3_000_000
    assert [len(viewer.chunks) for viewer in viewers] == [1, 1, 1, 1]
    assert viewers[0].chunks[0] is viewers[1].chunks[0]


async def test_a_picture_is_acknowledged_once_the_encoder_has_it(world, watch) -> None:
    watch()
    await world.settle()
    first = await world.picture()
    assert world.screencast.acknowledged == [first]
    second = await world.picture()
    assert world.screencast.acknowledged == [first]
    await world.encode()
    assert world.screencast.acknowledged == [first, second]


async def test_a_newer_picture_takes_the_place_of_the_one_that_waits(world, watch) -> None:
    watch()
    await world.settle()
    first = await world.picture()
    second = await world.picture(JPEG + b"2")
    await world.advance(0.02)
    third = await world.picture(JPEG + b"3")
    assert world.screencast.acknowledged == [first, second]
    await world.encode()
    assert [job.picture.jpeg for job in world.jobs] == [JPEG, JPEG + b"3"]
    assert world.screencast.acknowledged == [first, second, third]


async def test_pictures_are_numbered_and_their_times_go_forward(world, watch) -> None:
    watch()
    await world.settle()
    await world.movement(0.2)
    await world.advance(3, encoding=True)
    pictures = [job.picture for job in world.jobs]
    assert [one.seq for one in pictures] == sorted({one.seq for one in pictures})
    times = [one.taken_at_ms for one in pictures]
    assert times == sorted(set(times))


@pytest.mark.parametrize("codec", [Codec.H264, Codec.VP8, Codec.JPEG])
async def test_who_joins_a_page_at_rest_gets_its_picture_at_once(world, watch, codec) -> None:
    watch(Codec.H264)
    await world.settle()
    await world.picture()
    await world.advance(60, encoding=True)
    late = watch(codec)
    await world.settle()
    await world.encode()
    assert len(late.chunks) == 1
    assert late.chunks[0].is_key
    wall_ms = int(world.clock.now().timestamp() * 1000)
    assert abs(late.chunks[0].taken_at_ms - wall_ms) < 100


async def test_a_page_at_rest_costs_nothing(world, watch) -> None:
    watch(Codec.H264, acknowledges=True, acks=True)
    watch(Codec.VP8, acknowledges=True, acks=True)
    watch(Codec.JPEG, acks=True)
    await world.settle()
    await world.movement(1)
    await world.advance(5, encoding=True)
    jobs, acknowledged = len(world.jobs), len(world.screencast.acknowledged)
    started = len(world.screencast.started)
    assert world.timers.pending == 0
    await world.advance(600, encoding=True)
    assert len(world.jobs) == jobs
    assert len(world.screencast.acknowledged) == acknowledged
    assert len(world.screencast.started) == started


async def test_a_page_that_came_to_rest_is_encoded_again_until_it_gets_no_better(world, watch) -> None:
    viewer = watch(acknowledges=True, acks=True)
    await world.settle()
    world.encoder.chunk_bytes = 20_000
    await world.picture()
    await world.encode()
    await world.advance(0.29, encoding=True)
    assert len(viewer.chunks) == 1
    await world.advance(0.02, encoding=True)
    assert [chunk.is_key for chunk in viewer.chunks] == [True, False]
    await world.advance(60, encoding=True)
    assert len(viewer.chunks) == 3


async def test_a_small_change_is_not_encoded_again(world, watch) -> None:
    """A blinking caret costs what it costs, not twice as much."""
    watch()
    await world.settle()
    await world.movement(1, fps=2)
    jobs = len(world.jobs)
    await world.movement(10, fps=2)
    assert len(world.jobs) - jobs == 20
    assert len(world.screencast.started) == 1


async def test_what_was_drawn_last_is_asked_for_once_when_pictures_may_have_been_lost(world, watch) -> None:
    watch()
    await world.settle()
    await world.movement(0.5)
    assert len(world.screencast.started) == 1
    await world.advance(0.4, encoding=True)
    assert len(world.screencast.started) == 2
    await world.picture(JPEG + b"last")
    await world.encode()
    assert world.jobs[-1].picture.jpeg == JPEG + b"last"
    await world.advance(60, encoding=True)
    assert len(world.screencast.started) == 2


async def test_key_frames_come_when_asked_for_but_not_too_often(world, watch) -> None:
    viewer = watch()
    await world.settle()
    await world.picture()
    await world.encode()
    await world.advance(1, encoding=True)
    for _ in range(100):
        viewer.subscription.ask_key()
    await world.settle()
    await world.encode()
    assert sum(chunk.is_key for chunk in viewer.chunks) == 2
    for _ in range(20):
        viewer.subscription.ask_key()
        await world.advance(0.1, encoding=True)
    assert sum(chunk.is_key for chunk in viewer.chunks) in (5, 6)


async def test_who_has_had_no_key_frame_does_not_wait_for_one(world, watch) -> None:
    watch()
    await world.settle()
    await world.picture()
    await world.encode()
    for _ in range(5):
        late = watch()
        await world.settle()
        await world.encode()
        assert [chunk.is_key for chunk in late.chunks] == [True]


async def test_video_begins_with_a_key_frame_in_the_midst_of_movement(world, watch) -> None:
    watch()
    await world.settle()
    await world.movement(0.2)
    await world.picture()
    late = watch()
    await world.encode()
    await world.movement(0.2)
    assert late.chunks[0].is_key
    assert not any(chunk.is_key for chunk in late.chunks[1:])


async def test_another_page_begins_with_a_key_frame_of_its_own(world, watch) -> None:
    h264, vp8 = watch(Codec.H264), watch(Codec.VP8)
    await world.settle()
    await world.movement(0.2)
    world.stream.page_changed()
    assert len(world.screencast.started) == 2
    await world.advance(0.1, encoding=True)
    keys = [sum(chunk.is_key for chunk in viewer.chunks) for viewer in (h264, vp8)]
    assert keys == [1, 1]
    await world.picture(JPEG + b"other")
    await world.encode()
    assert h264.chunks[-1].is_key
    assert vp8.chunks[-1].is_key
    await world.picture(JPEG + b"other 2")
    await world.encode()
    assert not h264.chunks[-1].is_key


async def test_every_picture_is_acknowledged_before_the_screencast_begins_anew(world, watch) -> None:
    watch()
    await world.settle()
    tokens = [await world.picture() for _ in range(3)]
    world.stream.page_changed()
    assert world.screencast.acknowledged == tokens


async def test_the_last_picture_stays_while_there_is_no_browser(world, watch) -> None:
    watch()
    await world.settle()
    await world.picture()
    await world.encode()
    waiting = await world.picture()
    waiting = await world.picture()
    world.stream.browser_gone()
    await world.encode()
    await world.advance(5, encoding=True)
    assert waiting not in world.screencast.acknowledged
    late = watch(Codec.VP8)
    await world.settle()
    await world.encode()
    assert len(late.chunks) == 1
    before = len(world.screencast.started)
    world.stream.browser_back()
    assert len(world.screencast.started) == before + 1
    await world.picture()
    await world.encode()
    assert late.chunks[-1].is_key


async def test_an_encoder_that_ends_is_replaced_at_once_and_begins_with_a_key_frame(world, watch) -> None:
    viewer = watch()
    await world.settle()
    await world.movement(0.2)
    await world.picture()
    world.encoder.die()
    await world.settle()
    assert len(world.encoders.made) == 2
    before = len(viewer.chunks)
    await world.encode()
    await world.movement(0.2)
    assert viewer.chunks[before].is_key
    assert world.registry.get_sample_value("cloche_live_encoder_restarts_total") == 1


async def test_an_encoder_that_ends_again_and_again_is_started_ever_later(world, watch) -> None:
    watch()
    await world.settle()
    started_at = []
    for _ in range(6):
        world.encoder.die()
        before = world.timers.time()
        made = len(world.encoders.made)
        while len(world.encoders.made) == made:
            await world.settle()
            if len(world.encoders.made) == made:
                await world.advance(0.1)
        started_at.append(round(world.timers.time() - before, 1))
    assert started_at == [0, 0.5, 1, 2, 5, 5]


async def test_viewers_of_jpeg_do_not_notice_that_the_encoder_is_gone(world, watch) -> None:
    video, jpeg = watch(), watch(Codec.JPEG, acks=True)
    await world.settle()
    await world.movement(0.2)
    world.encoders.refuses = "out_of_memory"
    world.encoder.die()
    before = len(jpeg.chunks)
    await world.movement(1, encoding=False)
    assert len(jpeg.chunks) == before + 50
    assert not video.has_ended


async def test_without_an_encoder_and_others_the_browser_is_held_back(world, watch) -> None:
    world.encoders.refuses = "out_of_memory"
    watch()
    await world.settle()
    await world.movement(2, encoding=False)
    assert len(world.screencast.acknowledged) <= 10


async def test_a_picture_that_ends_two_encoders_is_not_given_to_a_third(world, watch) -> None:
    viewer = watch()
    await world.settle()
    await world.picture()
    world.encoder.die()
    await world.settle()
    assert world.encoder.hand is not None
    world.encoder.die()
    await world.advance(1)
    assert len(world.encoders.made) == 3
    assert world.encoder.jobs == []
    await world.picture()
    await world.encode()
    assert len(viewer.chunks) == 1


async def test_a_picture_that_cannot_be_decoded_is_tried_once(world, watch) -> None:
    viewer = watch()
    await world.settle()
    await world.picture()
    world.encoder.fail()
    await world.advance(10, encoding=True)
    assert len(world.jobs) == 1
    await world.picture()
    await world.encode()
    assert viewer.chunks[0].is_key


async def test_a_codec_of_which_nothing_comes_does_not_disturb_another(world, watch) -> None:
    watch(Codec.H264)
    await world.settle()
    world.encoder.cannot = {Codec.H264}
    await world.picture()
    await world.encode()
    vp8 = watch(Codec.VP8)
    await world.settle()
    await world.encode()
    assert [set(job.demands) for job in world.jobs] == [{Codec.H264}, {Codec.VP8}]
    assert len(vp8.chunks) == 1
    await world.picture()
    assert set(world.jobs[-1].demands) == {Codec.H264, Codec.VP8}


async def test_who_joins_a_page_at_rest_sees_it_get_better(world, watch) -> None:
    await world.settle()
    watch(Codec.H264, acknowledges=True, acks=True)
    await world.settle()
    world.encoder.chunk_bytes = 20_000
    await world.picture()
    await world.advance(60, encoding=True)
    late = watch(Codec.H264, acknowledges=True, acks=True)
    await world.settle()
    await world.encode()
    await world.advance(60, encoding=True)
    assert [chunk.is_key for chunk in late.chunks] == [True, False, False]
    assert world.timers.pending == 0


async def test_a_small_picture_that_was_lost_with_the_encoder_is_made_again(world, watch) -> None:
    watch(Codec.H264)
    slow = watch(Codec.JPEG)
    await world.settle()
    while slow.subscription.level == 0:
        await world.movement(0.4)
        slow.subscription.acknowledge(slow.chunks[-1].seq)
    await world.settle()
    await world.encode()
    await world.movement(0.2)
    slow.subscription.acknowledge(slow.chunks[-1].seq)
    await world.settle()
    await world.encode()
    slow.subscription.acknowledge(slow.chunks[-1].seq)
    await world.settle()
    await world.picture(JPEG + b"lost")
    assert Codec.JPEG in world.encoder.hand.demands
    world.encoder.die()
    await world.settle()
    await world.encode()
    assert Codec.JPEG in world.jobs[-1].demands
    assert world.jobs[-1].picture.jpeg == JPEG + b"lost"


async def test_where_the_encoder_cannot_be_confined_video_ends_and_jpeg_goes_on(world, watch) -> None:
    world.encoders.refuses = "encoder_not_confined"
    video, jpeg = watch(), watch(Codec.JPEG, acks=True)
    await world.settle()
    assert video.has_ended
    await world.movement(0.5, encoding=False)
    assert len(jpeg.chunks) == 25
    with pytest.raises(StreamEndedError):
        await world.stream.watch(Codec.VP8).next()
    await world.advance(60)
    assert world.encoders.attempts == 1


async def test_capture_is_no_faster_than_is_allowed() -> None:
    world = StreamWorld(StreamSettings(max_fps=10))
    subscription = world.stream.watch(Codec.H264)
    await world.settle()
    viewer = Viewer(subscription)
    in_flight: list[int] = []
    for _ in range(200):
        done = set(world.screencast.acknowledged)
        in_flight = [token for token in in_flight if token not in done]
        if len(in_flight) < 3:
            in_flight.append(await world.picture())
        await world.encode()
        await world.advance(0.02, encoding=True)
    # Four seconds.
    assert 36 <= len(viewer.chunks) <= 44
    assert len(world.screencast.acknowledged) <= 46
    await viewer.leave()
    await world.stream.close()


async def test_each_viewer_of_jpeg_gets_as_many_pictures_as_it_wants(world, watch) -> None:
    slow, fast = watch(Codec.JPEG, acks=True, max_fps=5), watch(Codec.JPEG, acks=True)
    await world.movement(4, encoding=False)
    assert 18 <= len(slow.chunks) <= 22
    assert len(fast.chunks) == 200
    await world.advance(1)
    assert slow.chunks[-1].data == fast.chunks[-1].data
    assert slow.chunks[-1].seq == fast.chunks[-1].seq


async def test_one_who_wants_few_frames_does_not_slow_video_down_for_others(world, watch) -> None:
    slow, fast = watch(max_fps=5), watch()
    await world.settle()
    await world.movement(1)
    assert len(fast.chunks) == len(slow.chunks) == 50


async def test_codecs_of_different_pace_do_not_cost_each_other_key_frames(world, watch) -> None:
    """The encoder forgets a codec that is left out of a picture."""
    slow, fast, small = watch(Codec.H264, max_fps=10), watch(Codec.VP8), watch(Codec.JPEG)
    await world.settle()
    for _ in range(10):
        await world.movement(0.4)
        small.subscription.acknowledge(small.chunks[-1].seq)
    await world.advance(5, encoding=True)
    for viewer in (slow, fast):
        assert sum(chunk.is_key for chunk in viewer.chunks) == 1
    assert small.subscription.level > 0


async def test_a_viewer_behind_on_its_acknowledgements_is_sent_nothing_until_it_catches_up(world, watch) -> None:
    viewer, other = watch(acknowledges=True), watch(acks=True)
    await world.settle()
    await world.movement(4)
    got = len(viewer.chunks)
    assert got < 150
    assert viewer.subscription.unacknowledged_since is not None
    assert len(other.chunks) == 200
    assert sum(chunk.is_key for chunk in other.chunks) == 1
    assert world.jobs[-1].demands[Codec.H264].bits_per_second == 3_000_000, "the other's link takes it"
    viewer.subscription.acknowledge(viewer.chunks[-1].seq)
    await world.settle()
    await world.encode()
    await world.movement(0.5)
    assert viewer.chunks[got].is_key
    assert viewer.subscription.unacknowledged_since is None


async def test_a_link_that_fell_behind_lowers_the_rate_and_then_the_class(world, watch) -> None:
    viewer = watch()
    watch()
    await world.settle()
    world.encoder.chunk_bytes = 7_500
    await world.movement(2)
    viewer.subscription.set_rate(600_000)
    await world.movement(1)
    rate = world.jobs[-1].demands[Codec.H264].bits_per_second
    assert rate == 1_350_000
    before = len(world.jobs)
    await world.movement(4)
    assert world.jobs[-1].demands[Codec.H264].bits_per_second == 600_000
    world.jobs.clear()
    before = len(world.jobs)
    await world.movement(2)
    assert 50 <= len(world.jobs) - before <= 66


async def test_the_last_picture_is_encoded_even_if_it_came_too_soon(world, watch) -> None:
    viewer = watch(max_fps=10)
    await world.settle()
    await world.picture(JPEG + b"1")
    await world.encode()
    await world.picture(JPEG + b"2")
    await world.advance(0.09, encoding=True)
    await world.advance(0.02, encoding=True)
    assert world.jobs[-1].picture.jpeg == JPEG + b"2"
    assert len(viewer.chunks) == 2


async def test_a_viewer_that_never_reads_costs_little_and_disturbs_nobody(world, watch) -> None:
    idle = world.stream.watch(Codec.H264)
    viewer = watch()
    await world.settle()
    world.encoder.chunk_bytes = 20_000
    await world.movement(20)
    assert len(viewer.chunks) >= 1000
    assert sum(chunk.is_key for chunk in viewer.chunks) <= 2
    assert idle.dropped >= 990
    assert len(idle._waiting) <= 8
    idle.close()


async def test_a_viewer_that_reads_again_goes_on_with_a_key_frame(world, watch) -> None:
    idle = world.stream.watch(Codec.H264)
    await world.settle()
    await world.movement(2)
    late = Viewer(idle)
    await world.settle()
    await world.encode()
    await world.movement(1)
    assert late.chunks[0].is_key
    assert len(late.chunks) >= 49
    await late.leave()


async def test_a_recording_keeps_up_over_a_pause(world) -> None:
    recording = world.stream.watch(Codec.VP8, keeps_up=True)
    await world.settle()
    await world.movement(10)
    assert recording.dropped == 0
    viewer = Viewer(recording)
    await world.settle()
    assert len(viewer.chunks) == 500
    await viewer.leave()


async def test_a_viewer_of_jpeg_that_does_not_acknowledge_gets_two_pictures(world, watch) -> None:
    viewer = watch(Codec.JPEG)
    await world.movement(2, encoding=False)
    assert len(viewer.chunks) == 2
    assert viewer.subscription.unacknowledged_since == pytest.approx(1000.0, abs=0.1)
    await world.picture(JPEG + b"newest")
    viewer.subscription.acknowledge(viewer.chunks[-1].seq)
    await world.settle()
    assert viewer.chunks[-1].data == JPEG + b"newest"
    assert viewer.subscription.unacknowledged_since is None


async def test_a_slow_link_gets_small_pictures_and_a_fast_one_the_browsers_own(world, watch) -> None:
    fast, slow = watch(Codec.JPEG, acks=True), watch(Codec.JPEG)
    seen = 0
    for _ in range(40):
        await world.movement(0.2)
        if len(slow.chunks) > seen:
            slow.subscription.acknowledge(slow.chunks[seen].seq)
            seen += 1
        await world.settle()
        await world.encode()
    assert len(fast.chunks) == 400
    assert all(chunk.data == JPEG for chunk in fast.chunks)
    assert slow.subscription.level == 3
    demand = world.jobs[-1].demands[Codec.JPEG]
    assert (demand.quality, demand.scale) == (40, 0.5)
    assert len(slow.chunks[-1].data) == 500
    assert slow.chunks[-1].width == 1280
    # Only as many as it takes are made.
    assert len(world.jobs) <= 60
    await world.advance(5, encoding=True)
    slow.subscription.acknowledge(slow.chunks[-1].seq)
    await world.advance(5, encoding=True)
    assert slow.chunks[-1].data == JPEG, "at rest it gets the picture as it is"
    assert world.timers.pending == 0


@pytest.mark.parametrize(
    ("jpeg", "taken_at_ms", "width", "height"),
    [
        (b"", 0, 0, 0),
        (b"<html>", 1, 1, 1),
        (JPEG + bytes(9 << 20), 1, 1, 1),
        (JPEG, -5, -1, -1),
        (JPEG, 1 << 70, 1 << 70, 1 << 70),
    ],
)
async def test_whatever_the_browser_sends_is_bounded(world, watch, jpeg, taken_at_ms, width, height) -> None:
    viewer = watch(Codec.JPEG, acks=True)
    world.stream.took(jpeg, taken_at_ms, width, height, 7)
    await world.settle()
    assert world.screencast.acknowledged == [7]
    for chunk in viewer.chunks:
        assert chunk.data.startswith(b"\xff\xd8\xff")
        assert chunk.taken_at_ms == int(world.clock.now().timestamp() * 1000)


async def test_pictures_that_come_when_nobody_watches_are_let_go(world) -> None:
    token = await world.picture()
    assert world.screencast.acknowledged == [token]
    assert world.timers.pending == 0


async def test_close_ends_every_subscription_and_the_encoder() -> None:
    world = StreamWorld()
    viewers = [Viewer(world.stream.watch(codec)) for codec in Codec]
    await world.settle()
    await world.picture()
    await world.stream.close()
    await world.settle()
    assert all(viewer.has_ended for viewer in viewers)
    assert world.encoder.is_closed
    assert world.screencast.stopped == 1
    assert world.timers.pending == 0
    for codec in Codec:
        with pytest.raises(StreamEndedError):
            await world.stream.watch(codec).next()
    for viewer in viewers:
        viewer.subscription.close()
    await world.stream.close()


async def test_closing_while_the_encoder_starts_leaves_none() -> None:
    world = StreamWorld()
    subscription = world.stream.watch(Codec.VP8)
    await world.stream.close()
    subscription.close()
    assert all(encoder.is_closed for encoder in world.encoders.made)


async def test_a_closed_subscription_says_so_and_may_be_closed_again(world) -> None:
    for codec in Codec:
        subscription = world.stream.watch(codec)
        waiting = spawn(subscription.next(), name="waiting")
        await world.settle()
        subscription.close()
        subscription.close()
        with pytest.raises(StreamEndedError):
            await waiting
        subscription.ask_key()
        subscription.set_rate(1)
        subscription.acknowledge(1)
        with pytest.raises(StreamEndedError):
            await subscription.next()


async def test_a_thousand_viewers_come_and_go_and_nothing_grows(world, watch) -> None:
    viewer = watch()
    await world.settle()
    await world.picture()
    await world.encode()

    async def come_and_go(times: int) -> None:
        for index in range(times):
            subscription = world.stream.watch(list(Codec)[index % 3])
            await world.settle()
            await world.encode()
            async with asyncio.timeout(10):
                await subscription.next()
            subscription.close()
        for encoder in world.encoders.made:
            encoder.jobs.clear()
        world.screencast.acknowledged.clear()
        viewer.chunks.clear()
        gc.collect()

    await come_and_go(20)
    tasks, timers, objects = len(asyncio.all_tasks()), world.timers.pending, len(gc.get_objects())
    await come_and_go(1000)
    assert len(asyncio.all_tasks()) == tasks
    assert world.timers.pending <= timers + 1
    assert len(gc.get_objects()) < objects + 50


async def test_who_takes_silence_for_loss_is_told_that_nothing_changes(world, watch) -> None:
    waits = watch(Codec.H264)
    watch(Codec.VP8, acknowledges=True, acks=True)
    await world.settle()
    world.encoder.chunk_bytes = 500
    await world.picture()
    await world.advance(30, encoding=True)
    assert 18 <= len(waits.chunks) <= 24
    assert [chunk.is_key for chunk in waits.chunks] == [True] + [False] * (len(waits.chunks) - 1)
    taken = [chunk.taken_at_ms for chunk in waits.chunks]
    assert taken == sorted(set(taken))
    await waits.leave()
    encoded = len(world.jobs)
    await world.advance(30, encoding=True)
    assert len(world.jobs) == encoded
