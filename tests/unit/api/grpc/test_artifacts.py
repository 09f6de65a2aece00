"""The RPCs about files that come out of sessions."""

from typing import Any

from cloche.api.grpc.artifacts import MOST_BYTES
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.browser.contract.actions import ClickRequest, ClickResponse, DownloadInfo, Effects
from cloche.browser.contract.looking import ExportPdfRequest, ExportPdfResponse
from cloche.ids import SessionId, new_artifact_id
from cloche.testing.grpc import GrpcClient, RunningGrpc

QUARANTINED = ArtifactState.QUARANTINED


def wanted(artifact: Artifact, **fields: Any) -> pb.GetDownloadArtifactRequest:
    return pb.GetDownloadArtifactRequest(artifact_id=pb.CanonicalId(ulid=artifact.id), **fields)


async def session_of(client: GrpcClient) -> SessionId:
    return SessionId(f"ses_{(await client.session()).ulid}")


async def test_the_files_of_a_session_are_listed_newest_first(door: RunningGrpc) -> None:
    artifacts = door.api.artifacts
    async with door.client(door.api.user_key) as client, door.client(door.api.other_key) as mallory:
        session_id = await session_of(client)
        good = artifacts.add(b"%PDF", session_id=session_id, kind=ArtifactKind.PDF)
        bad = artifacts.add(
            b"MZ", session_id=session_id, state=QUARANTINED, reasons=("executable", "extension"), file_name="a.exe"
        )
        artifacts.add(b"elsewhere")
        request = pb.ListDownloadArtifactsRequest(session_id=pb.CanonicalId(ulid=session_id))
        listed = await client.call("ListDownloadArtifacts", request)
        first, second = listed.artifacts
        assert (first.artifact_id.ulid, second.artifact_id.ulid) == (bad.id[4:], good.id[4:]) and not listed.truncated
        assert (first.quarantined, first.quarantine_reason, first.state) == (
            True,
            "executable|extension",
            "quarantined",
        )
        assert (second.quarantined, second.kind, second.mime_type) == (False, "pdf", "application/pdf")
        assert (second.session_id.ulid, second.sha256, second.size_bytes) == (session_id[4:], good.sha256, 4)
        request.quarantined_only = True
        assert len((await client.call("ListDownloadArtifacts", request)).artifacts) == 1
        page = await client.call(
            "ListDownloadArtifacts", pb.ListDownloadArtifactsRequest(session_id=request.session_id, limit=1)
        )
        assert page.truncated and page.next_cursor
        assert (await mallory.fails("ListDownloadArtifacts", request)).code == "NOT_FOUND"


async def test_a_file_comes_with_its_bytes(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client, door.client(door.api.other_key) as mallory:
        session_id = await session_of(client)
        artifact = door.api.artifacts.add(bytes(1000), session_id=session_id)
        answer = await client.call("GetDownloadArtifact", wanted(artifact))
        assert (answer.success, answer.content, answer.artifact.file_name) == (True, bytes(1000), "report.pdf")
        of_it = wanted(artifact, session_id=pb.CanonicalId(ulid=session_id))
        assert (await client.call("GetDownloadArtifact", of_it)).success
        of_another = wanted(artifact, session_id=await client.session())
        assert (await client.fails("GetDownloadArtifact", of_another)).code == "NOT_FOUND"
        assert (await mallory.fails("GetDownloadArtifact", wanted(artifact))).code == "NOT_FOUND"
        small = await client.call("GetDownloadArtifact", wanted(artifact, max_bytes=999))
        assert (small.success, small.error, small.content) == (False, "output_too_large", b"")
        assert small.artifact.size_bytes == 1000
        assert (await client.call("GetDownloadArtifact", wanted(artifact, max_bytes=1000))).success
        failed = await client.fails("GetDownloadArtifact", wanted(artifact, max_bytes=MOST_BYTES + 1))
        assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "max_bytes")


