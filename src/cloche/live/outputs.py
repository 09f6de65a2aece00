"""What the encoder shall make: one stream for each codec that is watched, from what its viewers need together."""

import math
from typing import Final

from cloche.live.ack_pace import QUALITIES
from cloche.live.fanout import JpegSubscription, VideoSubscription
from cloche.live.model import Chunk, Codec, Demand
from cloche.live.pace import LinkPace, Spacing, hopeless_below, interval_s

KEY_EVERY_S: Final = 0.5
"""At most, but for a viewer that has had none."""
UPDATE_EVERY_S: Final = 0.25
REFINED_BYTES: Final = 2 << 10
"""A chunk of a still page that is smaller has nothing to add."""
REFINEMENTS: Final = 2
BEAT_S: Final = 1.5
"""On a page that stands still, between two chunks that say so. Chromium asks for a key frame after 3 s without any."""
NEVER: Final = math.inf


class VideoOutput:
    """One codec's stream and who watches it."""

    def __init__(self, codec: Codec, *, target: int, least: int, max_fps: float) -> None:
        self.codec = codec
        self.viewers: list[VideoSubscription] = []
        self._target = target
        self._max_fps = max_fps
        self._pace = LinkPace(target, least)
        self._spacing = Spacing()
        self._shown = 0
        self._undecodable = 0
        self._key_asked = False
        self._key_at = -math.inf
        self._key_from = 0
        self._refine = False
        self._refinements = 0
        self._last_bytes = 0
        self._updated_at = -math.inf

    @property
    def fps(self) -> float:
        """What is encoded at most: what the fastest viewer wants, and the slowest link's class allows."""
        wanted = [one.max_fps or self._max_fps for one in self.viewers]
        return min(max(wanted, default=0.0), self._pace.link_class.fps, self._max_fps)

    def ask_key(self) -> None:
        self._key_asked = True

    def key_from(self, source: int) -> None:
        """Whatever comes after `source` is another page: its first chunk is a key frame."""
        self._key_from = source

    def begin_anew(self) -> None:
        """There is a new encoder, which knows nothing of what was shown."""
        self._shown = 0
        self._key_asked = True
        self._key_at = -math.inf
        for viewer in self.viewers:
            viewer.begin_anew()

    def due_at(self, source: int, now: float) -> float:
        """When picture `source` is to be encoded (again); `NEVER` if it is not."""
        if not self.viewers or self.cannot_show(source):
            return NEVER
        if any(one.is_new and not one.is_behind for one in self.viewers):
            return now
        if source > self._shown:
            return self._spacing.due
        if self._key_asked:
            return self._key_at + KEY_EVERY_S
        return now if self._refine else NEVER

    def needs_key(self, source: int, now: float) -> bool:
        if 0 < self._key_from < source or any(one.is_new for one in self.viewers):
            return True
        return self._key_asked and now >= self._key_at + KEY_EVERY_S

    def demand(self, now: float) -> Demand:
        if now - self._updated_at >= UPDATE_EVERY_S:
            self._updated_at = now
            self._update(now)
        return Demand(bits_per_second=self._pace.bits_per_second)

    def _update(self, now: float) -> None:
        limits = [limit for one in self.viewers if (limit := one.limit(now, self._target)) is not None]
        alone = len(self.viewers) == 1
        if len(limits) < len(self.viewers) or any(limit >= hopeless_below(self._target) for limit in limits):
            limits = [limit for limit in limits if limit >= hopeless_below(self._target)]
        self._pace.update(now, min(limits, default=None), alone=alone)

    def submitted(self, source: int, now: float, *, is_key: bool) -> None:
        if source > self._shown:
            self._refinements = 0
            self._spacing.passed(now, interval_s(self.fps))
        elif self._refine:
            self._refinements += 1
        self._shown = max(source, self._shown)
        self._refine = False
        if is_key:
            self._key_at = now
            if self._key_from < source:
                self._key_from = 0

    def publish(self, chunk: Chunk, now: float) -> None:
        self._last_bytes = len(chunk.data)
        if chunk.is_key:
            self._key_asked = False
            self._key_at = now
            self._refinements = 0
        for viewer in self.viewers:
            viewer.publish(chunk)

    def came_to_nothing(self, source: int) -> None:
        """No chunk was made of `source`: it is not tried again."""
        self._undecodable = source

    def cannot_show(self, source: int) -> bool:
        return source == self._undecodable

    def still(self) -> bool:
        """The page has not changed for a while: have its picture encoded once more, if that can make it better."""
        self._refine = self._last_bytes > REFINED_BYTES and self._refinements < REFINEMENTS
        return self._refine

    @property
    def needs_beats(self) -> bool:
        return any(one.needs_beats for one in self.viewers)

    def beat(self) -> None:
        """Have the picture of a page at rest encoded once more: some hundred bytes, which save a key frame."""
        self._refine = self._refine or self.needs_beats


class SmallJpegOutput:
    """Smaller pictures for the viewers of JPEG whose links do not take Chromium's own. They all get the same."""

    codec: Final = Codec.JPEG

    def __init__(self, max_fps: float) -> None:
        self.viewers: list[JpegSubscription] = []
        self._max_fps = max_fps
        self._shown = 0
        self._undecodable = 0

    @property
    def fps(self) -> float:
        return self._max_fps if self.viewers else 0.0

    def due_at(self, source: int, now: float) -> float:
        """As soon as one of them can take a picture."""
        if source <= self._shown or source == self._undecodable:
            return NEVER
        return min((one.due_at for one in self.viewers), default=NEVER)

    def demand(self) -> Demand:
        quality = QUALITIES[max(1, *(one.level for one in self.viewers))]
        return Demand(bits_per_second=0, quality=quality.quality, scale=quality.scale)

    def submitted(self, source: int) -> None:
        self._shown = source

    def publish(self, chunk: Chunk) -> None:
        for viewer in self.viewers:
            viewer.offer(chunk)

    def begin_anew(self) -> None:
        self._shown = 0

    def came_to_nothing(self, source: int) -> None:
        self._undecodable = source
