"""Pictures of all kinds: what is one is decoded, what is none does no harm to the next."""

import struct

import pytest

from cloche.live.encoder.decode import Decoder
from cloche.testing.jpegs import quarters, shows_quarters

GOOD = quarters(64, 48)
FRAME_AT = GOOD.index(b"\xff\xc0")


def resized(jpeg: bytes, width: int, height: int) -> bytes:
    """The same bytes, but for what they say of their size."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuvj422p", "yuvj444p"])
@pytest.mark.parametrize("size", [(64, 48), (66, 35), (1281, 721)])
def test_any_sampling_and_any_size_is_decoded(pixel_format: str, size: tuple[int, int]) -> None:
    frame = Decoder().decode(memoryview(quarters(*size, pixel_format)))
    assert frame is not None
    assert (frame.width, frame.height, frame.format.name) == (*size, pixel_format)
    assert shows_quarters(frame)


def test_one_pixel_is_a_picture() -> None:
    frame = Decoder().decode(memoryview(quarters(1, 1, "yuvj444p")))
    assert frame is not None
    assert (frame.width, frame.height) == (1, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture at all",
        bytes(5000),
        GOOD[:20],
        resized(GOOD, 65500, 65500),
        resized(GOOD, 4097, 10),
        # A second frame header, after one that says little: the decoder's own limit.
        GOOD[:FRAME_AT] + resized(GOOD, 1, 1)[FRAME_AT : FRAME_AT + 19] + resized(GOOD, 60000, 60000)[FRAME_AT:],
    ],
    ids=["empty", "text", "zeros", "head", "bomb", "wide", "hidden bomb"],
)
def test_what_is_none_is_not_decoded_and_the_next_is(data: bytes) -> None:
    decoder = Decoder()
    assert decoder.decode(memoryview(data)) is None
    frame = decoder.decode(memoryview(GOOD))
    assert frame is not None
    assert shows_quarters(frame)


def test_a_cut_off_picture_does_no_harm() -> None:
    decoder = Decoder()
    for length in range(0, len(GOOD), 7):
        decoder.decode(memoryview(GOOD[:length]))
    assert decoder.decode(memoryview(GOOD)) is not None


def test_flipped_bytes_do_no_harm() -> None:
    decoder = Decoder()
    for at in range(2, len(GOOD), 3):
        decoder.decode(memoryview(GOOD[:at] + bytes((GOOD[at] ^ 0xFF,)) + GOOD[at + 1 :]))
    assert decoder.decode(memoryview(GOOD)) is not None
