"""Takes a picture of a page, of one element or of a part (CDP Page.captureScreenshot)."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.looking import LayoutMetrics, ScreenshotRequest, ScreenshotResponse
from cloche.browser.devtools.codec import Json
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.frame import told
from cloche.browser.locate import element_box
from cloche.browser.pictures.image_size import image_size
from cloche.browser.pictures.region import (
    Layout,
    Region,
    device_scale_factor,
    of_page,
    of_viewport,
    scale_that_fits,
    viewport,
    whole_page,
)
from cloche.browser.selector import parse_selector
from cloche.browser.tab import Tab

QUALITY: Final = 80
SMALLER: Final = ((60, 1.0), (40, 1.0), (40, 0.5), (25, 0.5), (25, 0.25))
"""Quality and scale of what is tried when a picture is too large."""
MIN_QUALITY: Final = 5


class _Picture(msgspec.Struct):
    data: str


@dataclass(frozen=True, slots=True)
class _Shot:
    """What Chromium is asked for."""

    format: str
    quality: int
    region: Region | None
    """None: the viewport, as it is."""
    scale: float
    beyond_viewport: bool

    def params(self, quality: int, shrink: float) -> Json:
        params: Json = {"format": self.format, "captureBeyondViewport": self.beyond_viewport}
        if self.format != "png":
            params["quality"] = quality
        if self.region is not None:
            region = self.region
            params["clip"] = {
                "x": region.x,
                "y": region.y,
                "width": region.width,
                "height": region.height,
                "scale": self.scale * shrink,
            }
        return params


async def screenshot(call: Call, request: ScreenshotRequest) -> ScreenshotResponse:
    tab = call.tab
    tab.require_no_dialog()
    async with _covered(call, request.mask), _without_background(tab, wanted=request.omit_background):
        region_wanted = request.full_page or request.clip is not None or request.selector or request.scale
        box = await element_box(call, request.selector) if request.selector else None
        if not region_wanted:
            shot = _Shot(request.format or "png", request.quality or QUALITY, None, 1.0, False)
        else:
            layout = await _layout(tab, call.deadline)
            region = _region(request, of_viewport(box, layout) if box is not None else None, layout)
            scale = scale_that_fits(region, request.scale, device_scale_factor(layout))
            shot = _Shot(request.format or "png", request.quality or QUALITY, region, scale, True)
        metrics, data = await asyncio.gather(_metrics(tab, call.deadline), _take(call, shot, request))
    width, height = image_size(data)
    return ScreenshotResponse(
        image_bytes=data,
        mime_type=f"image/{shot.format}",
        width=width,
        height=height,
        layout_metrics=metrics,
    )


def _region(request: ScreenshotRequest, element: Region | None, layout: Layout) -> Region:
    region = element or (of_page(request.clip) if request.clip is not None else None)
    if region is None:
        region = whole_page(layout) if request.full_page else viewport(layout)
    region = region.within(layout)
    if region.is_empty:
        raise ActionError(Failure.NOT_VISIBLE, "there is nothing of the page in that part")
    return region


async def _take(call: Call, shot: _Shot, request: ScreenshotRequest) -> bytes:
    """A picture no larger than may be: of JPEG and WebP, a coarser or smaller one when it has to be."""
    most = min(request.max_bytes or call.limits.screenshot_bytes, call.limits.screenshot_bytes)
    data = await _capture(call.tab, shot.params(shot.quality, 1.0), call.deadline)
    if len(data) <= most:
        return data
    if shot.format != "png":
        if shot.region is None:
            layout = await _layout(call.tab, call.deadline)
            shot = _Shot(shot.format, shot.quality, viewport(layout), 1.0, False)
        for quality, shrink in SMALLER:
            data = await _capture(call.tab, shot.params(min(quality, shot.quality), shrink), call.deadline)
            if len(data) <= most:
                return data
    raise ActionError(Failure.OUTPUT_TOO_LARGE, f"the picture has {len(data)} bytes, and {most} are allowed")


async def _capture(tab: Tab, params: Json, deadline: float) -> bytes:
    try:
        picture = await tab.session.call("Page.captureScreenshot", params, _Picture, deadline=deadline)
        return base64.b64decode(picture.data, validate=True)
    except DevToolsError as error:
        raise told(error) from None
    except ValueError:
        raise ActionError(Failure.BROWSER_FAILED, "the browser's picture was not understood") from None


async def _metrics(tab: Tab, deadline: float) -> LayoutMetrics:
    found = msgspec.convert(await tab.main.run("layout", {}, deadline), LayoutMetrics, strict=False)
    return replace(
        found,
        horizontal_overflow=found.document_scroll_width > found.document_client_width,
        vertical_overflow=found.document_scroll_height > found.document_client_height,
    )


async def _layout(tab: Tab, deadline: float) -> Layout:
    try:
        return await tab.session.call("Page.getLayoutMetrics", {}, Layout, deadline=deadline)
    except DevToolsError as error:
        raise told(error) from None


@asynccontextmanager
async def _covered(call: Call, selectors: Sequence[str]) -> AsyncIterator[None]:
    """Paint over all that the selectors fit, in every frame, for as long as the block lasts."""
    if not selectors:
        yield
        return
    parsed = [parse_selector(selector).to_json() for selector in selectors]
    frames = call.tab.frames_in_order()
    try:
        await asyncio.gather(*(frame.run("cover", {"selectors": parsed}, call.deadline) for frame in frames))
        yield
    finally:
        for frame in frames:
            frame.forgo("uncover")


@asynccontextmanager
async def _without_background(tab: Tab, *, wanted: bool) -> AsyncIterator[None]:
    """Emulation.setDefaultBackgroundColorOverride; what is drawn on nothing is transparent then."""
    if not wanted:
        yield
        return
    tab.session.notify("Emulation.setDefaultBackgroundColorOverride", {"color": {"r": 0, "g": 0, "b": 0, "a": 0}})
    try:
        yield
    finally:
        tab.session.notify("Emulation.setDefaultBackgroundColorOverride", {})
