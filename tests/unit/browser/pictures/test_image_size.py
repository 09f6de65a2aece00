"""How large a picture is, from its head."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.pictures.image_size import MAX_SEGMENTS, image_size

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)
JPEG = b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"ab\xff\xc0" + struct.pack(">HBHH", 17, 8, 480, 640)
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", 640, 480)
WEBP_LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L" + b"\0" * 4 + b"\x2f" + struct.pack("<I", 639 | 479 << 14)
WEBP_EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + struct.pack("<I", 639)[:3] + struct.pack("<I", 479)[:3]
KINDS = [PNG, JPEG, WEBP_LOSSY, WEBP_LOSSLESS, WEBP_EXTENDED]


@pytest.mark.parametrize("data", KINDS)
def test_every_kind_says_how_large_it_is(data: bytes) -> None:
    assert image_size(data) == (640, 480)


@given(st.sampled_from(KINDS), st.integers(0, 40), st.binary(max_size=20))
def test_a_head_that_is_cut_or_spoilt_is_read_without_failing(data: bytes, cut: int, junk: bytes) -> None:
    width, height = image_size(data[:cut] + junk)
    assert width >= 0
    assert height >= 0


def test_anything_else_has_no_size() -> None:
    assert image_size(b"GIF89a" + b"\1" * 30) == (0, 0)


def test_a_jpeg_of_segments_without_end_has_no_size() -> None:
    frame = JPEG[-9:]
    assert image_size(b"\xff\xd8" + b"\xff\xd0" * 20 + frame) == (640, 480)
    assert image_size(b"\xff\xd8" + b"\xff\xd0" * MAX_SEGMENTS + frame) == (0, 0)
