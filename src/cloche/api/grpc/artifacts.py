"""The RPCs about files that come out of sessions, and what Click and ExportPdf tell of those."""

from typing import Final

from google.protobuf.message import Message

from cloche.api.deps import ApiDeps
from cloche.api.grpc.convert import asked_id
from cloche.api.grpc.door import Asked, Work
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.rendering import id_message, page_size, unix_ms
from cloche.artifacts.model import READABLE, Artifact, ArtifactState
from cloche.browser.contract.common import Failure
from cloche.errors import ClocheError, ConflictError, DeniedError, InvalidError, NotFoundError
from cloche.ids import ArtifactId, parse_artifact_id
from cloche.sessions.artifacts.interface import SessionArtifacts

DEFAULT_BYTES: Final = 8 << 20
MOST_BYTES: Final = 128 << 20
"""Of one answer, which must fit into a message. REST has files of any size."""
IN_THE_ANSWER: Final = frozenset({"quarantined", "condemned", "not_kept"})
"""Reasons why there is no content, which an answer tells, with what is known of the file."""


class ArtifactRpcs:
    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps

    def works(self) -> dict[str, Work]:
        return {
            "ListDownloadArtifacts": self._list,
            "GetDownloadArtifact": self._get,
            "ReleaseDownloadArtifact": self._release,
            "DeleteDownloadArtifact": self._delete,
        }

    def with_artifact(self, work: Work) -> Work:
        """An RPC whose answer also tells of the file that came of it."""

        async def told(asked: Asked) -> Message:
            answer = await work(asked)
            assert isinstance(answer, pb.ClickResponse | pb.ExportPdfResponse)
            if (artifact_id := _named_in(answer)) is None or self._deps.artifacts is None:
                return answer
            try:
                artifact = await self._deps.artifacts.get(asked.principal, artifact_id)
            except NotFoundError:  # deleted meanwhile; what was asked for is done all the same
                return answer
            answer.artifact.CopyFrom(artifact_message(artifact))
            return answer

        return told

    @property
    def _artifacts(self) -> SessionArtifacts:
        return self._deps.require_artifacts()

    async def _list(self, asked: Asked) -> pb.ListDownloadArtifactsResponse:
        message: pb.ListDownloadArtifactsRequest = asked.message
        page = await self._artifacts.list(
            asked.principal,
            session_id=asked.session_id,
            state=ArtifactState.QUARANTINED if message.quarantined_only else None,
            limit=page_size(message.limit),
            cursor=message.cursor or None,
        )
        return pb.ListDownloadArtifactsResponse(
            v=1,
            artifacts=[artifact_message(artifact) for artifact in page.artifacts],
            truncated=page.next_cursor is not None,
            next_cursor=page.next_cursor or "",
        )

    async def _get(self, asked: Asked) -> pb.GetDownloadArtifactResponse:
        message: pb.GetDownloadArtifactRequest = asked.message
        if message.max_bytes > MOST_BYTES:
            raise InvalidError(f"max_bytes: at most {MOST_BYTES}", field="max_bytes")
        artifact = await self._artifacts.get(asked.principal, _id(asked))
        if message.session_id.ulid and artifact.session_id != asked.session_id:
            raise NotFoundError("no such artifact")
        most = message.max_bytes or DEFAULT_BYTES
        if artifact.size_bytes > most and artifact.state is not ArtifactState.REJECTED:
            return _without(artifact, Failure.OUTPUT_TOO_LARGE, f"the file has {artifact.size_bytes} bytes")
        try:
            content = await self._read(asked, artifact.id)
        except (DeniedError, ConflictError) as error:
            return _told_within(artifact, error)
        return pb.GetDownloadArtifactResponse(v=1, success=True, artifact=artifact_message(artifact), content=content)

    async def _read(self, asked: Asked, artifact_id: ArtifactId) -> bytes:
        async with self._artifacts.open(asked.principal, artifact_id, quarantined=asked.message.quarantined) as content:
            return b"".join([piece async for piece in content.body])

    async def _release(self, asked: Asked) -> pb.ReleaseDownloadArtifactResponse:
        released = await self._artifacts.release(asked.principal, _id(asked))
        return pb.ReleaseDownloadArtifactResponse(v=1, artifact=artifact_message(released))

    async def _delete(self, asked: Asked) -> pb.DeleteDownloadArtifactResponse:
        await self._artifacts.delete(asked.principal, _id(asked))
        return pb.DeleteDownloadArtifactResponse(v=1, deleted=True)


def artifact_message(artifact: Artifact) -> pb.DownloadArtifact:
    return pb.DownloadArtifact(
        v=1,
        artifact_id=id_message(artifact.id),
        session_id=id_message(artifact.session_id) if artifact.session_id else None,
        profile_id=id_message(artifact.profile_id) if artifact.profile_id else None,
        principal=artifact.owner,
        kind=artifact.kind.value,
        state=artifact.state.value,
        quarantined=artifact.state not in READABLE and artifact.state is not ArtifactState.REJECTED,
        quarantine_reason="|".join(artifact.reasons),
        quarantine_reasons=artifact.reasons,
        file_name=artifact.file_name,
        mime_type=artifact.media_type,
        declared_mime_type=artifact.declared_type,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
        source_url=artifact.source_url,
        referrer=artifact.referrer,
        created_at_unix_ms=unix_ms(artifact.created_at),
        expires_at_unix_ms=unix_ms(artifact.expires_at),
        decided_by=artifact.decided_by,
    )


def _told_within(artifact: Artifact, error: ClocheError) -> pb.GetDownloadArtifactResponse:
    """Raises: `error`, where it is none that an answer tells."""
    reason = error.fields.get("reason")
    if reason not in IN_THE_ANSWER:
        raise error
    return _without(artifact, str(reason), error.detail)


def _without(artifact: Artifact, error: str, detail: str) -> pb.GetDownloadArtifactResponse:
    return pb.GetDownloadArtifactResponse(
        v=1, success=False, error=error, detail=detail, artifact=artifact_message(artifact)
    )


def _named_in(answer: pb.ClickResponse | pb.ExportPdfResponse) -> ArtifactId | None:
    """The file that an answer tells of: a printed page's, or the first download that has come out already."""
    if isinstance(answer, pb.ExportPdfResponse):
        return ArtifactId(answer.artifact_id) if answer.artifact_id else None
    return next((ArtifactId(each.artifact_id) for each in answer.effects.downloads if each.artifact_id), None)


def _id(asked: Asked) -> ArtifactId:
    return asked_id(asked.message, "artifact_id", parse_artifact_id)
