"""`…/{id}/fs/…`: the files of a session made with `machine`, one at a time. Archives are in `archives`.

What comes out of a session was written there, by whoever ran there: it is passed on as a file to keep, never to show.
What goes in is passed on as it comes. The events `machine.files` tell who did what with how many bytes, never names.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, Caller, Deps, SessionIdPath
from cloche.api.downloads import Download
from cloche.api.passed_events import PassedEvents
from cloche.api.ranges import parse_range
from cloche.api.rest.events import EventStreamResponse
from cloche.api.rest.file_paths import AskedPath, encoded_path
from cloche.api.rest.file_reading import contents_of, head_of
from cloche.api.rest.file_schemas import (
    DirectoryIn,
    FileOut,
    Mode,
    MoveIn,
    OkOut,
    PathIn,
    PermissionsIn,
    WatchIn,
    WatchOut,
    read_files,
    told,
)
from cloche.api.rest.transfers import IncomingBody, note
from cloche.sessions.interface import MachineRequest, SessionMachine
from cloche.sessions.machine_bodies import send_body
from cloche.wire.messages import Payload

router = APIRouter(prefix="/v1/sessions/{session_id}/fs", tags=["machine"], dependencies=KEY_SECURITY)

DELETE_ANSWER_S: Final = 120.0
"""A directory may hold very many files."""
MAX_SIZE: Final = 1 << 62
BYTES_OUT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
BYTES_IN: Final[dict[str, Any]] = {
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}

WatchId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]


@router.head("/read_file", include_in_schema=False)
@router.get("/read_file", response_class=Response, responses={**BYTES_OUT, 206: {"description": "A range of it"}})
async def read_file(
    caller: Caller,
    session_id: SessionIdPath,
    path: AskedPath,
    deps: Deps,
    request: Request,
    range_: Annotated[str | None, Header(alias="range", max_length=256)] = None,
    if_range: Annotated[str | None, Header(max_length=256)] = None,
) -> Response:
    """Read a file, or the one range of bytes that `Range` names."""
    machine = await deps.manager.machine(caller, session_id)
    if request.method == "HEAD":
        return Download(head_of(machine, path), request)
    return Download(contents_of(machine, caller, path, parse_range(range_), if_range), request)


@router.put("/write_file", status_code=201, openapi_extra=BYTES_IN)
async def write_file(
    caller: Caller,
    session_id: SessionIdPath,
    path: AskedPath,
    deps: Deps,
    request: Request,
    mode: Annotated[Mode, Query(description="In octal")] = "644",
    create_only: Annotated[bool, Query(description="A file that is there stays: 409")] = False,
) -> OkOut:
    """Write a file: the request's body, whatever its type. It appears whole or not at all; parents are made."""
    machine = await deps.manager.machine(caller, session_id)
    body = IncomingBody(request)
    query: dict[str, str | bytes | int] = {"path": path, "mode": mode}
    if create_only:
        query["create_only"] = "true"
    await send_body(machine, MachineRequest(method="PUT", path="/fs/write_file", query=query), body.pieces())
    note(machine, caller, "write", body.bytes)
    return OkOut()


@router.get("/list_files", response_model=list[FileOut], response_class=Response)
async def list_files(caller: Caller, session_id: SessionIdPath, path: AskedPath, deps: Deps) -> Response:
    """List a directory, sorted by name. `Cloche-Truncated: true` says that there is more than the answer holds."""
    machine = await deps.manager.machine(caller, session_id)
    listing, is_cut = read_files(await _ask(machine, "GET", "/fs/list_files", path))
    fields = {"cloche-truncated": "true"} if is_cut else None
    return Response(listing, headers=fields, media_type="application/json")


@router.get("/file_info", response_model_exclude_unset=True)
async def file_info(caller: Caller, session_id: SessionIdPath, path: AskedPath, deps: Deps) -> FileOut:
    """Look at a file, a directory or a link (not at what it points to)."""
    machine = await deps.manager.machine(caller, session_id)
    return told(FileOut, await _ask(machine, "GET", "/fs/file_info", path))


