"""The newest picture of a page, kept for as long as it is what the page looks like."""

from dataclasses import replace
from typing import Final

from cloche.live.model import Chunk, Codec, Picture

MAX_PICTURE_BYTES: Final = 8 << 20
MAX_SIDE: Final = 0xFFFF
MAX_AGE_MS: Final = 5_000
"""A picture that claims to be older, or to be of the future, was taken when it came."""
_JPEG: Final = b"\xff\xd8\xff"


def is_acceptable(jpeg: bytes) -> bool:
    """Whether it may be passed on at all. What else it holds is for those who decode it."""
    return len(jpeg) <= MAX_PICTURE_BYTES and jpeg.startswith(_JPEG)


class HeldPicture:
    """Numbers pictures, and gives the newest out again and again: each time as another `Picture`, of the time at which
    the page still looked so, for decoders want times and numbers that go forward."""

    def __init__(self) -> None:
        self.source = 0
        """Counts what came from the browser."""
        self.came_at = 0.0
        """When the newest did, on the loop's clock."""
        self._seq = 0
        self._first_seq = 0
        self._picture: Picture | None = None
        self._at = 0.0
        self._taken_at_ms = 0

    @property
    def picture(self) -> Picture | None:
        return self._picture

    def replace(self, jpeg: bytes, taken_at_ms: int, width: int, height: int, *, now: float, wall_ms: int) -> Picture:
        """A new one has come. Its numbers are a stranger's."""
        if not wall_ms - MAX_AGE_MS <= taken_at_ms <= wall_ms:
            taken_at_ms = wall_ms
        self._taken_at_ms = max(taken_at_ms, self._taken_at_ms + 1)
        self.source += 1
        self._seq += 1
        self._first_seq = self._seq
        self.came_at = self._at = now
        width, height = min(max(width, 0), MAX_SIDE), min(max(height, 0), MAX_SIDE)
        self._picture = Picture(self._seq, jpeg, self._taken_at_ms, width, height)
        return self._picture

    def renewed(self, now: float) -> Picture:
        """The same once more, as what the page looks like now."""
        assert self._picture is not None
        self._seq += 1
        self._taken_at_ms += max(1, int((now - self._at) * 1000))
        self._at = now
        self._picture = replace(self._picture, seq=self._seq, taken_at_ms=self._taken_at_ms)
        return self._picture

    def is_newest(self, seq: int) -> bool:
        return self._picture is not None and seq >= self._first_seq

    def forget(self) -> None:
        """What the page looks like is not known any more."""
        self._picture = None


def passed_on(picture: Picture) -> Chunk:
    """Chromium's own bytes: how large the picture is, only they say."""
    return Chunk(Codec.JPEG, picture.seq, picture.jpeg, True, picture.taken_at_ms, 0, 0)
