"""Every call of the machine API as a value; see `calls`. Pure."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from cloche.client.answers import Answer
from cloche.client.calls import EXEC_SLACK_S, Call, session_path
from cloche.client.failures import told_failure
from cloche.client.machine_answers import (
    BrowserStart,
    BrowserStop,
    FileEntry,
    Nothing,
    Parts,
    ProgramList,
    ProgramStatus,
    Run,
    Spawned,
    Uploaded,
)
from cloche.errors import InternalError, InvalidError

BROWSER_WAIT_S: Final = 120.0
"""A restart that fails stops and starts a browser twice."""
TRANSFER_WAIT_S: Final = 3600.0

A = TypeVar("A", bound=Answer)

_ENTRIES: Final = TypeAdapter(list[FileEntry])


class ProgramOptions(TypedDict, total=False):
    """What a program may be given; see docs/reference/machine-api.md."""

    cwd: str
    env: Mapping[str, str]
    timeout_sec: float


class BrowserChange(TypedDict, total=False):
    """What a restart applies; what is left out stays as it is."""

    flags: Sequence[str] | None
    extensions: Sequence[str] | None
    policies: Mapping[str, Any] | None
    profile: str | None
    fresh_profile: bool
    start_url: str | None
    restore_tabs: bool


def exec_(
    session_id: str, argv: Sequence[str], *, stdin: bytes | None, kill_on_disconnect: bool, options: ProgramOptions
) -> Call[Run]:
    body = _program(argv, options) | {"kill_on_disconnect": kill_on_disconnect}
    if stdin is not None:
        body["stdin_b64"] = base64.b64encode(stdin).decode()
    wait_s = float(options.get("timeout_sec", 60)) + EXEC_SLACK_S
    return Call(
        method="POST",
        path=_process(session_id, "exec"),
        body=body,
        parse=Run.model_validate_json,
        may_take_s=wait_s,
    )


def spawn(
    session_id: str, argv: Sequence[str], *, tty: tuple[int, int] | None, options: ProgramOptions
) -> Call[Spawned]:
    """`tty` is rows and columns."""
    body = _program(argv, options)
    if tty is not None:
        body |= {"allocate_tty": True, "rows": tty[0], "cols": tty[1]}
    return Call(method="POST", path=_process(session_id, "spawn"), body=body, parse=Spawned.model_validate_json)


def programs(session_id: str) -> Call[ProgramList]:
    path = f"{session_path(session_id)}/process"
    return Call(method="GET", path=path, parse=ProgramList.model_validate_json)


def program_status(session_id: str, process_id: str) -> Call[ProgramStatus]:
    path = _process(session_id, process_id, "status")
    return Call(method="GET", path=path, parse=ProgramStatus.model_validate_json)


def write_stdin(session_id: str, process_id: str, data: bytes, *, eof: bool) -> Call[Nothing]:
    body = {"data_b64": base64.b64encode(data).decode(), "eof": eof}
    path = _process(session_id, process_id, "stdin")
    return Call(method="POST", path=path, body=body, parse=Nothing.model_validate_json)


def kill(session_id: str, process_id: str, signal: str) -> Call[Nothing]:
    path = _process(session_id, process_id, "kill")
    return Call(method="POST", path=path, body={"signal": signal}, parse=Nothing.model_validate_json)


def stream_output(session_id: str, process_id: str, *, offset: int) -> Call[bytes]:
    path = _process(session_id, process_id, "stdout", "stream")
    return Call(method="GET", path=path, query=[("offset", str(offset))], parse=bytes)


def stream_logs(session_id: str, source: str, *, path: str | None, follow: bool, tail: int | None) -> Call[bytes]:
    query = [("source", source), ("follow", "true" if follow else "false")]
    query += [("path", path)] if path is not None else []
    query += [("tail", str(tail))] if tail is not None else []
    return Call(method="GET", path=f"{session_path(session_id)}/logs/stream", query=query, parse=bytes)


def read_file(session_id: str, path: str) -> Call[bytes]:
    return _file(session_id, "GET", "read_file", query=[("path", path)], parse=bytes)


def write_file(session_id: str, path: str, *, mode: str) -> Call[bytes]:
    """Its content is given beside it."""
    return _file(session_id, "PUT", "write_file", query=[("path", path), ("mode", mode)], parse=bytes)


def list_files(session_id: str, path: str) -> Call[list[FileEntry]]:
    return _file(session_id, "GET", "list_files", query=[("path", path)], parse=_ENTRIES.validate_json)


def file_info(session_id: str, path: str) -> Call[FileEntry]:
    return _file(session_id, "GET", "file_info", query=[("path", path)], parse=FileEntry.model_validate_json)


def create_directory(session_id: str, path: str) -> Call[bytes]:
    return _file(session_id, "PUT", "create_directory", body={"path": path}, parse=bytes)


def delete_file(session_id: str, path: str) -> Call[bytes]:
    return _file(session_id, "PUT", "delete_file", body={"path": path}, parse=bytes)


def delete_directory(session_id: str, path: str) -> Call[bytes]:
    return _file(session_id, "PUT", "delete_directory", body={"path": path}, parse=bytes)


def move(session_id: str, source: str, destination: str) -> Call[bytes]:
    body = {"src_path": source, "dest_path": destination}
    return _file(session_id, "PUT", "move", body=body, parse=bytes)


def download(session_id: str, path: str, *, is_zip: bool) -> Call[bytes]:
    name = "download_dir_zip" if is_zip else "download_dir_zstd"
    return _file(session_id, "GET", name, query=[("path", path)], parse=bytes)


def upload(session_id: str, path: str, *, is_zip: bool, replace: bool) -> Call[Uploaded]:
    """The archive is given beside it."""
    query = [("dest_path", path), ("replace", "true" if replace else "false")]
    name = "upload_zip" if is_zip else "upload_zstd"
    call = _file(session_id, "POST", name, query=query, parse=Uploaded.model_validate_json)
    return call.with_content_type("application/zip" if is_zip else "application/zstd")


def parts(session_id: str) -> Call[Parts]:
    return Call(method="GET", path=f"{session_path(session_id)}/processes", parse=Parts.model_validate_json)


def restart_browser(session_id: str, change: BrowserChange) -> Call[BrowserStart]:
    return Call(
        method="POST",
        path=f"{session_path(session_id)}/browser/restart",
        body=change,
        parse=BrowserStart.model_validate_json,
        may_take_s=BROWSER_WAIT_S,
    )


def start_browser(session_id: str) -> Call[BrowserStart]:
    path = f"{session_path(session_id)}/browser/start"
    return Call(method="POST", path=path, parse=BrowserStart.model_validate_json, may_take_s=BROWSER_WAIT_S)


def stop_browser(session_id: str) -> Call[BrowserStop]:
    path = f"{session_path(session_id)}/browser/stop"
    return Call(method="POST", path=path, parse=BrowserStop.model_validate_json, may_take_s=BROWSER_WAIT_S)


def read_event(kind: type[A], data: str) -> A:
    """Raises: what broke the stream off, where this event tells it; InternalError."""
    if (error := told_failure(data)) is not None:
        raise error
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise InternalError("the server's answer was not understood") from error


def _program(argv: Sequence[str], options: ProgramOptions) -> dict[str, Any]:
    if not argv:
        raise InvalidError("a program has at least a name", field="argv")
    command, *args = argv
    return {"command": command, "args": args, **options}


def _process(session_id: str, *parts: str) -> str:
    return "/".join([session_path(session_id), "process", *(quote(part, safe="") for part in parts)])


def _file(session_id: str, method: str, name: str, **rest: Any) -> Call[Any]:
    return Call(method=method, path=f"{session_path(session_id)}/fs/{name}", may_take_s=TRANSFER_WAIT_S, **rest)
