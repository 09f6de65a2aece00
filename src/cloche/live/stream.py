"""A session's pictures from the browser to everybody who watches: the one place that knows both ends."""

import asyncio
from dataclasses import dataclass
from typing import Final

from cloche.clock import Clock
from cloche.live.capture import Capture
from cloche.live.encoder_keeper import EncoderKeeper, KeeperEvents
from cloche.live.encoding import StartEncoder
from cloche.live.fanout import JpegSubscription, Share, VideoSubscription
from cloche.live.held_picture import HeldPicture, is_acceptable, passed_on
from cloche.live.metrics import LiveMetrics
from cloche.live.model import MAX_BITS_PER_SECOND, MIN_BITS_PER_SECOND, Chunk, Codec, Demand, Picture
from cloche.live.outputs import BEAT_S, NEVER, SmallJpegOutput, VideoOutput
from cloche.live.pace import CHROMIUM_FPS
from cloche.live.screencast import MAX_HEIGHT, MAX_WIDTH, CaptureParams, Screencast
from cloche.live.timers import Alarm, Timers

STILL_S: Final = 0.3
"""Without a new picture for so long, a page has come to rest."""
STILL_LONG_S: Final = 1.0
"""Then even a slow link may have the picture as it is."""
DOWN_FPS: Final = 4.0
"""Captured while there is nobody to take pictures but an encoder that is not there."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    max_fps: float = CHROMIUM_FPS
    target_bits_per_second: int = 3_000_000
    """Of each codec's stream, while its viewers' links take it."""
    min_bits_per_second: int = MIN_BITS_PER_SECOND
    jpeg_quality: int = 80
    """That Chromium makes: what video is made from, and what viewers of JPEG get while their links take it."""
    max_width: int = MAX_WIDTH
    max_height: int = MAX_HEIGHT

    @property
    def target(self) -> int:
        return max(self.min_bits_per_second, min(self.target_bits_per_second, MAX_BITS_PER_SECOND))


class LiveStream:
    """Of one session, for as long as that lives. Owns its capture and its encoder child; works only while somebody
    watches, and on a page that does not change not even then. All of it runs on the loop's thread."""

    def __init__(
        self,
        screencast: Screencast,
        start_encoder: StartEncoder,
        settings: StreamSettings,
        metrics: LiveMetrics,
        clock: Clock,
        timers: Timers | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._timers = timers or asyncio.get_running_loop()
        self._capture = Capture(
            screencast,
            CaptureParams(quality=settings.jpeg_quality, max_width=settings.max_width, max_height=settings.max_height),
            self._timers,
            on_stop=self._forget,
            on_fps=metrics.captured,
        )
        self._encoder = EncoderKeeper(
            start_encoder,
            self._timers,
            KeeperEvents(
                on_ready=self._encoder_ready,
                on_chunk=self._made,
                on_done=self._done,
                on_end=self._encoder_ended,
                on_refused=self._encoder_refused,
            ),
        )
        self._videos: dict[Codec, VideoOutput] = {}
        self._small = SmallJpegOutput(settings.max_fps)
        self._jpegs: list[JpegSubscription] = []
        self._is_closed = False
        self._held = HeldPicture()
        self._encoded_seq, self._encoded_at = 0, 0.0
        self._sharpened = 0
        self._in_hand: tuple[int, set[Codec]] | None = None
        """The encoder's: which source, and for which codecs nothing has come of it yet."""
        self._crashes = (0, 0)
        """Of encoders: over which source the last was, and how many it has cost."""
        self._pump_alarm = Alarm(self._timers, self._pump)
        self._rest_alarm = Alarm(self._timers, self._came_to_rest)
        self._jpeg_alarm = Alarm(self._timers, self._jpeg_due)
        self._beat_alarm = Alarm(self._timers, self._beat)

    # What a session says.

    def watch(
        self, codec: Codec, *, max_fps: float = 0, keeps_up: bool = False, acknowledges: bool = False
    ) -> VideoSubscription | JpegSubscription:
        """Pictures for one more viewer, which closes what it gets.

        `max_fps`: 0, as many as there are; video is made as fast as the one who wants most. `keeps_up`: much more may
        wait before any is dropped. `acknowledges`: the transport does, from the first chunk on.
        """
        clock = self._timers.time
        if codec is Codec.JPEG:
            jpeg = JpegSubscription(self, clock, max_fps=max_fps)
            if self._is_closed:
                jpeg.end()
                return jpeg
            self._jpegs.append(jpeg)
            self._watchers_changed()
            if self._held.picture is not None:
                jpeg.offer(passed_on(self._held.renewed(clock())))
            return jpeg
        video = VideoSubscription(codec, self, clock, max_fps=max_fps, keeps_up=keeps_up, acknowledges=acknowledges)
        if self._is_closed or self._encoder.is_refused:
            video.end()
            return video
        if codec not in self._videos:
            self._videos[codec] = VideoOutput(
                codec,
                target=self._settings.target,
                least=self._settings.min_bits_per_second,
                max_fps=self._settings.max_fps,
            )
        self._videos[codec].viewers.append(video)
        self._watchers_changed()
        self._pump()
        return video

    def took(self, jpeg: bytes, taken_at_ms: int, width: int, height: int, token: int) -> None:
        """A picture of the screencast has come. Its bytes and numbers are a stranger's."""
        if not self._capture.is_on or not is_acceptable(jpeg):
            self._capture.arrived(token)
            self._capture.taken()
            return
        now = self._timers.time()
        wall_ms = int(self._clock.now().timestamp() * 1000)
        picture = self._held.replace(jpeg, taken_at_ms, width, height, now=now, wall_ms=wall_ms)
        self._capture.arrived(token)
        self._rest_alarm.by(now + STILL_S)
        self._pass_on(picture, now)
        self._pump()

    def page_changed(self) -> None:
        """Another tab is shown, or the same in another size, or by another browser."""
        for video in self._videos.values():
            video.key_from(self._held.source)
        self._capture.begin_anew()

    def browser_gone(self) -> None:
        """The last picture stays."""
        self._capture.browser_gone()

    def browser_back(self) -> None:
        self.page_changed()

    async def close(self) -> None:
        """End all subscriptions, capture and the encoder; wait until that is gone. Any number of times."""
        self._is_closed = True
        self._end_videos()
        for jpeg in self._jpegs:
            jpeg.end()
        self._jpegs.clear()
        self._small.viewers.clear()
        self._capture.close()
        self._forget()
        await self._encoder.close()

    # What subscriptions say (`fanout.Owner`).

    def taken(self, subscription: Share, chunk: Chunk) -> None:
        self._metrics.sent(subscription.codec)
        if chunk.codec is Codec.JPEG and self._held.is_newest(chunk.seq):
            self._capture.taken()

    def hungry(self, subscription: JpegSubscription) -> None:
        if subscription.has_waiting:
            if subscription.due_at < NEVER:
                self._jpeg_alarm.by(subscription.due_at)
        elif subscription.level > 0:
            self._pump()

    def quality_changed(self, subscription: JpegSubscription) -> None:
        self._small.viewers = [one for one in self._jpegs if one.level > 0]
        self._watchers_changed()

    def key_asked(self, subscription: Share) -> None:
        if (video := self._videos.get(subscription.codec)) is not None:
            video.ask_key()
            self._pump()

    def lost(self, subscription: Share, chunks: int) -> None:
        self._metrics.dropped(subscription.codec, chunks)

    def closed(self, subscription: Share) -> None:
        if isinstance(subscription, JpegSubscription):
            self._jpegs = [one for one in self._jpegs if one is not subscription]
            self._small.viewers = [one for one in self._small.viewers if one is not subscription]
        elif (video := self._videos.get(subscription.codec)) is not None:
            video.viewers = [one for one in video.viewers if one is not subscription]
            if not video.viewers:
                del self._videos[subscription.codec]
        self._watchers_changed()

    # What the encoder says.

    def _encoder_ready(self) -> None:
        self._small.begin_anew()
        for video in self._videos.values():
            video.begin_anew()
        self._set_cap()
        self._pump()

    def _made(self, chunk: Chunk) -> None:
        if self._in_hand is not None:
            self._in_hand[1].discard(chunk.codec)
        if chunk.codec is Codec.JPEG:
            self._small.publish(chunk)
        elif (video := self._videos.get(chunk.codec)) is not None:
            now = self._timers.time()
            video.publish(chunk, now)
            if chunk.is_key:
                self._rest_alarm.by(now + STILL_S)

    def _done(self, seq: int) -> None:
        if self._in_hand is not None:
            source, nothing = self._in_hand
            self._in_hand = None
            for codec in nothing:
                if codec is Codec.JPEG:
                    self._small.came_to_nothing(source)
                elif (video := self._videos.get(codec)) is not None:
                    video.came_to_nothing(source)
        self._pump()

    def _encoder_ended(self) -> None:
        self._metrics.encoder_ended()
        if self._in_hand is not None:
            source = self._in_hand[0]
            self._in_hand = None
            self._crashes = (source, self._crashes[1] + 1 if self._crashes[0] == source else 1)
        self._set_cap()

    def _encoder_refused(self) -> None:
        self._end_videos()
        self._watchers_changed()

    # What follows from it.

    def _watchers_changed(self) -> None:
        if self._is_closed:
            return
        if self._videos or self._jpegs:
            self._capture.want()
        else:
            self._capture.unwant()
        if self._videos or self._small.viewers:
            self._encoder.want()
        else:
            self._encoder.unwant()
        self._set_cap()

    def _set_cap(self) -> None:
        """The browser makes as many pictures as the fastest of those that take them."""
        caps = [one.max_fps or self._settings.max_fps for one in self._jpegs]
        if self._encoder.is_up:
            caps += [video.fps for video in self._videos.values()]
        self._capture.max_fps = min(max(caps, default=DOWN_FPS), self._settings.max_fps)

    def _pass_on(self, picture: Picture, now: float) -> None:
        """Give it to those that get Chromium's own."""
        chunk: Chunk | None = None
        for jpeg in self._jpegs:
            if jpeg.level > 0 and self._encoder.is_up:
                continue
            if now < jpeg.due_at < NEVER:
                self._jpeg_alarm.by(jpeg.due_at)
            chunk = chunk or passed_on(picture)
            jpeg.offer(chunk)

    def _pump(self) -> None:
        """Hand the newest picture to the encoder, for every codec that is due."""
        if self._held.picture is None or not self._encoder.is_ready:
            return
        if self._crashes[0] == self._held.source and self._crashes[1] > 1:
            # Two encoders have ended over it.
            self._capture.taken()
            return
        now = self._timers.time()
        next_at = min((one.due_at(self._held.source, now) for one in self._videos.values()), default=NEVER)
        next_at = min(next_at, self._small.due_at(self._held.source, now))
        if next_at <= now:
            self._encode(now)
        elif next_at < NEVER:
            self._pump_alarm.by(next_at)

    def _encode(self, now: float) -> None:
        """For all codecs, though only one may be due: one that is left out would have to begin with a key frame."""
        source = self._held.source
        demands: dict[Codec, Demand] = {}
        keys: set[Codec] = set()
        for video in self._videos.values():
            if video.cannot_show(source):
                continue
            demands[video.codec] = video.demand(now)
            if is_key := video.needs_key(source, now):
                keys.add(video.codec)
            video.submitted(source, now, is_key=is_key)
        if self._small.due_at(source, now) <= now:
            demands[Codec.JPEG] = self._small.demand()
            self._small.submitted(source)
        picture = self._held.picture
        if picture is None or picture.seq <= self._encoded_seq:
            picture = self._held.renewed(now)
        self._encoded_seq, self._encoded_at = picture.seq, now
        self._beat_alarm.by(now + BEAT_S)
        self._in_hand = (source, set(demands))
        self._set_cap()
        self._encoder.encode(picture, demands, frozenset(keys))
        self._capture.taken()

    def _came_to_rest(self) -> None:
        if self._held.picture is None:
            return
        now = self._timers.time()
        still_s = now - self._held.came_at
        if still_s < STILL_S:
            self._rest_alarm.by(self._held.came_at + STILL_S)
            return
        self._capture.look_again()
        again = [video.still() for video in self._videos.values()]
        if self._small.viewers and self._sharpened != self._held.source:
            if still_s < STILL_LONG_S:
                again.append(True)
            else:
                self._sharpened = self._held.source
                chunk = passed_on(self._held.renewed(now))
                for jpeg in self._small.viewers:
                    jpeg.offer(chunk, counts=False)
        if any(again):
            self._rest_alarm.by(now + STILL_LONG_S - STILL_S)
            self._pump()

    def _beat(self) -> None:
        """Tell those who would take silence for loss that nothing has changed."""
        if self._held.picture is None or not any(video.needs_beats for video in self._videos.values()):
            return
        now = self._timers.time()
        if now >= self._encoded_at + BEAT_S:
            for video in self._videos.values():
                video.beat()
            self._pump()
        self._beat_alarm.by(max(now, self._encoded_at) + BEAT_S)

    def _jpeg_due(self) -> None:
        now = self._timers.time()
        for jpeg in self._jpegs:
            if not jpeg.has_waiting:
                continue
            if jpeg.due_at <= now:
                jpeg.wake()
            elif jpeg.due_at < NEVER:
                self._jpeg_alarm.by(jpeg.due_at)

    def _end_videos(self) -> None:
        for video in self._videos.values():
            for viewer in video.viewers:
                viewer.end()
        self._videos.clear()

    def _forget(self) -> None:
        """Capture has ended: what the page looks like is not known any more."""
        self._held.forget()
        for alarm in (self._pump_alarm, self._rest_alarm, self._jpeg_alarm, self._beat_alarm):
            alarm.off()
