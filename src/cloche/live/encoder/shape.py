"""Which size a picture is encoded in. Pure. Video has even sides, since its colours have half of the resolution."""

from dataclasses import dataclass
from typing import Final

MAX_VIDEO_SIDE: Final = 1920
"""Of the longer side: what is larger was not asked of Chromium, and is made smaller."""
MIN_SIDE: Final = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """The whole encoded picture, and the part of it that the page takes, in the middle; the rest is black."""

    width: int
    height: int
    inner_width: int
    inner_height: int

    @property
    def left(self) -> int:
        """Where the page begins; even, likewise `top`."""
        return (self.width - self.inner_width) // 4 * 2

    @property
    def top(self) -> int:
        return (self.height - self.inner_height) // 4 * 2


def video_shape(width: int, height: int, fit_width: int = 0, fit_height: int = 0) -> Shape:
    """As large as the picture, but for its last odd row and column; or with `fit`, of that size with black bars."""
    box_width, box_height = fit_width or MAX_VIDEO_SIDE, fit_height or MAX_VIDEO_SIDE
    box_width, box_height = min(box_width, MAX_VIDEO_SIDE), min(box_height, MAX_VIDEO_SIDE)
    ratio = min(box_width / width, box_height / height)
    if not fit_width and not fit_height:
        ratio = min(ratio, 1.0)
    inner_width, inner_height = _even(width * ratio), _even(height * ratio)
    if not fit_width or not fit_height:
        return Shape(inner_width, inner_height, inner_width, inner_height)
    outer_width, outer_height = _even(box_width), _even(box_height)
    return Shape(outer_width, outer_height, min(inner_width, outer_width), min(inner_height, outer_height))


def scaled(width: int, height: int, scale: float) -> tuple[int, int]:
    """The size of a smaller JPEG; 1 × 1 at least."""
    ratio = min(max(scale, 0.01), 1.0)
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def _even(side: float) -> int:
    # Rounded first: 1280 · (720 / 1280 · …) may end a hair below what is meant.
    return max(MIN_SIDE, int(side + 1e-6) // 2 * 2)
