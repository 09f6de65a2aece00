"""Smaller JPEGs."""

import pytest

from cloche.live.encoder.decode import Decoder
from cloche.live.encoder.jpeg import JpegEncoder, quantizer
from cloche.testing.jpegs import Watcher, moving, quarters, shows_quarters


def encoded(jpeg: bytes, quality: int) -> bytes:
    frame = Decoder().decode(memoryview(jpeg))
    assert frame is not None
    return JpegEncoder(frame.width, frame.height, quality).encode(frame)


def test_it_is_a_jpeg_of_the_same_picture() -> None:
    frame = Watcher("mjpeg").see(encoded(quarters(160, 120), 60))
    assert (frame.width, frame.height) == (160, 120)
    assert shows_quarters(frame)


def test_less_quality_is_less_bytes() -> None:
    sizes = [len(encoded(moving(320, 240, 1), quality)) for quality in (90, 75, 50, 25, 5)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 2


def test_one_encoder_makes_many_pictures_and_is_for_one_size_and_quality() -> None:
    encoder = JpegEncoder(320, 240, 50)
    for step in range(3):
        frame = Decoder().decode(memoryview(moving(320, 240, step)))
        assert frame is not None
        Watcher("mjpeg").see(encoder.encode(frame))
    assert encoder.suits(320, 240, 50)
    assert not encoder.suits(320, 240, 51)
    assert not encoder.suits(322, 240, 50)


@pytest.mark.parametrize(("quality", "scale"), [(-5, 31), (1, 31), (25, 16), (50, 8), (80, 3), (100, 2), (1000, 2)])
def test_quality_is_meant_as_libjpeg_means_it(quality: int, scale: int) -> None:
    assert quantizer(quality) == scale
