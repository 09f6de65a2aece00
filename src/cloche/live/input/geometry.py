"""From where a viewer points to where that is on the page. Pure.

The viewer shows the page as large as it fits in a box, centred, with bars above and below or left and right
(CSS `object-fit: contain`).
"""

import math
from dataclasses import dataclass
from typing import Final

MAX_PAGE_PX: Final = 1e6
"""Of a side of a page's viewport; more is a mistake."""


@dataclass(frozen=True, slots=True)
class Point:
    """In CSS pixels of the page, from the upper left corner of its viewport."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Fit:
    """How a page lies in a box: box = page × scale + offset."""

    page_width: float
    page_height: float
    scale: float = 1.0
    left: float = 0.0
    """Of the page in the box, in pixels of the box; likewise `top`."""
    top: float = 0.0

    def to_page(self, x: float, y: float) -> Point | None:
        """Where that is on the page or beside it; None: nowhere."""
        point = Point((x - self.left) / self.scale, (y - self.top) / self.scale)
        return point if math.isfinite(point.x) and math.isfinite(point.y) else None

    def to_box(self, point: Point) -> tuple[float, float]:
        return point.x * self.scale + self.left, point.y * self.scale + self.top

    def inside(self, x: float, y: float) -> Point | None:
        """Where that is on the page; None: beside it. For what begins something: presses, wheels, new fingers."""
        point = self.to_page(x, y)
        if point is None or not (0 <= point.x < self.page_width and 0 <= point.y < self.page_height):
            return None
        return point

    def nearest(self, x: float, y: float) -> Point | None:
        """The place on the page that is nearest to it; None: there is none. For moves and releases, so that what is
        dragged beyond an edge stays at the edge."""
        point = self.to_page(x, y)
        if point is None:
            return None
        return Point(_within(point.x, self.page_width), _within(point.y, self.page_height))


def fit(width: float, height: float, page_width: float, page_height: float) -> Fit | None:
    """How a page of that size lies in a box of `width` and `height`; 0 × 0: coordinates are those of the page.

    None where that makes no sense: a page without an area or larger than any, a box with one side, NaN, infinity.
    """
    if not all(map(math.isfinite, (width, height, page_width, page_height))):
        return None
    if not (0 < page_width <= MAX_PAGE_PX and 0 < page_height <= MAX_PAGE_PX) or width < 0 or height < 0:
        return None
    if width == 0 and height == 0:
        return Fit(page_width, page_height)
    scale = min(width / page_width, height / page_height)
    if scale <= 0 or not math.isfinite(scale):
        return None
    left, top = (width - page_width * scale) / 2, (height - page_height * scale) / 2
    return Fit(page_width, page_height, scale, left, top)


def _within(value: float, size: float) -> float:
    """The last pixel is the outermost place that still hits the page."""
    return min(max(value, 0.0), max(size - 1.0, 0.0))
