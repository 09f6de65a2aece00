from pathlib import Path

import pytest

from cloche.live.model import Chunk, Codec
from cloche.sessions.live.interface import RecordingFormat, RecordingStatus
from cloche.sessions.live.recording.frames import unpacked
from cloche.sessions.live.recording.limits import Caps
from cloche.sessions.live.recording.marks import MAX_MARKS
from cloche.sessions.live.recording.part import BATCH_BYTES, RESIZED, SIZE_CAP, TIME_CAP, Part
from cloche.sessions.live.recording.spool import Spool
from cloche.testing.sessions import NOON


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path)
    spool.close()
    return spool


def part_of(spool: Spool, format_: RecordingFormat = RecordingFormat.WEBM, **caps: int) -> Part:
    most = {"max_seconds": 60, "max_bytes": 1 << 20} | caps
    return Part(1, format_, Caps(**most), NOON, 100.0, spool)


def chunk(data: bytes = b"x", *, is_key: bool = False, at_ms: int = 0, width: int = 640) -> Chunk:
    return Chunk(Codec.VP8, 1, data, is_key, at_ms, width, 480)


def test_it_begins_with_a_key_frame(spool: Spool) -> None:
    part = part_of(spool)
    part.add(chunk(b"lost"), 100.0)
    assert (part.frames, part.info(101.0).bytes, part.info(150.0).seconds) == (0, 0, 0)
    part.add(chunk(b"key", is_key=True, at_ms=1000), 110.0)
    part.add(chunk(b"more", at_ms=1040), 110.04)
    assert part.size == (640, 480)
    frames = list(unpacked(part.batch(whole=True)))
    assert [(frame.pts_ms, frame.is_key, frame.data) for frame in frames] == [(0, True, b"key"), (40, False, b"more")]


def test_frames_are_handed_on_in_batches(spool: Spool) -> None:
    part = part_of(spool, max_bytes=4 << 20)
    part.add(chunk(b"k" * 1000, is_key=True), 100.0)
    assert part.batch() == b""
    part.add(chunk(b"f" * BATCH_BYTES), 101.0)
    assert len(part.batch()) > BATCH_BYTES
    assert part.batch(whole=True) == b""


def test_time_and_size_are_capped(spool: Spool) -> None:
    part = part_of(spool, max_seconds=10, max_bytes=256 << 10)
    assert part.why_not(chunk(), 109.9) == ""
    assert part.why_not(chunk(), 110.0) == TIME_CAP
    part.add(chunk(bytes(200 << 10), is_key=True), 100.0)
    assert part.why_not(chunk(bytes(10 << 10)), 101.0) == ""
    assert part.why_not(chunk(bytes(60 << 10)), 101.0) == SIZE_CAP


def test_chapters_take_of_the_size_and_are_bounded(spool: Spool) -> None:
    part = part_of(spool)
    before = part.size_bytes
    part.mark("click", 100.0)
    assert part.size_bytes > before
    for _ in range(2 * MAX_MARKS):
        part.mark("click", 100.0)
    assert part.size_bytes < before + MAX_MARKS * 200
    assert len(part.info(100.0).marks) == MAX_MARKS


def test_only_webm_takes_frames_of_another_size(spool: Spool) -> None:
    for format_, why in ((RecordingFormat.WEBM, ""), (RecordingFormat.MP4, RESIZED)):
        part = part_of(spool, format_)
        assert part.why_not(chunk(is_key=True, width=100), 100.0) == ""
        part.add(chunk(is_key=True), 100.0)
        assert part.why_not(chunk(is_key=True, width=100), 100.0) == why
        assert part.why_not(chunk(), 100.0) == ""


def test_what_it_tells_of_itself(spool: Spool) -> None:
    part = part_of(spool)
    part.add(chunk(is_key=True), 100.0)
    part.mark("click", 102.0)
    info = part.info(105.0)
    assert (info.id, info.status, info.seconds, info.started_at) == ("r1", RecordingStatus.RUNNING, 5.0, NOON)
    assert [(mark.at_s, mark.title) for mark in info.marks] == [(2.0, "click")]
    part.end("stopped", 107.0)
    info = part.info(200.0)
    assert (info.status, info.seconds, info.ended_by) == (RecordingStatus.FINISHING, 7.0, "stopped")
    failed = part.failed("too_slow")
    assert (failed.status, failed.error, failed.seconds) == (RecordingStatus.FAILED, "too_slow", 7.0)
