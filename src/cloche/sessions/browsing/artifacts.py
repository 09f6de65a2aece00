"""Where the browser service meets what is kept of a session: prints, failures' pictures, downloads, files for pages."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final, Protocol

from cloche.artifacts.model import READABLE, Artifact, ArtifactKind, Content
from cloche.browser.contract.actions import DownloadInfo, ElementActionResponse, SetFileInputRequest, UploadFile
from cloche.browser.contract.common import ActionError, BrowserRequest, BrowserResponse, Failure
from cloche.browser.contract.looking import ExportPdfRequest, ExportPdfResponse
from cloche.browser.redact.urls import redact_url
from cloche.browser.tab import Tab
from cloche.errors import ConflictError, InvalidError, NotFoundError
from cloche.ids import ArtifactId, PrincipalName

DOWNLOAD_S: Final = 0.25
"""How long an action's answer waits for its downloads to have become artifacts."""
UNTITLED: Final = "page"
MAX_TITLE_CHARS: Final = 200
_ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class Outlet(Protocol):
    """What comes out of the session (`sessions.artifacts.collector.Collector`)."""

    def keep_soon(
        self, kind: ArtifactKind, data: bytes, *, name: str, media_type: str, url: str
    ) -> ArtifactId | None: ...

    async def keep(
        self, kind: ArtifactKind, data: bytes, *, name: str, media_type: str, url: str
    ) -> ArtifactId | None: ...

    async def outcome(self, guid: str, within_s: float) -> ArtifactId | None: ...


class Shelf(Protocol):
    """What is kept already (`artifacts.store.ArtifactStore`)."""

    async def get(self, artifact_id: ArtifactId) -> Artifact:
        """Raises: NotFoundError."""
        ...

    def open(self, artifact_id: ArtifactId) -> AbstractAsyncContextManager[Content]:
        """Raises: NotFoundError, DeniedError, ConflictError."""
        ...


class BrowsingArtifacts:
    """Owned by the session's browser service, which asks it before and after each use case."""

    def __init__(self, owner: PrincipalName, outlet: Outlet, shelf: Shelf, *, upload_bytes: int, private: bool) -> None:
        """`private`: nothing is kept but what pages download."""
        self._owner = owner
        self._outlet = outlet
        self._shelf = shelf
        self._upload_bytes = upload_bytes
        self._private = private

    async def before(self, request: BrowserRequest) -> BrowserRequest:
        """Put the bytes of artifacts into a request that names some.

        Raises:
            NotFoundError, ConflictError (`not_kept`, `not_ready`), DeniedError, InvalidError (bytes and an artifact)
            ActionError (`input_too_large`)
        """
        if not isinstance(request, SetFileInputRequest):
            return request
        files = request.files or [
            UploadFile(file_name=request.file_name, file_bytes=request.file_bytes, artifact_id=request.artifact_id)
        ]
        if not any(file.artifact_id for file in files):
            return request
        room = self._upload_bytes - sum(len(file.file_bytes) for file in files)
        filled = []
        for file in files:
            filled.append(await self._filled(file, room) if file.artifact_id else file)
            room -= len(filled[-1].file_bytes) if file.artifact_id else 0
        return replace(request, files=filled, file_name="", file_bytes=b"", artifact_id="")

    async def after(self, request: BrowserRequest, response: BrowserResponse, tab: Tab | None) -> BrowserResponse:
        """Keep what the use case made, and name in its response what has become of its downloads."""
        if isinstance(request, ExportPdfRequest) and isinstance(response, ExportPdfResponse) and tab is not None:
            name = f"{tab.title[:MAX_TITLE_CHARS].strip() or UNTITLED}.pdf"
            return replace(response, artifact_id=self._print(response, name, tab.url))
        if isinstance(response, ElementActionResponse) and response.effects.downloads:
            named = [await self._named(download) for download in response.effects.downloads]
            return replace(response, effects=replace(response.effects, downloads=named))
        return response

    async def picture_taken(self, action: str, picture: bytes, mime_type: str, tab: Tab | None) -> None:
        """Keep the picture of a failure."""
        if picture:
            name = f"{action.lower()}-failed.{_ENDINGS.get(mime_type, 'png')}"
            await self._keep(ArtifactKind.SCREENSHOT, picture, name, mime_type, tab.url if tab is not None else "")

    def _print(self, response: ExportPdfResponse, name: str, url: str) -> str:
        """Nobody waits for it: that would take half as long again as the print itself."""
        if self._private or not response.pdf_bytes:
            return ""
        data, type_ = response.pdf_bytes, response.mime_type
        return self._outlet.keep_soon(ArtifactKind.PDF, data, name=name, media_type=type_, url=redact_url(url)) or ""

    async def _keep(self, kind: ArtifactKind, data: bytes, name: str, media_type: str, url: str) -> str:
        if self._private:
            return ""
        return await self._outlet.keep(kind, data, name=name, media_type=media_type, url=redact_url(url)) or ""

    async def _named(self, download: DownloadInfo) -> DownloadInfo:
        if not download.guid:
            return download
        return replace(download, artifact_id=await self._outlet.outcome(download.guid, DOWNLOAD_S) or "")

    async def _filled(self, file: UploadFile, room: int) -> UploadFile:
        if file.file_bytes:
            raise InvalidError("a file has bytes or an artifact_id", field="artifact_id")
        artifact_id = ArtifactId(file.artifact_id)
        artifact = await self._shelf.get(artifact_id)
        if artifact.owner != self._owner:
            raise NotFoundError("no such artifact")
        if artifact.state not in READABLE:
            raise ConflictError(
                f"this artifact is {artifact.state}; pages are given what is ready or released",
                reason="artifact_not_ready",
            )
        if artifact.size_bytes > room:
            raise ActionError(
                Failure.INPUT_TOO_LARGE,
                f"the artifact is {artifact.size_bytes} bytes; {max(0, room)} of {self._upload_bytes} are left",
            )
        async with self._shelf.open(artifact_id) as content:
            data = await _whole(content.body)
        return replace(
            file,
            file_name=file.file_name or artifact.file_name,
            mime_type=file.mime_type or artifact.media_type,
            file_bytes=data,
            artifact_id="",
        )


class NothingKept(BrowsingArtifacts):
    """For a service without artifacts: nothing is kept, and none can be named."""

    def __init__(self) -> None: ...

    async def before(self, request: BrowserRequest) -> BrowserRequest:
        named = isinstance(request, SetFileInputRequest) and (
            request.artifact_id or any(file.artifact_id for file in request.files)
        )
        if named:
            raise NotFoundError("no such artifact")
        return request

    async def after(self, request: BrowserRequest, response: BrowserResponse, tab: Tab | None) -> BrowserResponse:
        return response

    async def picture_taken(self, action: str, picture: bytes, mime_type: str, tab: Tab | None) -> None: ...


async def _whole(body: AsyncIterator[bytes]) -> bytes:
    read = bytearray()
    async for piece in body:
        read += piece
    return bytes(read)
