"""Recordings through the confined child that makes files of them: what comes out is played with another program."""

import asyncio
import io
import os
import select
import signal
from pathlib import Path
from typing import Any

import av
import pytest

from cloche.concurrency.tasks import spawn
from cloche.ids import PrincipalName
from cloche.live.encoder_child import EncoderSettings
from cloche.live.model import Codec
from cloche.live.mux_process import MuxProcess, MuxRequest
from cloche.sessions.live.interface import RecordingFormat, RecordingInfo, RecordingRequest, RecordingStatus
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal, Role
from cloche.testing.live_pictures import VideoMaker, plain_jpeg
from cloche.testing.recording import RecordingWorld, recording_world

ANN = Principal(PrincipalName("ann"), Role.USER)
CODECS = {RecordingFormat.WEBM: Codec.VP8, RecordingFormat.MP4: Codec.H264}


class Muxers:
    """Real children, of which a test can get hold."""

    def __init__(self) -> None:
        self.made: list[MuxProcess] = []
        self.kill_next = 0

    async def __call__(self, request: MuxRequest) -> MuxProcess:
        self.made.append(await MuxProcess.start(EncoderSettings(), request))
        if self.kill_next:
            self.kill_next -= 1
            await killed(self.made[-1])
        return self.made[-1]


async def killed(mux: MuxProcess) -> None:
    """Kill it, and wait for what it did inside: bubblewrap's child outlives it by moments."""
    os.kill(mux._child.pid, signal.SIGKILL)
    hung_up = select.poll()
    hung_up.register(mux._child.socket, 0)
    while not hung_up.poll(0):
        await asyncio.sleep(0.002)


class Movie:
    """Frames of plain colours, one after the other."""

    def __init__(self, codec: Codec) -> None:
        self._maker = VideoMaker(codec)
        self._count = 0

    async def show(self, world: RecordingWorld, *, width: int = 640) -> None:
        self._count += 1
        jpeg = plain_jpeg(self._count * 5 % 250, 100, 150, width=width)
        for data, is_key in await asyncio.to_thread(self._maker.encode, jpeg):
            await world.show(data, is_key=is_key, size=(width, 360))


async def record(world: RecordingWorld, format_: RecordingFormat, frames: int, *, fps: float = 20) -> Movie:
    movie = Movie(CODECS[format_])
    await world.recorder.start(ANN, RecordingRequest(format=format_))
    for _ in range(frames):
        await movie.show(world)
        world.clock.advance(1 / fps)
    return movie


async def played(world: RecordingWorld, info: RecordingInfo) -> dict[str, Any]:
    """What a player finds in it."""
    assert info.artifact_id is not None, info.error
    async with world.artifacts.open(info.artifact_id) as content:
        data = b"".join([piece async for piece in content.body])
    assert len(data) == info.bytes
    return await asyncio.to_thread(_play, data)


def _play(data: bytes) -> dict[str, Any]:
    with av.open(io.BytesIO(data), mode="r") as container:
        chapters = [
            (float(one["start"] * (one["time_base"] or 0)), one["metadata"]["title"]) for one in container.chapters()
        ]
        frames = list(container.decode(video=0))
        assert container.duration is not None
        return {
            "format": container.format.name,
            "seconds": container.duration / 1_000_000,
            "chapters": chapters,
            "times": [frame.time for frame in frames],
            "sizes": {(frame.width, frame.height) for frame in frames},
        }


