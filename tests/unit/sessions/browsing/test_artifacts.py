from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import pytest

from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState, Content
from cloche.browser.contract.actions import (
    ClickRequest,
    ClickResponse,
    DownloadInfo,
    Effects,
    SetFileInputRequest,
    UploadFile,
)
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.looking import ExportPdfRequest, ExportPdfResponse
from cloche.errors import ConflictError, InvalidError, NotFoundError
from cloche.ids import ArtifactId, PrincipalName
from cloche.sessions.browsing.artifacts import BrowsingArtifacts, NothingKept
from cloche.testing.sessions import NOON

DATA: Final = b"kept bytes"
KEPT: Final = Artifact(
    id=ArtifactId("art_1"),
    owner=PrincipalName("ann"),
    session_id=None,
    kind=ArtifactKind.DOWNLOAD,
    state=ArtifactState.READY,
    file_name="kept.txt",
    media_type="text/plain",
    size_bytes=len(DATA),
    sha256="",
    created_at=NOON,
    expires_at=NOON,
)
TAB: Any = SimpleNamespace(title="A title", url="http://site.test/?token=abcdefgh12345678")


class Outlet:
    def __init__(self) -> None:
        self.kept: list[tuple[ArtifactKind, bytes, str, str]] = []
        self.has_room = True

    async def keep(self, kind: ArtifactKind, data: bytes, *, name: str, media_type: str, url: str) -> ArtifactId | None:
        self.kept.append((kind, data, name, url))
        return ArtifactId("art_new") if self.has_room else None

    def keep_soon(self, kind: ArtifactKind, data: bytes, *, name: str, media_type: str, url: str) -> ArtifactId | None:
        self.kept.append((kind, data, name, url))
        return ArtifactId("art_new") if self.has_room else None

    async def outcome(self, guid: str, within_s: float) -> ArtifactId | None:
        return ArtifactId("art_down") if guid == "known" else None


class Shelf:
    def __init__(self) -> None:
        self.artifact = KEPT
        self.opened = 0

    async def get(self, artifact_id: ArtifactId) -> Artifact:
        if artifact_id != self.artifact.id:
            raise NotFoundError("no such artifact")
        return self.artifact

    @asynccontextmanager
    async def open(self, artifact_id: ArtifactId) -> AsyncIterator[Content]:
        self.opened += 1

        async def body() -> AsyncIterator[bytes]:
            yield DATA[:4]
            yield DATA[4:]

        yield Content(self.artifact, 0, len(DATA), body())


@pytest.fixture
def outlet() -> Outlet:
    return Outlet()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def made(outlet: Outlet, shelf: Shelf, *, upload_bytes: int = 100, private: bool = False) -> BrowsingArtifacts:
    return BrowsingArtifacts(PrincipalName("ann"), outlet, shelf, upload_bytes=upload_bytes, private=private)


async def test_a_named_artifact_becomes_a_file_with_its_own_name_and_type(outlet: Outlet, shelf: Shelf) -> None:
    request = await made(outlet, shelf).before(SetFileInputRequest(selector="#f", artifact_id="art_1"))
    assert request == SetFileInputRequest(
        selector="#f", files=[UploadFile(file_name="kept.txt", file_bytes=DATA, mime_type="text/plain")]
    )


async def test_it_can_be_given_another_name_and_stand_beside_bytes(outlet: Outlet, shelf: Shelf) -> None:
    files = [UploadFile(file_name="a", file_bytes=b"a"), UploadFile(file_name="b.bin", artifact_id="art_1")]
    request = await made(outlet, shelf).before(SetFileInputRequest(files=files))
    assert isinstance(request, SetFileInputRequest)
    assert [(file.file_name, file.file_bytes) for file in request.files] == [("a", b"a"), ("b.bin", DATA)]


async def test_a_request_that_names_none_stays_as_it_is(outlet: Outlet, shelf: Shelf) -> None:
    for request in (SetFileInputRequest(file_bytes=b"x"), ClickRequest(selector="#b")):
        assert await made(outlet, shelf).before(request) is request


@pytest.mark.parametrize("owner", ["bob", "admin"])
async def test_nobody_elses_goes_into_a_page(outlet: Outlet, shelf: Shelf, owner: str) -> None:
    shelf.artifact = replace(KEPT, owner=PrincipalName(owner))
    with pytest.raises(NotFoundError):
        await made(outlet, shelf).before(SetFileInputRequest(artifact_id="art_1"))


