"""Only pictures of a kind and size that a browser makes reach the decoder."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.encoder.jpeg_head import MAX_SIDE, JpegHead, read_head
from cloche.testing.jpegs import quarters


def head(width: int, height: int, *, marker: int = 0xC0, components: int = 3, precision: int = 8) -> bytes:
    body = struct.pack(">BHHB", precision, height, width, components) + bytes(3 * components)
    return b"\xff\xd8" + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuvj422p", "yuvj444p"])
def test_what_libav_writes_is_read(pixel_format: str) -> None:
    assert read_head(quarters(66, 34, pixel_format)) == JpegHead(66, 34, 3)


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2])
def test_baseline_extended_and_progressive_are_taken(marker: int) -> None:
    assert read_head(head(1, 1, marker=marker)) == JpegHead(1, 1, 3)
    assert read_head(head(MAX_SIDE, MAX_SIDE, marker=marker, components=1)) == JpegHead(MAX_SIDE, MAX_SIDE, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"GIF89a" + bytes(100),
        head(0, 10),
        head(10, 0),
        head(MAX_SIDE + 1, 1),
        head(65500, 65500),
        head(10, 10, components=4),
        head(10, 10, precision=12),
        head(10, 10, marker=0xC3),
        head(10, 10, marker=0xC9),
        head(10, 10)[:8],
        b"\xff\xd8" + b"\xff\xda\x00\x02" + head(10, 10)[2:],
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 1000 + head(10, 10)[2:],
        b"\xff\xd8" + b"\xff" * 5000 + head(10, 10)[2:],
        b"\xff\xd8" + b"\xff\xe0\x00\x00" + head(10, 10)[2:],
    ],
)
def test_anything_else_is_not(data: bytes) -> None:
    assert read_head(data) is None


def test_segments_before_the_frame_are_skipped() -> None:
    assert read_head(b"\xff\xd8\xff\xe1\x00\x06\xff\xc0abc"[:10] + head(20, 30)[2:]) == JpegHead(20, 30, 3)


@given(st.binary(max_size=300))
def test_no_bytes_trouble_it(data: bytes) -> None:
    for start in (b"", b"\xff\xd8"):
        found = read_head(start + data)
        assert found is None or (0 < found.width <= MAX_SIDE and 0 < found.height <= MAX_SIDE)
