"""A part that has ended, made into a file by the confined child, and kept as an artifact."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final, Protocol

from cloche.artifacts.draft import Bounds, Draft
from cloche.artifacts.model import Artifact, ArtifactKind
from cloche.concurrency.threads import in_thread
from cloche.errors import ClocheError, GoneError, InternalError, QuotaError, StartError
from cloche.live.mux_process import Chapter, MuxRequest
from cloche.sessions.live.interface import RecordingFormat
from cloche.sessions.live.recording.frames import unpacked
from cloche.sessions.live.recording.part import CODECS, Part
from cloche.sessions.model import Session
from cloche.vault.sealed import SealError

NOTHING_SHOWN: Final = "nothing_was_shown"
MUXER_FAILED: Final = "muxer_failed"
SPOOL_FAILED: Final = "spool_failed"
TOO_SLOW: Final = "too_slow"
BEGINNING: Final = "beginning"

_MEDIA_TYPES: Final = {RecordingFormat.WEBM: "video/webm", RecordingFormat.MP4: "video/mp4"}
_BEGINNINGS: Final = {RecordingFormat.WEBM: (0, b"\x1a\x45\xdf\xa3"), RecordingFormat.MP4: (4, b"ftyp")}
"""EBML's magic number (RFC 8794, section 11.2.1) and the name of the first box (ISO/IEC 14496-12)."""


class Mux(Protocol):
    """What is asked of `live.mux_process.MuxProcess`."""

    async def add(self, data: bytes, pts_ms: int, *, is_key: bool) -> bool: ...

    def finish(self, end_ms: int, chapters: Sequence[Chapter] = ()) -> AsyncIterator[bytes]: ...

    async def close(self) -> None: ...


StartMux = Callable[[MuxRequest], Awaitable[Mux]]
"""Raises: StartError."""


class Artifacts(Protocol):
    """What is asked of `artifacts.store.ArtifactStore`."""

    async def add(self, draft: Draft, body: AsyncIterator[bytes]) -> Artifact: ...


async def file_of(part: Part, start_mux: StartMux) -> AsyncGenerator[bytes]:
    """Yield the file. Raises: StartError, InternalError, OSError, SealError."""
    mux = await start_mux(_request(part))
    try:
        await _fill(mux, part)
        is_first = True
        async for piece in mux.finish(part.end_ms, _chapters(part)):
            # What it was given came from a page: that it is still what it should be is seen from outside.
            if is_first and not _begins_right(part.format, piece):
                raise InternalError("the recording's child made something else")
            is_first = False
            yield piece
    finally:
        await mux.close()


async def kept(part: Part, session: Session, artifacts: Artifacts, start_mux: StartMux) -> Artifact:
    """Make it an artifact; with another child where the first fails. Raises: as `file_of`, and `ArtifactStore.add`."""
    try:
        return await _kept(part, session, artifacts, start_mux)
    except InternalError as error:
        if error.fields:
            raise
        return await _kept(part, session, artifacts, start_mux)


def why_failed(error: Exception) -> str:
    """A slug."""
    match error:
        case StartError():
            return error.reason
        case GoneError():
            return "session_ended"
        case QuotaError():
            return str(error.fields.get("reason") or error.code)
        case InternalError():
            return str(error.fields.get("reason") or MUXER_FAILED)
        case ClocheError():
            return error.code
        case TimeoutError():
            return TOO_SLOW
        case OSError() | SealError():
            return SPOOL_FAILED
        case _:
            return "internal"


def _request(part: Part) -> MuxRequest:
    width, height = part.size
    return MuxRequest(codec=CODECS[part.format], width=width, height=height, max_bytes=part.caps.max_bytes)


async def _kept(part: Part, session: Session, artifacts: Artifacts, start_mux: StartMux) -> Artifact:
    async with aclosing(file_of(part, start_mux)) as body:
        return await artifacts.add(_draft(part, session), body)


def _chapters(part: Part) -> list[Chapter]:
    """All of it is in some chapter: MP4 has no place for what is before the first."""
    chapters = [Chapter(mark.at_s, mark.title) for mark in part.marks.all()]
    return [Chapter(0.0, BEGINNING), *chapters] if chapters and chapters[0].at_s > 0 else chapters


async def _fill(mux: Mux, part: Part) -> None:
    for number in range(part.spool.batches):
        for frame in unpacked(await in_thread(part.spool.read, number)):
            if not await mux.add(frame.data, frame.pts_ms, is_key=frame.is_key):
                return


def _draft(part: Part, session: Session) -> Draft:
    """It counts for its owner and not for the session, whose room is meant for what pages give."""
    return Draft(
        owner=session.owner,
        session_id=session.id,
        profile_id=session.options.profile.id if session.options.profile is not None else None,
        kind=ArtifactKind.RECORDING,
        suggested_name=f"session-{part.started_at:%Y%m%dT%H%M%SZ}.{part.format}",
        declared_type=_MEDIA_TYPES[part.format],
        private=session.options.private,
        bounds=Bounds(max_file_bytes=part.caps.max_bytes),
        trusted=True,
        must_fit=True,
    )


def _begins_right(format_: RecordingFormat, piece: bytes) -> bool:
    at, magic = _BEGINNINGS[format_]
    return piece[at : at + len(magic)] == magic
