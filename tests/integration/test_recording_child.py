"""A recording's child: frames in, a file with chapters out, and what happens when it cannot."""

import io
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import av
import pytest

from cloche.errors import InternalError, StartError
from cloche.live import mux_process
from cloche.live.model import Chunk, Codec, Demand
from cloche.live.mux_process import Chapter, MuxProcess, MuxRequest
from cloche.testing.encoder_child import SETTINGS, encoding, gone, inner_pid
from cloche.testing.jpegs import moving

WIDTH, HEIGHT = 320, 240
BOTH = pytest.mark.parametrize("codec", [Codec.VP8, Codec.H264])


def request(codec: Codec, max_bytes: int = 8 << 20) -> MuxRequest:
    return MuxRequest(codec=codec, width=WIDTH, height=HEIGHT, max_bytes=max_bytes)


async def video(codec: Codec, count: int) -> Sequence[Chunk]:
    """A page that changes its size halfway, in a track that does not; every tenth is a key frame."""
    wanted = {codec: Demand(600_000, fit_width=WIDTH, fit_height=HEIGHT)}
    async with encoding() as session:
        for step in range(count):
            size = (WIDTH, HEIGHT) if step < count // 2 else (640, 360)
            await session.encode(moving(*size, step), wanted, frozenset({codec} if step % 10 == 0 else ()))
    assert {(chunk.width, chunk.height) for chunk in session.chunks} == {(WIDTH, HEIGHT)}
    return session.chunks


@asynccontextmanager
async def recording(wanted: MuxRequest) -> AsyncIterator[MuxProcess]:
    mux = await MuxProcess.start(SETTINGS, wanted)
    inner = inner_pid(mux.pid)
    try:
        yield mux
    finally:
        await mux.close()
        await mux.close()
        await gone(inner)


async def whole(mux: MuxProcess, end_ms: int, chapters: Sequence[Chapter] = ()) -> bytes:
    return b"".join([piece async for piece in mux.finish(end_ms, chapters)])


@BOTH
async def test_a_player_finds_frames_length_size_and_chapters(codec: Codec) -> None:
    chunks = await video(codec, 40)
    async with recording(request(codec)) as mux:
        for number, chunk in enumerate(chunks):
            assert await mux.add(chunk.data, 50 * number, is_key=chunk.is_key)
        file = await whole(mux, 9000, [Chapter(0, "opened"), Chapter(1.25, "typed – “ü”")])
    with av.open(io.BytesIO(file)) as playable:
        assert playable.duration == 9_000_000
        stream = playable.streams.video[0]
        assert (stream.width, stream.height) == (WIDTH, HEIGHT)
        titles = [(float(c["start"] * c["time_base"]), c["metadata"]["title"]) for c in playable.chapters()]
        assert titles == [(0, "opened"), (1.25, "typed – “ü”")]
        assert [round(float(frame.time), 2) for frame in playable.decode(video=0)] == [n / 20 for n in range(40)]


@BOTH
async def test_the_cap_holds_and_what_was_taken_can_be_played(codec: Codec) -> None:
    chunks, most = await video(codec, 40), 80_000
    async with recording(request(codec, most)) as mux:
        taken = [await mux.add(chunk.data, 40 * n, is_key=chunk.is_key) for n, chunk in enumerate(chunks)]
        assert mux.size_bytes <= most
        file = await whole(mux, 2000)
    assert taken == sorted(taken, reverse=True)
    assert 0 < taken.count(True) < len(taken)
    assert len(file) <= most
    with av.open(io.BytesIO(file)) as playable:
        assert sum(1 for _ in playable.decode(video=0)) == taken.count(True)


async def test_a_frame_beyond_all_bounds_is_not_taken() -> None:
    async with recording(request(Codec.VP8)) as mux:
        assert not await mux.add(bytes((16 << 20) + 1), 0, is_key=True)
        assert await mux.add(bytes(100), 0, is_key=True)


async def test_a_large_file_comes_in_bounded_pieces() -> None:
    async with recording(request(Codec.VP8, 32 << 20)) as mux:
        for number in range(20):
            assert await mux.add(os.urandom(1 << 20), 40 * number, is_key=True)
        sizes = [len(piece) async for piece in mux.finish(1000)]
    assert sum(sizes) > 20 << 20
    assert max(sizes) <= 256 * 1024


async def test_without_a_frame_there_is_no_file() -> None:
    async with recording(request(Codec.H264)) as mux:
        with pytest.raises(InternalError):
            await whole(mux, 1000)


async def test_garbage_for_frames_ends_in_a_file_or_in_an_error() -> None:
    async with recording(request(Codec.H264)) as mux:
        with pytest.raises(InternalError):
            for number in range(5):
                await mux.add(b"\0\0\0\1" + os.urandom(500), 40 * number, is_key=True)
            await whole(mux, 1000)
            raise InternalError("it made a file of it")


@pytest.mark.parametrize("codec", [Codec.JPEG])
async def test_what_is_no_video_is_not_recorded(codec: Codec) -> None:
    with pytest.raises(InternalError):
        await MuxProcess.start(SETTINGS, request(codec))


async def test_a_killed_child_is_told_to_who_asks_next() -> None:
    async with recording(request(Codec.VP8)) as mux:
        assert await mux.add(bytes(100), 0, is_key=True)
        os.kill(inner_pid(mux.pid), signal.SIGKILL)
        with pytest.raises(InternalError):
            await mux.add(bytes(100), 40, is_key=True)
        with pytest.raises(InternalError):
            await whole(mux, 1000)


async def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async with recording(request(Codec.VP8)) as mux:
        monkeypatch.setattr(mux_process, "_ANSWER_S", 0.3)
        os.kill(inner_pid(mux.pid), signal.SIGSTOP)
        with pytest.raises(InternalError):
            await mux.add(bytes(100), 0, is_key=True)


async def test_who_gives_up_in_the_middle_of_a_file_leaves_nothing() -> None:
    async with recording(request(Codec.VP8)) as mux:
        await mux.add(os.urandom(4 << 20), 0, is_key=True)
        pieces = mux.finish(1000)
        assert await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]


async def test_without_walls_nothing_is_recorded() -> None:
    settings = type(SETTINGS)(bwrap="bwrap-that-is-not-there")
    with pytest.raises(StartError) as caught:
        await MuxProcess.start(settings, request(Codec.VP8))
    assert caught.value.reason == "encoder_not_confined"
