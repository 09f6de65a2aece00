"""Pictures and prints: of what was asked for, in its format, within its bytes."""

import base64
import hashlib
import json
from typing import Any

import pytest

from .hands import SOON_MS, Hands

Json = dict[str, Any]

MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF"}

RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]


async def looked_at(hands: Hands, picture: Json, *points: tuple[int, int]) -> tuple[tuple[int, int], list[list[int]]]:
    """Size of a picture and its colours at some points, as Chromium decodes it."""
    url = f"data:{picture['mime_type']};base64,{base64.b64encode(picture['image_bytes']).decode()}"
    script = """fetch(%s).then((file) => file.blob()).then(createImageBitmap).then((image) => {
        const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
        context.drawImage(image, 0, 0);
        return [image.width, image.height, %s.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3))];
    })"""
    width, height, colours = await hands.js(script % (json.dumps(url), json.dumps(points)))
    return (width, height), colours


def like(colour: list[int], wanted: list[int]) -> bool:
    """JPEG and lossy WebP are near, not equal."""
    return all(abs(one - other) < 16 for one, other in zip(colour, wanted, strict=True))


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp"])
async def test_the_viewport_is_drawn_in_each_format(hands: Hands, format_: str) -> None:
    await hands.goto("print.html")
    picture = await hands.do("Screenshot", format=format_)
    assert picture["image_bytes"].startswith(MAGIC[format_])
    assert picture["mime_type"] == f"image/{format_}"
    size, (red, below) = await looked_at(hands, picture, (100, 50), (700, 500))
    assert size == (picture["width"], picture["height"]) == (1280, 800)
    assert like(red, RED)
    assert like(below, [255, 255, 255])
    metrics = picture["layout_metrics"]
    assert (metrics["viewport_width"], metrics["viewport_height"]) == (pytest.approx(1280, abs=20), 800)
    assert metrics["vertical_overflow"]
    assert not metrics["horizontal_overflow"]


async def test_the_whole_page_is_drawn(hands: Hands) -> None:
    await hands.goto("print.html")
    picture = await hands.do("Screenshot", full_page=True, format="webp")
    assert picture["height"] > 1500
    _, (red, blue) = await looked_at(hands, picture, (100, 50), (100, picture["height"] - 50))
    assert like(red, RED)
    assert like(blue, BLUE)
    assert await hands.js("[scrollY, innerHeight]") == [0, 800]


async def test_one_element_is_drawn_also_from_far_below(hands: Hands) -> None:
    await hands.goto("print.html")
    picture = await hands.do("Screenshot", selector="#blue")
    size, (blue,) = await looked_at(hands, picture, (100, 50))
    assert (size, blue) == ((200, 100), BLUE)
    ref = await hands.ref('textbox "Secret"')
    assert (await hands.do("Screenshot", selector=f"ref={ref}"))["width"] == 200
    assert await hands.failure("Screenshot", selector="#none", timeout_ms=SOON_MS) == "selector_not_found"


async def test_a_part_of_the_page_is_drawn_at_a_scale(hands: Hands) -> None:
    await hands.goto("print.html")
    clip = {"x": 150, "y": 50, "width": 100, "height": 40}
    picture = await hands.do("Screenshot", clip=clip, scale=2.0)
    size, (inside, outside) = await looked_at(hands, picture, (10, 10), (180, 10))
    assert size == (200, 80)
    assert inside == RED
    assert outside == [255, 255, 255]


async def test_what_is_masked_is_not_to_be_seen(hands: Hands) -> None:
    await hands.goto("print.html")
    before = await hands.do("Screenshot", selector="#field")
    assert (await looked_at(hands, before, (180, 10)))[1] == [GREEN]
    masked = await hands.do("Screenshot", mask=["#field"])
    box = await hands.js("(({left, top}) => [left + 180, top + 10].map(Math.round))(field.getBoundingClientRect())")
    _, (colour,) = await looked_at(hands, masked, tuple(box))
    assert colour != GREEN
    assert (await looked_at(hands, await hands.do("Screenshot", selector="#field"), (180, 10)))[1] == [GREEN]


