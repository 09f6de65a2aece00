"""`/console/v1/browser/…`: second paths of routes, as an older console for browser daemons had them.

Only paths are theirs: keys, bodies, answers and errors are those of the route that each leads to, which
docs/reference/rest.md lists. They are not in the OpenAPI document.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.routing import BaseRoute

from cloche.api.deps import KEY_SECURITY, Artifacts, Caller
from cloche.api.rest import browsing, profiles, sessions
from cloche.api.rest.artifact_schemas import ArtifactListOut
from cloche.artifacts.model import ArtifactState
from cloche.ids import SessionId, parse_session_id

PREFIX: Final = "/console/v1/browser"
OF_A_SESSION: Final = PREFIX + "/sessions/{session_id}"

router = APIRouter(prefix=PREFIX, dependencies=KEY_SECURITY, include_in_schema=False)

_SAME: Final[tuple[tuple[str, str, Callable[..., Any], int], ...]] = (
    ("GET", "/profiles", profiles.list_profiles, 200),
    ("POST", "/profiles/create", profiles.create_profile, 201),
    ("POST", "/profiles/{profile_id}/rename", profiles.update_profile, 200),
    ("POST", "/profiles/{profile_id}/delete", profiles.delete_profile, 200),
    ("POST", "/profiles/{profile_id}/activate", profiles.activate_profile, 200),
    ("GET", "/sessions", sessions.list_sessions, 200),
    ("POST", "/sessions", sessions.create_session, 201),
    ("GET", "/sessions/{session_id}", sessions.get_session, 200),
    ("POST", "/sessions/{session_id}/close", sessions.close_session, 200),
)
for _method, _path, _handler, _status in _SAME:
    router.add_api_route(_path, _handler, methods=[_method], status_code=_status, name=_handler.__name__)

_BROWSING: Final = (
    *(("navigate", "navigate"), ("click", "click"), ("type", "type"), ("press", "press"), ("select", "select")),
    *(("highlight", "highlight"), ("scroll", "scroll"), ("wait_for", "wait-for"), ("get_title", "title")),
    *(("screenshot", "screenshot"), ("export_pdf", "pdf"), ("observe", "observe"), ("network_log", "network-log")),
    *(("console_log", "console"), ("reset_state", "reset-state"), ("inspect_session", "inspect")),
    *(("list_tabs", "tabs"), ("open_tab", "tabs/open"), ("switch_tab", "tabs/switch"), ("close_tab", "tabs/close")),
    *(("get_permissions", "permissions"), ("set_permissions", "permissions")),
)
"""Operations of the browser service, and their last words there."""

ROUTES: Final[tuple[BaseRoute, ...]] = tuple(browsing.alias(name, f"{OF_A_SESSION}/{path}") for name, path in _BROWSING)


async def asked_session(session_id: Annotated[str, Query(max_length=64)]) -> SessionId:
    return parse_session_id(session_id)


@router.get("/downloads")
async def list_downloads(
    caller: Caller,
    session_id: Annotated[SessionId, Depends(asked_session)],
    artifacts: Artifacts,
    quarantined_only: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> ArtifactListOut:
    """List the files that came out of a session, newest first."""
    state = ArtifactState.QUARANTINED if quarantined_only else None
    page = await artifacts.list(caller, session_id=session_id, state=state, limit=limit, cursor=cursor)
    return ArtifactListOut.model_validate(page)
