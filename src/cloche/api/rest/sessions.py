"""`/v1/sessions`: make, look at, list, extend and end sessions.

A client that vanishes while its session is being made does not end it: the request runs on, and the session stands in
the listing until its idle timeout or a DELETE ends it.
"""

from collections.abc import Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from cloche.api.deps import KEY_SECURITY, ApiDeps, Caller, Deps, LinkOrigin, SessionIdPath
from cloche.api.rest.agent import CLIENT_GONE
from cloche.api.rest.render import render_session
from cloche.api.rest.schemas import ExtendIn, SessionIn, SessionListOut, SessionOut
from cloche.api.urls import Origin, session_path
from cloche.api.while_connected import while_connected
from cloche.errors import InvalidError
from cloche.sessions.model import Session, SessionStatus

router = APIRouter(prefix="/v1/sessions", tags=["sessions"], dependencies=KEY_SECURITY)

MAX_LABEL_FILTERS: Final = 32


@router.post(
    "",
    status_code=201,
    response_model=SessionOut,
    responses={202: {"model": SessionOut, "description": "Pending (`wait=false`)"}},
)
async def create_session(
    caller: Caller,
    deps: Deps,
    origin: LinkOrigin,
    request: Request,
    response: Response,
    body: SessionIn | None = None,
    wait: bool = True,
) -> Any:
    """Make a session. Answers when it is ready; with `wait=false` at once, with status `pending`.

    Where there is no place for it, it waits for up to `queue_timeout_s`. Who hangs up meanwhile leaves the queue.
    """
    creating = deps.manager.create(caller, (body or SessionIn()).to_request(), wait=wait)
    return await answer_made(creating, deps, origin, request, response)


async def answer_made(
    creating: Coroutine[Any, Any, Session], deps: ApiDeps, origin: Origin, request: Request, response: Response
) -> Any:
    """The session once it is made; nothing where the client has gone."""
    session = await while_connected(request, creating)
    if session is None:
        return Response(status_code=CLIENT_GONE)
    response.headers["location"] = session_path(session.id, "").rstrip("/")
    if session.status is SessionStatus.PENDING:
        response.status_code = 202
    return render_session(session, deps, origin)


@router.get("")
async def list_sessions(
    caller: Caller,
    deps: Deps,
    origin: LinkOrigin,
    status: SessionStatus | None = None,
    label: Annotated[list[str], Query(max_length=MAX_LABEL_FILTERS, description="`name:value`, repeatable")] = [],  # noqa: B006  # FastAPI copies it
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> SessionListOut:
    """List sessions, newest first: your own, or with an admin's key everyone's. All `label` filters must match."""
    page = await deps.manager.list(caller, status=status, labels=_labels(label), limit=limit, cursor=cursor)
    sessions = [render_session(session, deps, origin) for session in page.sessions]
    return SessionListOut(sessions=sessions, next_cursor=page.next_cursor)


@router.get("/{session_id}")
async def get_session(caller: Caller, session_id: SessionIdPath, deps: Deps, origin: LinkOrigin) -> SessionOut:
    """Look at one session."""
    return render_session(await deps.manager.get(caller, session_id), deps, origin)


@router.delete("/{session_id}")
async def close_session(caller: Caller, session_id: SessionIdPath, deps: Deps, origin: LinkOrigin) -> SessionOut:
    """End a session and wait until nothing of it runs. Ending an ended one changes nothing."""
    return render_session(await deps.manager.close(caller, session_id), deps, origin)


@router.post("/{session_id}/extend")
async def extend_session(
    caller: Caller, session_id: SessionIdPath, body: ExtendIn, deps: Deps, origin: LinkOrigin
) -> SessionOut:
    """Let a session end `lifetime_s` from now, at most at the server's ceiling."""
    session = await deps.manager.extend(caller, session_id, lifetime_s=body.lifetime_s)
    return render_session(session, deps, origin)


@router.post("/{session_id}/sleep")
async def put_session_to_sleep(caller: Caller, session_id: SessionIdPath, deps: Deps, origin: LinkOrigin) -> SessionOut:
    """Stop a session where it stands, until somebody comes. 409 `session_in_use` while somebody uses it."""
    return render_session(await deps.manager.sleep(caller, session_id), deps, origin)


@router.post("/{session_id}/hibernate")
async def hibernate_session(caller: Caller, session_id: SessionIdPath, deps: Deps, origin: LinkOrigin) -> SessionOut:
    """Seal a session's state on the disk and free all that it takes, until somebody comes.

    409 with `session_in_use` while somebody uses it, `private_session` and `machine_session` for what is not kept.
    """
    return render_session(await deps.manager.hibernate(caller, session_id), deps, origin)


@router.post("/{session_id}/wake")
async def wake_session(caller: Caller, session_id: SessionIdPath, deps: Deps, origin: LinkOrigin) -> SessionOut:
    """Let a session that sleeps go on, and bring one back that is hibernated. Whoever connects to it or acts in it
    does so too."""
    return render_session(await deps.manager.wake(caller, session_id), deps, origin)


def _labels(filters: list[str]) -> dict[str, str] | None:
    labels: dict[str, str] = {}
    for item in filters:
        name, colon, value = item.partition(":")
        if not (name and colon) or labels.setdefault(name, value) != value:
            raise InvalidError("a label filter is name:value, each name once", field="label")
    return labels or None