async def test_a_picture_fits_into_its_bytes_or_says_that_it_does_not(hands: Hands) -> None:
    await hands.goto("zoo.html")
    for format_ in ("jpeg", "webp"):
        picture = await hands.do("Screenshot", format=format_, max_bytes=9000)
        assert len(picture["image_bytes"]) <= 9000
        assert (await looked_at(hands, picture))[0] == (picture["width"], picture["height"])
    assert await hands.failure("Screenshot", format="png", max_bytes=500) == "output_too_large"


async def test_quality_makes_a_difference(hands: Hands) -> None:
    await hands.goto("zoo.html")
    sizes = [len((await hands.do("Screenshot", format="jpeg", quality=quality))["image_bytes"]) for quality in (5, 95)]
    assert sizes[0] < sizes[1]


async def test_a_background_can_be_left_out(hands: Hands) -> None:
    await hands.goto("print.html")
    picture = await hands.do("Screenshot", omit_background=True, clip={"x": 300, "y": 0, "width": 10, "height": 10})
    url = f"data:image/png;base64,{base64.b64encode(picture['image_bytes']).decode()}"
    alpha = await hands.js(
        f"fetch({json.dumps(url)}).then((file) => file.blob()).then(createImageBitmap).then((image) => {{"
        " const context = new OffscreenCanvas(10, 10).getContext('2d'); context.drawImage(image, 0, 0);"
        " return context.getImageData(1, 1, 1, 1).data[3]; })"
    )
    assert alpha == 0
    assert await hands.js("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"


async def test_a_tab_behind_is_drawn_without_coming_to_the_front(hands: Hands) -> None:
    await hands.goto("print.html")
    (front,) = await hands.tabs()
    behind = (await hands.do("OpenTab", url=hands.url("canvas.html"), activate=False))["tab"]["tab_id"]
    picture = await hands.do("Screenshot", tab_id=behind)
    assert (await looked_at(hands, picture, (200, 200)))[1] == [[0x20, 0x60, 0xC0]]
    assert [tab["tab_id"] for tab in await hands.tabs() if tab["active"]] == [front["tab_id"]]


async def test_a_print_is_a_pdf_with_its_checksum(hands: Hands) -> None:
    await hands.goto("print.html")
    answer = await hands.do("ExportPdf", print_background=True)
    pdf = answer["pdf_bytes"]
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert answer["mime_type"] == "application/pdf"
    assert answer["size_bytes"] == len(pdf)
    assert answer["sha256"] == hashlib.sha256(pdf).hexdigest()


async def test_paper_is_as_asked(hands: Hands) -> None:
    await hands.goto("print.html")
    small = (await hands.do("ExportPdf", paper_width=4.0, paper_height=3.0))["pdf_bytes"]
    assert b"[0 0 288 216]" in small
    turned = (await hands.do("ExportPdf", paper_width=4.0, paper_height=3.0, landscape=True, page_ranges="1"))[
        "pdf_bytes"
    ]
    assert b"[0 0 216 288]" in turned
    assert small.count(b"/Type /Page\n") + small.count(b"/Type /Page ") > 1
    assert turned.count(b"/Type /Page\n") + turned.count(b"/Type /Page ") == 1


async def test_a_print_above_its_bytes_is_a_failure(hands: Hands) -> None:
    await hands.goto("print.html")
    assert await hands.failure("ExportPdf", max_bytes=1000) == "output_too_large"
    answer = await hands.fail("ExportPdf", page_ranges="99")
    assert answer["error"] in ("output_too_large", "browser_failed", "script_error")


async def test_a_title_within_its_bytes_is_still_text(hands: Hands) -> None:
    await hands.goto("empty.html")
    await hands.js("void (document.title = 'é'.repeat(100))")
    title = (await hands.do("GetTitle", max_title_bytes=11))["title"]
    assert title == "é" * 5