@pytest.mark.parametrize("format_", list(RecordingFormat))
async def test_a_recording_plays_with_its_chapters(tmp_path: Path, format_: RecordingFormat) -> None:
    async with recording_world(tmp_path, start_mux=Muxers()) as world:
        movie = await record(world, format_, 20)
        world.events.publish(world.session.id, EventType.BROWSER_ACTION, {"action": "click", "success": True})
        await world.settle()
        for _ in range(20):
            await movie.show(world)
            world.clock.advance(1 / 20)
        world.clock.advance(3)
        info = await world.recorder.stop(ANN)
        assert (info.status, info.seconds) == (RecordingStatus.READY, 5.0)
        video = await played(world, info)
    assert format_ in video["format"]
    assert abs(video["seconds"] - 5.0) < 0.1
    assert len(video["times"]) == 40
    assert all(abs(time - number / 20) < 0.01 for number, time in enumerate(video["times"]))
    assert [(round(at, 1), title) for at, title in video["chapters"]] == [(0.0, "beginning"), (1.0, "click")]
    assert video["sizes"] == {(640, 360)}


async def test_a_still_page_lasts_as_long_as_it_was_shown(tmp_path: Path) -> None:
    async with recording_world(tmp_path, start_mux=Muxers()) as world:
        await record(world, RecordingFormat.WEBM, 1)
        world.clock.advance(600)
        video = await played(world, await world.recorder.stop(ANN))
    assert abs(video["seconds"] - 600) < 0.2
    assert len(video["times"]) == 1


async def test_a_page_that_changes_its_size_stays_in_one_webm(tmp_path: Path) -> None:
    async with recording_world(tmp_path, start_mux=Muxers()) as world:
        movie = await record(world, RecordingFormat.WEBM, 5)
        for _ in range(5):
            await movie.show(world, width=320)
            world.clock.advance(0.1)
        video = await played(world, await world.recorder.stop(ANN))
    assert len(video["times"]) == 10
    assert video["sizes"] == {(640, 360), (320, 360)}


async def test_a_page_that_changes_its_size_goes_on_in_another_mp4(tmp_path: Path) -> None:
    async with recording_world(tmp_path, start_mux=Muxers()) as world:
        movie = await record(world, RecordingFormat.MP4, 60)
        for _ in range(5):
            await movie.show(world, width=320)
            world.clock.advance(0.1)
        second = await played(world, await world.recorder.stop(ANN))
        await world.until(lambda: world.recorder.current is None)
        first = await played(world, world.done(1))
    assert (first["sizes"], second["sizes"]) == ({(640, 360)}, {(320, 360)})
    assert (len(first["times"]), len(second["times"])) == (60, 5)


async def test_a_child_that_is_killed_is_replaced_once(tmp_path: Path) -> None:
    muxers = Muxers()
    async with recording_world(tmp_path, start_mux=muxers) as world:
        muxers.kill_next = 1
        await record(world, RecordingFormat.WEBM, 5)
        info = await world.recorder.stop(ANN)
        assert len((await played(world, info))["times"]) == 5
        muxers.kill_next = 2
        await record(world, RecordingFormat.WEBM, 5)
        info = await world.recorder.stop(ANN)
        assert (info.status, info.error) == (RecordingStatus.FAILED, "muxer_failed")


async def test_frames_that_are_none_make_a_file_or_none_and_break_nothing(tmp_path: Path) -> None:
    async with recording_world(tmp_path, start_mux=Muxers()) as world:
        for format_ in RecordingFormat:
            await world.recorder.start(ANN, RecordingRequest(format=format_))
            for number in range(20):
                await world.show(os.urandom(number * 100), is_key=number % 5 == 0)
            info = await world.recorder.stop(ANN)
            assert info.status in (RecordingStatus.READY, RecordingStatus.FAILED)
        await record(world, RecordingFormat.WEBM, 3)
        assert (await world.recorder.stop(ANN)).status is RecordingStatus.READY


async def test_a_session_that_ends_while_its_recording_is_made_keeps_it(tmp_path: Path) -> None:
    async with recording_world(tmp_path, start_mux=Muxers()) as world:
        await record(world, RecordingFormat.WEBM, 10)
        stopping = spawn(world.recorder.stop(ANN), name="test")
        await asyncio.sleep(0)
        await world.recorder.finish("closed_by_user")
        await world.recorder.close()
        assert len((await played(world, await stopping))["times"]) == 10
