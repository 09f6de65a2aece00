"""Pictures and prints of real pages."""

import hashlib

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.looking import Box, ExportPdfRequest, ScreenshotRequest
from cloche.browser.pictures.failure import failure_screenshot
from cloche.browser.pictures.pdf import export_pdf
from cloche.browser.pictures.screenshot import screenshot
from cloche.testing.bare_chromium import CallOf, Show

PAGE = """<body style="margin:0;background:white"><div id=box style="position:absolute;left:30px;top:40px;width:120px;
height:50px;background:red"></div><div style="height:3000px"></div>
<b id=far style="display:block;height:20px">far</b>"""


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_the_viewport_in_each_format(show: Show, call_of: CallOf, kind: str) -> None:
    tab = await show(PAGE)
    taken = await screenshot(call_of(tab), ScreenshotRequest(format=kind))  # type: ignore[arg-type]
    metrics = taken.layout_metrics
    assert taken.mime_type == f"image/{kind}"
    assert metrics.device_scale_factor == 1.0
    assert (taken.width, taken.height) == (round(metrics.viewport_width), round(metrics.viewport_height))
    assert metrics.document_scroll_height > 3000
    assert (metrics.horizontal_overflow, metrics.vertical_overflow) == (False, True)


async def test_the_whole_page_a_part_of_it_and_one_element(show: Show, call_of: CallOf) -> None:
    tab = await show(PAGE)
    whole = await screenshot(call_of(tab), ScreenshotRequest(full_page=True))
    assert whole.height == round(whole.layout_metrics.document_scroll_height)
    part = await screenshot(call_of(tab), ScreenshotRequest(clip=Box(x=10, y=2900, width=200, height=100)))
    assert (part.width, part.height) == (200, 100)
    element = await screenshot(call_of(tab), ScreenshotRequest(selector="#box"))
    assert (element.width, element.height) == (120, 50)
    far = await screenshot(call_of(tab), ScreenshotRequest(selector="#far"))
    assert far.height == 20
    half = await screenshot(call_of(tab), ScreenshotRequest(selector="#box", scale=0.5))
    assert (half.width, half.height) == (60, 25)


async def test_what_is_not_on_the_page_is_refused(show: Show, call_of: CallOf) -> None:
    tab = await show(PAGE)
    with pytest.raises(ActionError) as outside:
        await screenshot(call_of(tab), ScreenshotRequest(clip=Box(x=-500, y=-500, width=100, height=100)))
    assert outside.value.code is Failure.NOT_VISIBLE
    with pytest.raises(ActionError) as missing:
        await screenshot(call_of(tab, patience_s=0.2), ScreenshotRequest(selector="#none"))
    assert missing.value.code is Failure.SELECTOR_NOT_FOUND


async def test_a_mask_covers_and_goes_again(show: Show, call_of: CallOf) -> None:
    tab = await show("<body style='margin:0'><div class=s style='width:100px;height:100px;background:lime'></div>")
    plain = await screenshot(call_of(tab), ScreenshotRequest(selector=".s"))
    masked = await screenshot(call_of(tab), ScreenshotRequest(selector=".s", mask=[".s"]))
    again = await screenshot(call_of(tab), ScreenshotRequest(selector=".s"))
    assert masked.image_bytes != plain.image_bytes
    assert again.image_bytes == plain.image_bytes


async def test_a_picture_that_is_too_large_is_made_smaller_but_a_png_is_refused(show: Show, call_of: CallOf) -> None:
    tab = await show("<canvas id=c width=800 height=600></canvas>")
    noise = """(() => { const g = c.getContext('2d'), d = g.createImageData(800, 600);
        let s = 1; for (let i = 0; i < d.data.length; i++) { s = s * 16807 % 2147483647; d.data[i] = s & 255; }
        g.putImageData(d, 0, 0); })()"""
    await tab.session.call("Runtime.evaluate", {"expression": noise}, deadline=call_of(tab).deadline)
    small = await screenshot(call_of(tab), ScreenshotRequest(format="jpeg", max_bytes=60_000))
    assert 0 < len(small.image_bytes) <= 60_000
    with pytest.raises(ActionError) as refused:
        await screenshot(call_of(tab), ScreenshotRequest(max_bytes=60_000))
    assert refused.value.code is Failure.OUTPUT_TOO_LARGE
    taken, kind = await failure_screenshot(tab, call_of(tab).limits, 60_000)
    assert (kind, 0 < len(taken) <= 60_000) == ("image/jpeg", True)
    assert await failure_screenshot(tab, call_of(tab).limits, 10) == (b"", "")


async def test_a_page_is_printed(show: Show, call_of: CallOf) -> None:
    tab = await show(PAGE)
    printed = await export_pdf(call_of(tab), ExportPdfRequest(print_background=True, margin_top=0.0))
    assert printed.pdf_bytes.startswith(b"%PDF-")
    assert printed.size_bytes == len(printed.pdf_bytes)
    assert printed.sha256 == hashlib.sha256(printed.pdf_bytes).hexdigest()
    with pytest.raises(ActionError) as large:
        await export_pdf(call_of(tab), ExportPdfRequest(max_bytes=100))
    assert large.value.code is Failure.OUTPUT_TOO_LARGE
    with pytest.raises(ActionError) as odd:
        await export_pdf(call_of(tab), ExportPdfRequest(page_ranges="9-1,x"))
    assert odd.value.code is Failure.BROWSER_FAILED
