"""Where frames and blocks end, against the library that makes them."""

import struct

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.zstd.frames import MAGIC, MAX_CUT_YIELD_BYTES, Cut, FrameCutter, FrameError, Start

SKIPPABLE = struct.pack("<II", 0x184D2A53, 5) + b"12345"


def compressed(data: bytes, level: int = 3, **options: bool) -> bytes:
    return zstandard.ZstdCompressor(level=level, **options).compress(data)


def streamed(data: bytes) -> bytes:
    """A frame that does not tell its content's size, and so has a window of its own."""
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    return compressor.compress(data) + compressor.flush()


def cut(data: bytes, piece: int) -> list[Start | Cut]:
    cutter, found = FrameCutter(), list[Start | Cut]()
    for at in range(0, len(data), piece):
        cutter.feed(data[at : at + piece])
        while (following := cutter.next()) is not None:
            found.append(following)
    assert cutter.is_between_frames
    return found


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 2000), st.booleans(), st.booleans()), max_size=4),
    st.integers(1, 700),
)
def test_pieces_of_any_size_give_the_frames_that_were_made(
    contents: list[tuple[bytes, int, bool, bool]], piece: int
) -> None:
    plain = [data * times for data, times, _, _ in contents]
    frames = [
        compressed(data, write_checksum=has_checksum, write_content_size=has_size)
        for data, (_, _, has_checksum, has_size) in zip(plain, contents, strict=True)
    ]
    whole = SKIPPABLE + SKIPPABLE.join(frames) + SKIPPABLE
    found, decoder, made = cut(whole, piece), None, b""
    for each in found:
        if isinstance(each, Start):
            decoder = zstandard.ZstdDecompressor().decompressobj()
        else:
            assert decoder is not None
            yielded = decoder.decompress(each.data)
            assert len(yielded) <= MAX_CUT_YIELD_BYTES + 128 * 1024
            assert decoder.eof == each.is_last
            made += yielded
    assert made == b"".join(plain)
    assert sum(isinstance(each, Start) for each in found) == len(frames)


@pytest.mark.parametrize("make", [compressed, streamed])
def test_a_frame_tells_the_window_that_the_library_reads(make: object) -> None:
    for size in (0, 1, 255, 256, 300, 65_791, 65_792, 3_000_000):
        frame = make(bytes(size))  # type: ignore[operator]
        assert cut(frame, len(frame))[0] == Start(zstandard.get_frame_parameters(frame).window_size)


def test_what_a_cut_stands_for_is_bounded_however_small_it_is() -> None:
    # A block of four bytes that stands for 128 KiB of one byte, a thousand times.
    run = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"x"
    last = (0 << 3 | 1).to_bytes(3, "little")
    found = cut(MAGIC + b"\x00\x58" + run * 1000 + last, 64 * 1024)
    decoder, total = zstandard.ZstdDecompressor().decompressobj(), 0
    for each in found[1:]:
        assert isinstance(each, Cut)
        yielded = len(decoder.decompress(each.data))
        assert yielded <= MAX_CUT_YIELD_BYTES
        total += yielded
    assert total == 1000 * 128 * 1024


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 this is a zip",
        b"\x28\xb5\x2f\xfe",
        b"\x51\x2a\x4d\x19\0\0\0\0",
        MAGIC + b"\x08\x58",  # a reserved bit
        MAGIC + b"\x00\x58" + b"\x07\x00\x00",  # a reserved kind of block
        MAGIC + b"\x00\x58" + (200_000 << 3).to_bytes(3, "little"),  # a block beyond 128 KiB
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    cutter = FrameCutter()
    cutter.feed(data)
    with pytest.raises(FrameError):
        for _ in range(3):
            cutter.next()


@given(st.binary(max_size=200), st.integers(1, 20))
def test_random_bytes_are_refused_or_wanted_more_of(data: bytes, piece: int) -> None:
    cutter = FrameCutter()
    try:
        for at in range(0, len(data), piece):
            cutter.feed(data[at : at + piece])
            while cutter.next() is not None:
                continue
    except FrameError:
        return
    assert not data or data[:4] == MAGIC[: len(data)] or data[0] & 0xF0 == 0x50


@given(st.integers(0, 400))
def test_a_frame_that_is_cut_short_is_not_at_its_end(end: int) -> None:
    frame = SKIPPABLE + compressed(bytes(range(256)) * 3, write_checksum=True)
    cutter = FrameCutter()
    cutter.feed(frame[: min(end, len(frame) - 1)])
    while cutter.next() is not None:
        continue
    assert cutter.is_between_frames == (end in (0, len(SKIPPABLE)))
