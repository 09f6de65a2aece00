"""Frames become what an encoder takes, in the right place and of the right colour."""

import pytest
from av.video.frame import VideoFrame

from cloche.live.encoder.decode import Decoder
from cloche.live.encoder.frames import FULL_RANGE, LIMITED_RANGE, Shaper
from cloche.live.encoder.shape import Shape, video_shape
from cloche.testing.jpegs import colour_at, is_near, quarters, shows_quarters

FORMATS = pytest.mark.parametrize("pixel_format", [FULL_RANGE, LIMITED_RANGE])


def picture(width: int, height: int, pixel_format: str = "yuvj420p") -> VideoFrame:
    frame = Decoder().decode(memoryview(quarters(width, height, pixel_format)))
    assert frame is not None
    return frame


def test_a_frame_that_is_right_is_not_copied() -> None:
    frame = picture(64, 48)
    assert Shaper(FULL_RANGE).shape(frame, video_shape(64, 48)) is frame


@FORMATS
@pytest.mark.parametrize("sampling", ["yuvj420p", "yuvj422p", "yuvj444p"])
@pytest.mark.parametrize(
    "shape",
    [Shape(96, 64, 96, 64), Shape(64, 48, 64, 48), Shape(200, 100, 200, 100)],
    ids=["cut by one", "smaller", "larger"],
)
def test_colours_stay_right(pixel_format: str, sampling: str, shape: Shape) -> None:
    shaped = Shaper(pixel_format).shape(picture(97, 65, sampling), shape)
    assert (shaped.width, shaped.height, shaped.format.name) == (shape.width, shape.height, pixel_format)
    assert shows_quarters(shaped)


@FORMATS
def test_what_is_left_over_is_black_and_the_page_in_the_middle(pixel_format: str) -> None:
    frame = picture(100, 50)
    shaped = Shaper(pixel_format).shape(frame, video_shape(100, 50, 100, 100))
    black = (0, 128, 128)
    assert (shaped.width, shaped.height) == (100, 100)
    for y in (0.05, 0.2, 0.8, 0.95):
        assert is_near(colour_at(shaped, 0.5, y), black, 2)
    assert is_near(colour_at(shaped, 0.25, 0.4), (76, 85, 255))
    assert is_near(colour_at(shaped, 0.75, 0.6), (255, 128, 128))


def test_the_last_row_and_column_of_odd_sizes_are_cut_and_not_scaled() -> None:
    frame = picture(97, 65)
    cut = Shaper(FULL_RANGE).shape(frame, video_shape(97, 65))
    old, new = frame.planes[0], cut.planes[0]
    for row in (0, 31, 32, 63):
        line = bytes(memoryview(new)[row * new.line_size :][:96])
        assert line == bytes(memoryview(old)[row * old.line_size :][:96])