async def test_what_is_not_to_be_had_is_told_in_the_answer(door: RunningGrpc) -> None:
    bad = door.api.artifacts.add(b"MZ", state=QUARANTINED)
    condemned = door.api.artifacts.add(b"x", state=ArtifactState.CONDEMNED)
    rejected = door.api.artifacts.add(state=ArtifactState.REJECTED, size_bytes=1 << 40, sha256="")
    async with door.client(door.api.user_key) as client, door.client(door.api.admin_key) as root:
        for artifact, error in ((bad, "quarantined"), (condemned, "condemned"), (rejected, "not_kept")):
            answer = await client.call("GetDownloadArtifact", wanted(artifact))
            assert (answer.success, answer.error, answer.content) == (False, error, b"")
            assert answer.artifact.artifact_id.ulid == artifact.id[4:] and answer.detail
        refused = await client.fails("GetDownloadArtifact", wanted(bad, quarantined=True))
        assert (refused.code, refused.metadata["cloche-reason"]) == ("PERMISSION_DENIED", "release_not_allowed")
        assert (await root.call("GetDownloadArtifact", wanted(bad, quarantined=True))).content == b"MZ"


async def test_a_file_is_released_and_deleted(door: RunningGrpc) -> None:
    artifact = door.api.artifacts.add(b"MZ", state=QUARANTINED)
    id_ = pb.CanonicalId(ulid=artifact.id)
    async with door.client(door.api.user_key) as client, door.client(door.api.admin_key) as root:
        release = pb.ReleaseDownloadArtifactRequest(artifact_id=id_)
        assert (await client.fails("ReleaseDownloadArtifact", release)).code == "PERMISSION_DENIED"
        released = (await root.call("ReleaseDownloadArtifact", release)).artifact
        assert (released.state, released.decided_by, released.quarantined) == ("released", "root", False)
        assert (await client.call("GetDownloadArtifact", wanted(artifact))).content == b"MZ"
        delete = pb.DeleteDownloadArtifactRequest(artifact_id=id_)
        assert (await client.call("DeleteDownloadArtifact", delete)).deleted
        assert (await client.fails("DeleteDownloadArtifact", delete)).code == "NOT_FOUND"
        malformed = pb.DeleteDownloadArtifactRequest(artifact_id=pb.CanonicalId(ulid="x"))
        assert (await client.fails("DeleteDownloadArtifact", malformed)).metadata["cloche-field"] == "artifact_id"


async def test_a_click_and_a_printed_page_tell_of_the_file_that_came_of_them(door: RunningGrpc) -> None:
    answers = door.api.manager.session_browser.answers
    async with door.client(door.api.user_key) as client:
        session_id = await client.session()
        artifact = door.api.artifacts.add(b"%PDF", session_id=SessionId(f"ses_{session_id.ulid}"))
        downloads = [
            DownloadInfo(url="https://a.test/x"),
            DownloadInfo(url="https://a.test/y", artifact_id=artifact.id),
        ]
        answers[ClickRequest] = ClickResponse(effects=Effects(downloads=downloads))
        answers[ExportPdfRequest] = ExportPdfResponse(pdf_bytes=b"%PDF", artifact_id=artifact.id)
        clicked = await client.call("Click", pb.ClickRequest(session_id=session_id, selector="a"))
        printed = await client.call("ExportPdf", pb.ExportPdfRequest(session_id=session_id))
        for told in (clicked.artifact, printed.artifact):
            assert (told.artifact_id.ulid, told.sha256) == (artifact.id[4:], artifact.sha256)
        assert [each.artifact_id for each in clicked.effects.downloads] == ["", artifact.id]
        answers[ExportPdfRequest] = ExportPdfResponse(pdf_bytes=b"%PDF", artifact_id=new_artifact_id())
        gone = await client.call("ExportPdf", pb.ExportPdfRequest(session_id=session_id))
        assert gone.success and gone.pdf_bytes == b"%PDF" and not gone.HasField("artifact")