@pytest.mark.parametrize("state", [ArtifactState.QUARANTINED, ArtifactState.CONDEMNED, ArtifactState.REJECTED])
async def test_only_what_is_ready_or_released_goes_into_a_page(
    outlet: Outlet, shelf: Shelf, state: ArtifactState
) -> None:
    shelf.artifact = replace(KEPT, state=state)
    with pytest.raises(ConflictError) as refused:
        await made(outlet, shelf).before(SetFileInputRequest(artifact_id="art_1"))
    assert refused.value.fields["reason"] == "artifact_not_ready"


async def test_all_files_together_keep_to_the_budget_and_nothing_is_read_in_vain(outlet: Outlet, shelf: Shelf) -> None:
    named = UploadFile(artifact_id="art_1")
    for files in ([named, named], [named, UploadFile(file_bytes=bytes(6))]):
        shelf.opened = 0
        with pytest.raises(ActionError) as refused:
            await made(outlet, shelf, upload_bytes=15).before(SetFileInputRequest(files=files))
        assert refused.value.code is Failure.INPUT_TOO_LARGE
        assert shelf.opened < len(files)


async def test_bytes_and_an_artifact_are_one_too_many(outlet: Outlet, shelf: Shelf) -> None:
    with pytest.raises(InvalidError):
        await made(outlet, shelf).before(SetFileInputRequest(artifact_id="art_1", file_bytes=b"x"))


async def test_a_print_is_kept_under_the_pages_title(outlet: Outlet, shelf: Shelf) -> None:
    response = ExportPdfResponse(pdf_bytes=b"%PDF", mime_type="application/pdf")
    kept = await made(outlet, shelf).after(ExportPdfRequest(), response, TAB)
    assert kept == replace(response, artifact_id="art_new")
    ((kind, data, name, url),) = outlet.kept
    assert (kind, data, name) == (ArtifactKind.PDF, b"%PDF", "A title.pdf")
    assert "abcdefgh12345678" not in url


async def test_a_print_that_cannot_be_kept_is_answered_all_the_same(outlet: Outlet, shelf: Shelf) -> None:
    outlet.has_room = False
    response = ExportPdfResponse(pdf_bytes=b"%PDF", mime_type="application/pdf")
    assert await made(outlet, shelf).after(ExportPdfRequest(), response, TAB) == response


async def test_of_a_private_session_neither_prints_nor_pictures_are_kept(outlet: Outlet, shelf: Shelf) -> None:
    artifacts = made(outlet, shelf, private=True)
    response = ExportPdfResponse(pdf_bytes=b"%PDF", mime_type="application/pdf")
    assert await artifacts.after(ExportPdfRequest(), response, TAB) == response
    await artifacts.picture_taken("Click", b"png", "image/png", TAB)
    assert outlet.kept == []


@pytest.mark.parametrize(
    ("media_type", "name"), [("image/png", "click-failed.png"), ("image/jpeg", "click-failed.jpg")]
)
async def test_a_failures_picture_is_kept_if_there_is_one(
    outlet: Outlet, shelf: Shelf, media_type: str, name: str
) -> None:
    artifacts = made(outlet, shelf)
    await artifacts.picture_taken("Click", b"", "", TAB)
    await artifacts.picture_taken("Click", b"picture", media_type, TAB)
    assert [(kind, kept_name) for kind, _, kept_name, _ in outlet.kept] == [(ArtifactKind.SCREENSHOT, name)]


async def test_an_action_tells_what_has_become_of_its_downloads(outlet: Outlet, shelf: Shelf) -> None:
    downloads = [DownloadInfo(guid="known"), DownloadInfo(guid="other"), DownloadInfo()]
    response = ClickResponse(effects=Effects(downloads=downloads))
    told = await made(outlet, shelf).after(ClickRequest(), response, TAB)
    assert isinstance(told, ClickResponse)
    assert [download.artifact_id for download in told.effects.downloads] == ["art_down", "", ""]


async def test_where_nothing_is_kept_no_artifact_can_be_named() -> None:
    with pytest.raises(NotFoundError):
        await NothingKept().before(SetFileInputRequest(files=[UploadFile(artifact_id="art_1")]))
    request = SetFileInputRequest(file_bytes=b"x")
    assert await NothingKept().before(request) is request
