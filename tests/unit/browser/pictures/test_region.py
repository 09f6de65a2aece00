"""What part of a page a picture shows."""

from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.pictures.region import (
    MAX_PIXELS,
    MAX_SIDE_PIXELS,
    Layout,
    Rect,
    Region,
    device_scale_factor,
    scale_that_fits,
)

NUMBERS = st.floats(-1e7, 1e7)
SIZES = st.floats(0, 1e7)


@given(NUMBERS, NUMBERS, SIZES, SIZES)
def test_a_region_is_cut_to_the_page(x: float, y: float, width: float, height: float) -> None:
    layout = Layout(cssContentSize=Rect(0, 0, 1280, 5000))
    region = Region(x, y, width, height).within(layout)
    assert region.x >= 0
    assert region.y >= 0
    assert region.is_empty or (region.x + region.width <= 1280 + 1e-6 and region.y + region.height <= 5000 + 1e-6)


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.sampled_from([0.0, 0.5, 1.0, 8.0]), st.sampled_from([1.0, 2.0, 8.0]))
def test_no_picture_has_more_pixels_than_may_be(width: float, height: float, scale: float, factor: float) -> None:
    pixels = scale_that_fits(Region(0, 0, width, height), scale, factor) * factor
    assert width * pixels <= MAX_SIDE_PIXELS * 1.0001
    assert height * pixels <= MAX_SIDE_PIXELS * 1.0001
    assert width * height * pixels * pixels <= MAX_PIXELS * 1.0001


def test_an_ordinary_picture_has_the_viewports_pixels() -> None:
    assert scale_that_fits(Region(0, 0, 1280, 800), 0, 2.0) == 1.0
    assert scale_that_fits(Region(0, 0, 1280, 800), 1.0, 2.0) == 0.5


def test_the_device_scale_factor_is_read_from_both_sizes() -> None:
    assert device_scale_factor(Layout(cssContentSize=Rect(0, 0, 640, 10), contentSize=Rect(0, 0, 1280, 20))) == 2.0
    assert device_scale_factor(Layout()) == 1.0
