"""`…/{id}/fs/upload…` and `…/fs/download_dir_…`: many files in one piece, in and out of a session made with `machine`.

An upload is there whole or not at all: the agent puts it together apart and lets it take its place at the end. The
agent reads and writes zip and tar; Zstandard is the daemon's part (`cloche.api.zstd`).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, Caller, Deps, SessionIdPath
from cloche.api.downloads import Download, Head, file_fields
from cloche.api.rest.file_paths import AskedPath, last_name, require_utf8
from cloche.api.rest.file_schemas import UploadedOut, told
from cloche.api.rest.transfers import IncomingBody, note
from cloche.api.upload.forms import ArchiveForm, FilesForm, archive_fields
from cloche.api.upload.records import form_records, raw_records
from cloche.api.zstd.codec import Level, ZstdCodec
from cloche.errors import InvalidError
from cloche.sessions.interface import MachineRequest, SessionMachine
from cloche.sessions.machine_bodies import send_body
from cloche.sessions.principal import Principal

router = APIRouter(prefix="/v1/sessions/{session_id}/fs", tags=["machine"], dependencies=KEY_SECURITY)

UNPACK_ANSWER_S: Final = 300.0
"""From the last byte: everything has been unpacked by then, and has to take its place."""
ZIP: Final = "application/zip"
ZSTD: Final = "application/zstd"

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FORM: Final = {"multipart/form-data": {"schema": {"type": "object"}}}


def _takes(*raw: str) -> dict[str, Any]:
    return {"requestBody": {"content": {**_FORM, **dict.fromkeys(raw, _BINARY)}}}


def _gives(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: _BINARY}}}


async def codec_of(request: Request) -> ZstdCodec:
    codec = request.app.state.codec
    assert isinstance(codec, ZstdCodec)
    return codec


class RawQuery:
    """Where an archive goes that is itself the body; in a form these are parts."""

    def __init__(
        self,
        request: Request,
        dest_path: Annotated[str | None, Query(description="Where to; with a body that is the archive")] = None,
        strip_components: Annotated[str | None, Query(description="Leave out so many leading names")] = None,
        replace: Annotated[str | None, Query(description="`true`: what is there is replaced as a whole")] = None,
    ) -> None:
        require_utf8(request)
        texts = {"dest_path": dest_path, "strip_components": strip_components, "replace": replace}
        self.given = {name: text.encode("utf-8", "replace") for name, text in texts.items() if text is not None}


Raw = Annotated[RawQuery, Depends()]
Codec = Annotated[ZstdCodec, Depends(codec_of)]


@router.post("/upload", status_code=201, openapi_extra=_takes())
async def upload(caller: Caller, session_id: SessionIdPath, deps: Deps, request: Request) -> UploadedOut:
    """Write many files: a form of `files[0].file`, `files[0].dest_path` and so on, or of one `file`, `dest_path`."""
    machine = await deps.manager.machine(caller, session_id)
    body = IncomingBody(request)
    records = form_records(body.pieces(), _content_type(request), FilesForm())
    return await _upload(machine, caller, "/fs/upload", body, records)


@router.post("/upload_zip", status_code=201, openapi_extra=_takes(ZIP))
async def upload_zip(caller: Caller, session_id: SessionIdPath, raw: Raw, deps: Deps, request: Request) -> UploadedOut:
    """Unpack a zip: a form of `zip_file` and `dest_path`, or the zip itself as the body with `?dest_path=`."""
    machine = await deps.manager.machine(caller, session_id)
    body = IncomingBody(request)
    if _content_type(request).lower() == ZIP:
        records = raw_records(body.pieces(), archive_fields(raw.given))
    else:
        form = ArchiveForm("zip_file")
        records = form_records(body.pieces(), _form_type(request, raw, ZIP), form)
    return await _upload(machine, caller, "/fs/upload_zip", body, records)


@router.post("/upload_zstd", status_code=201, openapi_extra=_takes(ZSTD))
async def upload_zstd(
    caller: Caller, session_id: SessionIdPath, raw: Raw, codec: Codec, deps: Deps, request: Request
) -> UploadedOut:
    """Unpack a tar.zst: a form of `archive`, `dest_path` and perhaps `strip_components`, or the archive as the body."""
    machine = await deps.manager.machine(caller, session_id)
    body = IncomingBody(request)
    async with codec.decompressor(max_bytes=deps.max_upload_bytes) as decompressor:
        if _content_type(request).lower() == ZSTD:
            records = raw_records(body.pieces(), archive_fields(raw.given), decompressor)
        else:
            form = ArchiveForm("archive")
            records = form_records(body.pieces(), _form_type(request, raw, ZSTD), form, decompressor)
        return await _upload(machine, caller, "/fs/upload_tar", body, records)


@router.get("/download_dir_zip", response_class=Response, responses=_gives(ZIP))
async def download_dir_zip(
    caller: Caller, session_id: SessionIdPath, path: AskedPath, deps: Deps, request: Request
) -> Response:
    """Read a directory as a zip, made as it goes out. What vanishes meanwhile is left out and noted in its comment."""
    machine = await deps.manager.machine(caller, session_id)
    return Download(_zip(machine, caller, path), request)


@router.get("/download_dir_zstd", response_class=Response, responses=_gives(ZSTD))
async def download_dir_zstd(
    caller: Caller,
    session_id: SessionIdPath,
    path: AskedPath,
    codec: Codec,
    deps: Deps,
    request: Request,
    compression_level: Level = Level.DEFAULT,
) -> Response:
    """Read a directory as a tar.zst, made as it goes out."""
    machine = await deps.manager.machine(caller, session_id)
    return Download(_tar_zstd(machine, caller, path, codec, compression_level), request)


async def _upload(
    machine: SessionMachine, caller: Principal, route: str, body: IncomingBody, records: AsyncGenerator[bytes]
) -> UploadedOut:
    request = MachineRequest(method="POST", path=route)
    uploaded = told(UploadedOut, await send_body(machine, request, records, answer_s=UNPACK_ANSWER_S))
    note(machine, caller, "upload", body.bytes)
    return uploaded


async def _zip(machine: SessionMachine, caller: Principal, path: bytes) -> AsyncGenerator[Head | bytes]:
    async with machine.open(_directory("/fs/download_dir_zip", path)) as answer:
        yield Head(200, file_fields(last_name(path) + ".zip", ZIP))
        sent = 0
        try:
            async for piece in answer.body:
                sent += len(piece)
                yield piece
        finally:
            note(machine, caller, "download", sent)


async def _tar_zstd(
    machine: SessionMachine, caller: Principal, path: bytes, codec: ZstdCodec, level: Level
) -> AsyncGenerator[Head | bytes]:
    async with (
        machine.open(_directory("/fs/download_dir_tar", path)) as answer,
        aclosing(codec.compress(answer.body, level)) as pieces,
    ):
        # The first piece comes before the head: until then a failure can still be told.
        piece = await anext(pieces)
        yield Head(200, file_fields(last_name(path) + ".tar.zst", ZSTD))
        sent = len(piece)
        try:
            yield piece
            async for piece in pieces:
                sent += len(piece)
                yield piece
        finally:
            note(machine, caller, "download", sent)


def _directory(route: str, path: bytes) -> MachineRequest:
    return MachineRequest(method="GET", path=route, query={"path": path})


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "")


def _form_type(request: Request, raw: RawQuery, raw_type: str) -> str:
    """The type of a form. Raises: InvalidError for a body that is neither a form nor what it could be instead."""
    kind = _content_type(request)
    if not kind.lower().startswith("multipart/form-data"):
        raise InvalidError(f"the body must be sent as multipart/form-data or {raw_type}", field="content-type")
    for name in raw.given:
        raise InvalidError("with a form this is a part of it", field=name)
    return kind
