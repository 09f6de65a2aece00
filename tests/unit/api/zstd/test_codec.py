"""Zstandard in worker threads, against the library and the program that everybody has."""

import asyncio
import random
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.api.zstd import codec as module
from cloche.api.zstd.codec import FREE_OUTPUT_BYTES, MAX_RATIO, MEMORY_BYTES, Level, ZstdCodec
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import AgentError, BusyError, InvalidError

MIB = 1024 * 1024
SKIPPABLE = struct.pack("<II", 0x184D2A50, 4) + b"note"


@pytest.fixture
def codec() -> Iterator[ZstdCodec]:
    codec = ZstdCodec()
    yield codec
    codec.close()
    assert codec.memory.free_bytes == MEMORY_BYTES


def noise(size: int, seed: int = 1) -> bytes:
    """Neither random nor all the same: what compresses to about a half."""
    return random.Random(seed).randbytes(size).translate(bytes(range(16)) * 16)


async def pieces_of(data: bytes, size: int = 64 * 1024) -> AsyncGenerator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def unpacked(codec: ZstdCodec, pieces: AsyncIterator[bytes], max_bytes: int = 1 << 40) -> bytes:
    made = bytearray()
    async with codec.decompressor(max_bytes=max_bytes) as decompressor:
        async for piece in pieces:
            async for plain in decompressor.feed(piece):
                assert len(plain) <= 2 * MIB
                made += plain
        decompressor.finish()
    return bytes(made)


@pytest.mark.parametrize("level", Level)
async def test_what_goes_down_comes_up_again(codec: ZstdCodec, level: Level) -> None:
    plain = noise(3 * MIB + 17) + bytes(MIB)
    packed = b"".join([piece async for piece in codec.compress(pieces_of(plain), level)])
    assert len(packed) < len(plain) * 0.7
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain
    assert zstandard.get_frame_parameters(packed).window_size <= 2 * MIB
    assert await unpacked(codec, pieces_of(packed, 1000)) == plain


async def test_nothing_at_all_is_an_empty_frame(codec: ZstdCodec) -> None:
    packed = b"".join([piece async for piece in codec.compress(pieces_of(b""))])
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == b""
    assert await unpacked(codec, pieces_of(packed)) == b""


async def test_frames_in_a_row_and_skippable_ones_are_one_stream(codec: ZstdCodec) -> None:
    made = [noise(size, size) for size in (0, 1, 70_000, MIB)]
    frames = [
        zstandard.ZstdCompressor(level=level).compress(data) for level, data in zip((1, 3, 9, 19), made, strict=True)
    ]
    whole = SKIPPABLE + SKIPPABLE.join(frames) + SKIPPABLE
    assert await unpacked(codec, pieces_of(whole, 777)) == b"".join(made)


@given(st.binary(max_size=3000), st.integers(0, 3000), st.integers(1, 255), st.integers(1, 500))
@settings(max_examples=60)
def test_damage_is_told_or_makes_no_difference(data: bytes, at: int, change: int, size: int) -> None:
    packed = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(data))
    packed[at % len(packed)] ^= change

    async def run() -> bytes:
        codec = ZstdCodec()
        try:
            return await unpacked(codec, pieces_of(bytes(packed), size), max_bytes=MIB)
        finally:
            assert codec.memory.free_bytes == MEMORY_BYTES
            codec.close()

    try:
        assert asyncio.run(run()) == data or at % len(packed) < 18  # the header's unused bit says nothing
    except InvalidError as error:
        assert error.fields["reason"] in ("bad_archive", "too_large")


@pytest.mark.parametrize("end", [1, 4, 8, 500, -5, -1])
async def test_an_archive_that_is_cut_short_is_told(codec: ZstdCodec, end: int) -> None:
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(noise(10_000))
    with pytest.raises(InvalidError, match="cut short") as caught:
        await unpacked(codec, pieces_of(packed[:end]))
    assert caught.value.fields["reason"] == "bad_archive"


