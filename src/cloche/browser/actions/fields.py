"""Choosing options of a `<select>`, and giving files to a page."""

import base64
import mimetypes
import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

import msgspec

from cloche.browser.actions.choosers import kept_from_opening
from cloche.browser.actions.pointer import click
from cloche.browser.call import Call
from cloche.browser.contract.actions import (
    ClickRequest,
    Effects,
    SelectRequest,
    SelectResponse,
    SetFileInputRequest,
    SetFileInputResponse,
    UploadFile,
)
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.codec import Json, read
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.effects import Watch, watching
from cloche.browser.frame import Frame, told
from cloche.browser.locate import Answer, on_element, ref_of_node

PIECE_BYTES: Final = 768 << 10
"""Of a file, in one message: a multiple of three, so that pieces of base64 are whole."""
UNNAMED: Final = "file"
_TYPES: Final = mimetypes.MimeTypes()
"""Read once, now: `mimetypes.guess_type` would read files when it is first called."""
_SHY_CHARS: Final = frozenset('/\\:*?"<>|')


class _Selected(Answer):
    values: list[str] = msgspec.field(default_factory=list)


class _FileTarget(Answer):
    is_input: bool = False
    ref: str = ""


class _Chooser(msgspec.Struct):
    frameId: str
    backendNodeId: int = 0


@dataclass(frozen=True, slots=True)
class _Upload:
    name: str
    media_type: str
    data: bytes


async def select(call: Call, request: SelectRequest) -> SelectResponse:
    """Choose options and tell the page; waits for options that come late."""
    args: Json = {
        "values": request.values or [request.value],
        "label": "" if request.values or request.value else request.label,
        "index": None if request.values or request.value or request.label else request.index,
    }
    with watching(call.tab) as watch:
        found = await on_element(
            call.tab, request.selector, "selectOptions", args, _Selected, strict=request.strict, deadline=call.deadline
        )
        effects = await _after(call, watch, found.frame)
        values = found.answer.values
        return SelectResponse(
            matches=found.answer.matches,
            effects=effects,
            selected_value=values[0] if values else "",
            selected_values=values,
        )


async def set_file_input(call: Call, request: SetFileInputRequest) -> SetFileInputResponse:
    """Give files to an input, hidden ones too, or click what opens a file chooser and answer that.

    Files that the input's `accept` or `multiple` rules out are refused with `not_a_file_input`.
    """
    uploads = uploads_of(request, call.limits.upload_bytes)
    with watching(call.tab) as watch:
        found = await on_element(
            call.tab, request.selector, "fileTarget", {}, _FileTarget, strict=request.strict, deadline=call.deadline
        )
        effects: Effects | None = None
        if found.answer.is_input:
            frame, ref = found.frame, found.answer.ref
        else:
            frame, ref, effects = await _through_chooser(call, found.answer.ref)
        await _give(frame, ref, uploads, call.deadline)
        after = await _after(call, watch, frame)
        return SetFileInputResponse(
            matches=found.answer.matches,
            effects=after if effects is None else effects,
            uploaded_file_name=uploads[0].name,
            uploaded_file_bytes=sum(len(upload.data) for upload in uploads),
            uploaded_files=len(uploads),
        )


def uploads_of(request: SetFileInputRequest, max_bytes: int) -> list[_Upload]:
    """Raises: ActionError (`input_too_large`)."""
    files = request.files or [UploadFile(file_name=request.file_name, file_bytes=request.file_bytes)]
    size = sum(len(file.file_bytes) for file in files)
    if size > max_bytes:
        raise ActionError(Failure.INPUT_TOO_LARGE, f"the files are {size} bytes; at most {max_bytes} are taken")
    uploads = []
    for file in files:
        name = base_name(file.file_name)
        media_type = file.mime_type or _TYPES.guess_type(name)[0] or "application/octet-stream"
        uploads.append(_Upload(name, media_type, file.file_bytes))
    return uploads


def base_name(name: str) -> str:
    """A file's name without folders and what no file system takes; pages are told only this, as by a browser."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    plain = "".join(character for character in last if character.isprintable() and character not in _SHY_CHARS)
    return plain.strip(" .") or UNNAMED


async def _give(frame: Frame, ref: str, uploads: list[_Upload], deadline: float) -> None:
    """The browser reads no files of the daemon, so what is in them is carried into the page, piece by piece."""
    parcel = secrets.token_hex(8)
    document = ref[:4]
    for index, upload in enumerate(uploads):
        for start in range(0, len(upload.data), PIECE_BYTES):
            piece = base64.b64encode(upload.data[start : start + PIECE_BYTES]).decode()
            args: Json = {"parcel": parcel, "index": index, "piece": piece, "document": document}
            await frame.run("takePiece", args, deadline)
    files = [{"name": upload.name, "type": upload.media_type} for upload in uploads]
    await frame.run("setFiles", {"ref": ref, "parcel": parcel, "files": files, "document": document}, deadline)


async def _through_chooser(call: Call, ref: str) -> tuple[Frame, str, Effects]:
    """Click, and return the input that the chooser is for, which may open a while after the click."""
    tab = call.tab
    opened: list[_Chooser] = []

    def note(session: TargetSession, params: msgspec.Raw) -> None:
        opened.append(read(params, _Chooser))

    sessions = [frame.session for frame in tab.frames.values()]
    with tab.listening({"Page.fileChooserOpened": note}), kept_from_opening(tab, sessions):
        clicked = await click(call, ClickRequest(selector=f"ref={ref}"))
        if not await tab.until(lambda: bool(opened), call.deadline):
            raise ActionError(Failure.NOT_A_FILE_INPUT, "it is no file input, and a click opened no file chooser")
    chooser = opened[0]
    frame = tab.frames.get(chooser.frameId)
    if frame is None or not chooser.backendNodeId:
        raise ActionError(Failure.NOT_A_FILE_INPUT, "the file chooser that opened belongs to no input")
    try:
        return frame, await ref_of_node(frame, chooser.backendNodeId, call.deadline), clicked.effects
    except DevToolsError as error:
        raise told(error) from None


async def _after(call: Call, watch: Watch, frame: Frame) -> Effects:
    """One more round trip, so that the page has done what it put off for a moment."""
    try:
        if frame.tab.has(frame):
            await frame.run("pass", {}, call.deadline)
    except ActionError as error:
        if error.code not in (Failure.NAVIGATED_AWAY, Failure.DIALOG_OPEN, Failure.TAB_NOT_FOUND):
            raise
    return await watch.settle(call.deadline)
