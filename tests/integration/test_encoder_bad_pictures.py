"""What a stranger may send in place of pictures: the child deals with it, and the next picture is encoded."""

import os
import struct

import pytest

from cloche.live.encoder import wire
from cloche.live.model import Codec
from cloche.testing.encoder_child import demand, encoding
from cloche.testing.jpegs import Watcher, quarters, shows_quarters

GOOD = quarters(320, 240)


def declared(width: int, height: int) -> bytes:
    at = GOOD.index(b"\xff\xc0") + 5
    return GOOD[:at] + struct.pack(">HH", height, width) + GOOD[at + 4 :]


def with_marker(marker: int) -> bytes:
    return GOOD.replace(b"\xff\xc0", bytes((0xFF, marker)), 1)


def four_components() -> bytes:
    """As a CMYK picture says it."""
    at = GOOD.index(b"\xff\xc0")
    return GOOD[:at] + struct.pack(">BBHBHHB", 0xFF, 0xC0, 20, 8, 240, 320, 4) + bytes(12) + GOOD[at + 19 :]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"<html>not a picture</html>",
        bytes(200_000),
        b"\xff" * 200_000,
        GOOD[: len(GOOD) // 2],
        declared(65_500, 65_500),
        declared(4097, 4096),
        declared(4096, 4096),
        declared(1, 1),
        with_marker(0xC2),
        with_marker(0xC3),
        with_marker(0xC9),
        four_components(),
        GOOD[:600] + os.urandom(3000),
        bytes(wire.MAX_PICTURE_BYTES + 1),
    ],
    ids=[
        *("empty", "start only", "text", "zeros", "fill bytes", "truncated", "bomb", "too wide", "as large as may be"),
        *("says 1x1", "says progressive", "lossless", "arithmetic", "cmyk", "noise", "too long"),
    ],
)
async def test_a_bad_picture_is_dealt_with_and_the_next_is_encoded(data: bytes) -> None:
    async with encoding() as session:
        await session.encode(data, demand(Codec.H264, Codec.VP8))
        chunks = await session.encode(GOOD, demand(Codec.H264, Codec.VP8), frozenset({Codec.H264, Codec.VP8}))
        assert shows_quarters(Watcher("h264").see(chunks[0].data))
        assert shows_quarters(Watcher("vp8").see(chunks[1].data))


@pytest.mark.parametrize("pixel_format", ["yuvj444p", "yuvj422p"])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (321, 241), (1, 900), (2500, 10)])
async def test_odd_pictures_are_encoded(pixel_format: str, size: tuple[int, int]) -> None:
    async with encoding() as session:
        chunks = await session.encode(quarters(*size, pixel_format), demand(Codec.H264, Codec.VP8, Codec.JPEG))
        assert len(chunks) == 3
        for chunk, name in zip(chunks, ("h264", "vp8", "mjpeg"), strict=True):
            frame = Watcher(name).see(chunk.data)  # type: ignore[arg-type]
            assert (frame.width, frame.height) == (chunk.width, chunk.height)
