"""What can go wrong between a spool and an artifact."""

from pathlib import Path

import pytest

from cloche.errors import GoneError, InternalError, NotFoundError, QuotaError, StartError
from cloche.live.model import Chunk, Codec
from cloche.sessions.live.interface import RecordingFormat
from cloche.sessions.live.recording.limits import Caps
from cloche.sessions.live.recording.making import file_of, why_failed
from cloche.sessions.live.recording.part import Part
from cloche.sessions.live.recording.spool import Spool
from cloche.testing.recording import EBML, FTYP, FakeMuxers
from cloche.testing.sessions import NOON
from cloche.vault.sealed import SealError


@pytest.fixture
def part(tmp_path: Path) -> Part:
    spool = Spool(tmp_path)
    part = Part(1, RecordingFormat.WEBM, Caps(60, 1 << 20), NOON, 0.0, spool)
    part.add(Chunk(Codec.VP8, 1, b"key", True, 0, 640, 480), 0.0)
    spool.append(part.batch(whole=True))
    part.end("stopped", 1.0)
    return part


async def test_the_child_is_told_what_to_make_and_is_closed(part: Part) -> None:
    muxers = FakeMuxers()
    file = b"".join([piece async for piece in file_of(part, muxers)])
    assert file.startswith(EBML)
    (mux,) = muxers.made
    assert (mux.request.width, mux.request.height, mux.request.codec) == (640, 480, Codec.VP8)
    assert (mux.frames, mux.is_closed) == ([(0, True, 3)], True)
    part.spool.close()


@pytest.mark.parametrize("beginning", [b"MZ\x90\0", b"<html>", FTYP, b"\x1a"])
async def test_what_is_no_such_file_is_not_kept(part: Part, beginning: bytes) -> None:
    muxers = FakeMuxers(begins_with=beginning)
    with pytest.raises(InternalError):
        _ = [piece async for piece in file_of(part, muxers)]
    assert muxers.made[0].is_closed
    part.spool.close()


async def test_a_spool_that_was_changed_makes_no_file(part: Part) -> None:
    muxers = FakeMuxers()
    part.spool._key = bytes(32)
    with pytest.raises(SealError):
        _ = [piece async for piece in file_of(part, muxers)]
    assert muxers.made[0].is_closed
    part.spool.close()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (StartError("x", reason="encoder_slow"), "encoder_slow"),
        (GoneError("x"), "session_ended"),
        (QuotaError("x", reason="principal_quota"), "principal_quota"),
        (InternalError("x", reason="storage_full"), "storage_full"),
        (InternalError("x"), "muxer_failed"),
        (NotFoundError("x"), "not_found"),
        (TimeoutError(), "too_slow"),
        (OSError(5, "x"), "spool_failed"),
        (SealError(), "spool_failed"),
        (KeyError(), "internal"),
    ],
)
def test_every_failure_has_a_name(error: Exception, why: str) -> None:
    assert why_failed(error) == why
