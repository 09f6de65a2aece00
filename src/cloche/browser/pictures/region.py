"""What part of a page a picture shows, and how many pixels it may have. Pure."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import msgspec

from cloche.browser.contract.looking import Box

MAX_SIDE_PIXELS: Final = 16_384
MAX_PIXELS: Final = 64_000_000
"""Of one picture: 256 MB while Chromium makes it."""


class Rect(msgspec.Struct):
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


class VisualViewport(msgspec.Struct):
    pageX: float = 0.0
    pageY: float = 0.0
    clientWidth: float = 0.0
    clientHeight: float = 0.0
    scale: float = 1.0


class LayoutViewport(msgspec.Struct):
    pageX: float = 0.0
    pageY: float = 0.0
    clientWidth: float = 0.0
    clientHeight: float = 0.0


class Layout(msgspec.Struct):
    """CDP Page.getLayoutMetrics; CSS pixels."""

    cssLayoutViewport: LayoutViewport = msgspec.field(default_factory=LayoutViewport)
    cssVisualViewport: VisualViewport = msgspec.field(default_factory=VisualViewport)
    cssContentSize: Rect = msgspec.field(default_factory=Rect)
    contentSize: Rect = msgspec.field(default_factory=Rect)


@dataclass(frozen=True, slots=True)
class Region:
    """Of the page, in CSS pixels from its beginning."""

    x: float
    y: float
    width: float
    height: float

    @property
    def is_empty(self) -> bool:
        return self.width < 1 or self.height < 1

    def within(self, layout: Layout) -> "Region":
        """The part of it that is on the page."""
        size = layout.cssContentSize
        left, top = max(0.0, self.x), max(0.0, self.y)
        right, bottom = min(self.x + self.width, size.width), min(self.y + self.height, size.height)
        return Region(left, top, max(0.0, right - left), max(0.0, bottom - top))


def whole_page(layout: Layout) -> Region:
    return Region(0, 0, layout.cssContentSize.width, layout.cssContentSize.height)


def viewport(layout: Layout) -> Region:
    view = layout.cssVisualViewport
    return Region(view.pageX, view.pageY, view.clientWidth, view.clientHeight)


def of_page(box: Box) -> Region:
    return Region(box.x, box.y, box.width, box.height)


def of_viewport(box: Box, layout: Layout) -> Region:
    """From coordinates of the viewport."""
    return Region(box.x + layout.cssLayoutViewport.pageX, box.y + layout.cssLayoutViewport.pageY, box.width, box.height)


def scale_that_fits(region: Region, scale: float, device_scale_factor: float) -> float:
    """CDP's clip scale for `scale` pixels per CSS pixel (0: as the viewport), lowered where that would be too many."""
    wanted = scale / device_scale_factor if scale else 1.0
    pixels_per_css = wanted * device_scale_factor
    width, height = region.width * pixels_per_css, region.height * pixels_per_css
    fits = min(1.0, MAX_SIDE_PIXELS / max(width, height), sqrt(MAX_PIXELS / (width * height)))
    return wanted * fits


def device_scale_factor(layout: Layout) -> float:
    css = layout.cssContentSize
    if css.width <= 0 or layout.contentSize.width <= 0:
        return 1.0
    return round(layout.contentSize.width / css.width, 4) or 1.0
