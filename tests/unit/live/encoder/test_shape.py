"""Sizes of encoded pictures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.encoder.shape import MAX_VIDEO_SIDE, Shape, scaled, video_shape

sides = st.integers(1, 4096)


@pytest.mark.parametrize(
    ("size", "fit", "shape"),
    [
        ((1280, 720), (0, 0), Shape(1280, 720, 1280, 720)),
        ((1281, 721), (0, 0), Shape(1280, 720, 1280, 720)),
        ((1, 1), (0, 0), Shape(2, 2, 2, 2)),
        ((3840, 2160), (0, 0), Shape(1920, 1080, 1920, 1080)),
        ((1280, 720), (640, 480), Shape(640, 480, 640, 360)),
        ((400, 800), (640, 480), Shape(640, 480, 240, 480)),
        ((320, 240), (640, 480), Shape(640, 480, 640, 480)),
        ((1280, 720), (1280, 720), Shape(1280, 720, 1280, 720)),
        ((1280, 720), (639, 0), Shape(638, 358, 638, 358)),
    ],
)
def test_known_sizes(size: tuple[int, int], fit: tuple[int, int], shape: Shape) -> None:
    assert video_shape(*size, *fit) == shape


def test_the_page_is_in_the_middle() -> None:
    assert (video_shape(1280, 720, 640, 480).left, video_shape(1280, 720, 640, 480).top) == (0, 60)


@given(sides, sides, st.integers(0, 65535), st.integers(0, 65535))
def test_every_side_is_even_and_bounded_and_the_page_inside(width: int, height: int, fit_w: int, fit_h: int) -> None:
    shape = video_shape(width, height, fit_w, fit_h)
    for side in (shape.width, shape.height, shape.inner_width, shape.inner_height, shape.left, shape.top):
        assert side % 2 == 0
    assert 2 <= shape.inner_width <= shape.width <= MAX_VIDEO_SIDE
    assert 2 <= shape.inner_height <= shape.height <= MAX_VIDEO_SIDE
    assert shape.left + shape.inner_width <= shape.width
    assert shape.top + shape.inner_height <= shape.height


@given(sides, sides, st.floats(0, 1))
def test_a_smaller_jpeg_is_never_larger_and_never_nothing(width: int, height: int, scale: float) -> None:
    smaller = scaled(width, height, scale)
    assert 1 <= smaller[0] <= width
    assert 1 <= smaller[1] <= height


def test_half_is_half() -> None:
    assert scaled(1280, 721, 0.5) == (640, 360)
