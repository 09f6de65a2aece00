"""`…/{id}/logs/stream`: what agent and browser said, and log files, as server-sent events."""

import re
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, Caller, Deps, SessionIdPath
from cloche.api.passed_events import PassedEvents
from cloche.api.rest.events import EventStreamResponse
from cloche.api.rest.file_paths import require_utf8
from cloche.api.rest.processes import LastEventId
from cloche.errors import InvalidError
from cloche.sessions.interface import MachineRequest
from cloche.wire.machine import MAX_PATH_BYTES

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["machine"], dependencies=KEY_SECURITY)

MAX_TAIL_LINES: Final = 100_000

_PLACE: Final = re.compile(r"[!-~]{1,128}")


@router.get("/logs/stream", response_class=EventStreamResponse)
async def stream_logs(
    caller: Caller,
    session_id: SessionIdPath,
    deps: Deps,
    request: Request,
    source: Literal["path", "supervisor", "browser", "agent"],
    follow: bool = True,
    path: Annotated[str | None, Query(max_length=MAX_PATH_BYTES, description="The file, for the source `path`")] = None,
    tail: Annotated[int | None, Query(ge=0, le=MAX_TAIL_LINES, description="Begin with this many last lines")] = None,
    after: Annotated[str | None, Query(max_length=128, description="The id of the last line you have")] = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Read a log: of the browser, of the agent, of what became of the session's parts, or a file in the session.

    `follow=false` ends with what there is. A file's rotation and truncation are followed. The source `path` needs a
    session that was made with `machine`.
    """
    require_utf8(request)
    if (source == "path") != (path is not None):
        raise InvalidError("the source `path`, and no other, needs a path", field="path")
    machine = await deps.manager.machine(caller, session_id, whole=source == "path")
    query: dict[str, str | bytes | int] = {"source": source, "follow": follow}
    if path is not None:
        query["path"] = path
    if tail is not None:
        query["tail"] = tail
    if place := last_event_id or after:
        if not _PLACE.fullmatch(place):
            raise InvalidError("this is no line's id", field="after")
        query["after"] = place
    return PassedEvents(machine.open(MachineRequest(method="GET", path="/logs/stream", query=query)), request)