@router.put("/create_directory", status_code=201)
async def create_directory(caller: Caller, session_id: SessionIdPath, body: DirectoryIn, deps: Deps) -> OkOut:
    """Make a directory and those above it. One that is there stays as it is."""
    machine = await deps.manager.machine(caller, session_id)
    await _change(machine, "/fs/create_directory", body.to_bytes(), {"mode": body.mode})
    note(machine, caller, "make_directory")
    return OkOut()


@router.put("/delete_file")
async def delete_file(caller: Caller, session_id: SessionIdPath, body: PathIn, deps: Deps) -> OkOut:
    """Delete a file, or a link and not what it points to."""
    machine = await deps.manager.machine(caller, session_id)
    await _change(machine, "/fs/delete_file", body.to_bytes())
    note(machine, caller, "delete")
    return OkOut()


@router.put("/delete_directory")
async def delete_directory(caller: Caller, session_id: SessionIdPath, body: PathIn, deps: Deps) -> OkOut:
    """Delete a directory with all it holds."""
    machine = await deps.manager.machine(caller, session_id)
    await _change(machine, "/fs/delete_directory", body.to_bytes())
    note(machine, caller, "delete")
    return OkOut()


@router.put("/move")
async def move(caller: Caller, session_id: SessionIdPath, body: MoveIn, deps: Deps) -> OkOut:
    """Rename a file or a directory."""
    source, dest = body.to_bytes()
    machine = await deps.manager.machine(caller, session_id)
    fields = {"src_b64": encoded_path(source), "dest_b64": encoded_path(dest)}
    await machine.ask(MachineRequest(method="PUT", path="/fs/move", fields=fields), timeout_s=DELETE_ANSWER_S)
    note(machine, caller, "move")
    return OkOut()


@router.put("/set_file_permissions")
async def set_file_permissions(caller: Caller, session_id: SessionIdPath, body: PermissionsIn, deps: Deps) -> OkOut:
    """Set a file's mode."""
    machine = await deps.manager.machine(caller, session_id)
    wanted = {"mode": body.mode, "owner": body.owner, "group": body.group}
    await _change(machine, "/fs/set_file_permissions", body.to_bytes(), wanted)
    note(machine, caller, "set_permissions")
    return OkOut()


@router.post("/watch", status_code=201)
async def watch(caller: Caller, session_id: SessionIdPath, body: WatchIn, deps: Deps) -> WatchOut:
    """Begin to note what changes in a directory; its events are read from `watch/{id}/events`."""
    machine = await deps.manager.machine(caller, session_id)
    fields = {"path_b64": encoded_path(body.to_bytes()), "recursive": body.recursive}
    return told(WatchOut, await machine.ask(MachineRequest(method="POST", path="/fs/watch", fields=fields)))


@router.get("/watch/{watch_id}/events", response_class=EventStreamResponse)
async def watch_events(
    caller: Caller,
    session_id: SessionIdPath,
    watch_id: WatchId,
    deps: Deps,
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=MAX_SIZE, description="The id of the last event you have")] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
) -> Response:
    """Read what changed as server-sent events: `{type, name, path, is_dir}`, or `{type: "RESCAN"}` after a loss."""
    machine = await deps.manager.machine(caller, session_id)
    position = int(last_event_id) if last_event_id is not None else after
    query: dict[str, str | bytes | int] = {"after": position} if position is not None else {}
    asked = MachineRequest(method="GET", path=f"/fs/watch/{watch_id}/events", query=query)
    return PassedEvents(machine.open(asked), request)


@router.delete("/watch/{watch_id}", status_code=204)
async def end_watch(caller: Caller, session_id: SessionIdPath, watch_id: WatchId, deps: Deps) -> None:
    """Stop noting."""
    machine = await deps.manager.machine(caller, session_id)
    async with machine.open(MachineRequest(method="DELETE", path=f"/fs/watch/{watch_id}")):
        return


async def _ask(machine: SessionMachine, method: str, route: str, path: bytes) -> Payload:
    return await machine.ask(MachineRequest(method=method, path=route, query={"path": path}))


async def _change(machine: SessionMachine, route: str, path: bytes, fields: Payload | None = None) -> None:
    given = {name: value for name, value in (fields or {}).items() if value is not None}
    request = MachineRequest(method="PUT", path=route, fields={"path_b64": encoded_path(path)} | given)
    await machine.ask(request, timeout_s=DELETE_ANSWER_S)
