"""`/v1/artifacts`: files that came out of sessions, and files that were handed in for pages."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, ArtifactIdPath, Artifacts, Caller
from cloche.api.downloads import Download
from cloche.api.ranges import parse_range
from cloche.api.rest.artifact_reading import Asked, contents_of, head_of
from cloche.api.rest.artifact_schemas import ArtifactListOut, ArtifactOut
from cloche.api.rest.transfers import IncomingBody
from cloche.artifacts.model import ArtifactKind, ArtifactState
from cloche.ids import SessionId, parse_session_id

router = APIRouter(prefix="/v1/artifacts", tags=["artifacts"], dependencies=KEY_SECURITY)

MAX_NAME_CHARS: Final = 4096
"""Longer than any that is kept; their store makes a safe name of it."""
MAX_TYPE_CHARS: Final = 255

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FILE: Final = {"application/octet-stream": _BINARY}
_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The whole file", "content": _FILE},
    206: {"description": "The range that was asked for", "content": _FILE},
}


async def asked_session(session_id: Annotated[str | None, Query(max_length=64)] = None) -> SessionId | None:
    return parse_session_id(session_id) if session_id is not None else None


@router.get("")
async def list_artifacts(
    caller: Caller,
    artifacts: Artifacts,
    session_id: Annotated[SessionId | None, Depends(asked_session)],
    state: ArtifactState | None = None,
    kind: ArtifactKind | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> ArtifactListOut:
    """List files, newest first: your own, or with an admin's key everyone's."""
    page = await artifacts.list(caller, session_id=session_id, state=state, kind=kind, limit=limit, cursor=cursor)
    return ArtifactListOut.model_validate(page)


@router.post("", status_code=201, openapi_extra={"requestBody": {"required": True, "content": {"*/*": _BINARY}}})
async def upload_artifact(
    caller: Caller,
    artifacts: Artifacts,
    file_name: Annotated[str, Query(min_length=1, max_length=MAX_NAME_CHARS)],
    request: Request,
    response: Response,
    content_type: Annotated[str, Header(max_length=MAX_TYPE_CHARS)] = "",
) -> ArtifactOut:
    """Hand in a file, the request's body, for file inputs of pages. It is looked at as a download is."""
    body = IncomingBody(request).pieces()
    made = await artifacts.upload(caller, body, file_name=file_name, media_type=content_type)
    response.headers["location"] = f"/v1/artifacts/{made.id}"
    return ArtifactOut.model_validate(made)


@router.get("/{artifact_id}")
async def get_artifact(caller: Caller, artifact_id: ArtifactIdPath, artifacts: Artifacts) -> ArtifactOut:
    """Look at what is known of a file, also of one in quarantine."""
    return ArtifactOut.model_validate(await artifacts.get(caller, artifact_id))


@router.delete("/{artifact_id}", status_code=204)
async def delete_artifact(caller: Caller, artifact_id: ArtifactIdPath, artifacts: Artifacts) -> None:
    """Delete a file and what is known of it."""
    await artifacts.delete(caller, artifact_id)


@router.post("/{artifact_id}/release")
async def release_artifact(caller: Caller, artifact_id: ArtifactIdPath, artifacts: Artifacts) -> ArtifactOut:
    """Let a file out of quarantine: for admins, and for keys with the scope `release` their own."""
    return ArtifactOut.model_validate(await artifacts.release(caller, artifact_id))


@router.get("/{artifact_id}/content", response_class=Response, responses=_CONTENT)
@router.head("/{artifact_id}/content", include_in_schema=False)
async def read_artifact(
    caller: Caller,
    artifact_id: ArtifactIdPath,
    artifacts: Artifacts,
    request: Request,
    quarantined: Annotated[
        bool, Query(description="Also of a file in quarantine, for those who may release it")
    ] = False,
    range_: Annotated[str | None, Header(alias="range", max_length=256)] = None,
    if_range: Annotated[str | None, Header(max_length=256)] = None,
) -> Response:
    """Read a file, or the one range of bytes that `Range` names. Its `ETag` is its SHA-256."""
    asked = Asked(artifacts, caller, artifact_id, quarantined)
    if request.method == "HEAD":
        return Download(head_of(asked), request)
    return Download(contents_of(asked, parse_range(range_), if_range), request)