@pytest.mark.parametrize("data", [b"", SKIPPABLE, b"PK\x03\x04 something", b"\x28\xb5\x2f\xfd" + b"\xff" * 100])
async def test_what_is_no_archive_is_told(codec: ZstdCodec, data: bytes) -> None:
    with pytest.raises(InvalidError) as caught:
        await unpacked(codec, pieces_of(data))
    assert caught.value.fields["reason"] == "bad_archive"


async def test_a_window_above_eight_mebibytes_is_refused_before_it_is_made(codec: ZstdCodec) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(noise(100_000)) + compressor.flush()
    with pytest.raises(InvalidError, match="window") as caught:
        await unpacked(codec, pieces_of(packed))
    assert caught.value.fields["reason"] == "bad_archive"


async def test_a_bomb_stops_early(codec: ZstdCodec) -> None:
    run = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    taken = 0

    async def bomb() -> AsyncGenerator[bytes]:
        nonlocal taken
        yield b"\x28\xb5\x2f\xfd\x00\x58"
        for _ in range(10_000):
            taken += 1
            yield run * 64  # eight megabytes each

    with pytest.raises(InvalidError) as caught:
        await unpacked(codec, bomb())
    assert caught.value.fields["reason"] == "too_compressed"
    assert taken * 8 * MIB <= FREE_OUTPUT_BYTES + 16 * MIB


async def test_a_small_archive_of_zeros_is_no_bomb(codec: ZstdCodec) -> None:
    plain = bytes(20 * MIB)
    packed = zstandard.ZstdCompressor().compress(plain)
    assert len(packed) * MAX_RATIO < len(plain)
    assert await unpacked(codec, pieces_of(packed)) == plain


async def test_what_unpacks_to_more_than_agreed_is_stopped_there(codec: ZstdCodec) -> None:
    packed = zstandard.ZstdCompressor().compress(noise(2 * MIB))
    assert len(await unpacked(codec, pieces_of(packed), max_bytes=2 * MIB)) == 2 * MIB
    with pytest.raises(InvalidError) as caught:
        await unpacked(codec, pieces_of(packed), max_bytes=2 * MIB - 1)
    assert caught.value.fields["reason"] == "too_large"


async def test_all_streams_together_stay_within_their_memory(codec: ZstdCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    codec.memory._wait_s = 0.01  # nobody gives anything back here
    begun = [codec.compress(pieces_of(noise(2 * MIB)), Level.BEST) for _ in range(3)]
    assert await anext(begun[0]) and await anext(begun[1])
    with pytest.raises(BusyError):
        await anext(begun[2])
    for each in begun:
        await each.aclose()


async def test_a_stream_whose_source_breaks_off_breaks_off(codec: ZstdCodec) -> None:
    async def broken() -> AsyncGenerator[bytes]:
        yield noise(MIB)
        raise AgentError("the answer was broken off")

    with pytest.raises(AgentError):
        async for _ in codec.compress(broken()):
            pass


async def test_one_that_is_cancelled_half_way_gives_its_memory_back(codec: ZstdCodec) -> None:
    reached = asyncio.Event()

    async def stuck() -> AsyncGenerator[bytes]:
        yield noise(MIB)
        reached.set()
        await asyncio.Event().wait()

    async def run() -> None:
        async for _ in codec.compress(stuck(), Level.BEST):
            pass

    running = spawn(run(), name="running")
    async with asyncio.timeout(5):
        await reached.wait()
    await cancel_and_wait(running)
    assert codec.memory.free_bytes == MEMORY_BYTES


def test_every_level_is_known_and_has_its_memory() -> None:
    assert set(module._EFFORTS) == set(Level)
    for effort in module._EFFORTS.values():
        parameters = zstandard.ZstdCompressionParameters.from_level(effort.level)
        window = 1 << parameters.window_log
        assert (
            window <= 2 * MIB
            and parameters.estimated_compression_context_size() + window <= effort.memory_bytes <= MEMORY_BYTES
        )
