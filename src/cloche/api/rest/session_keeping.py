"""`…/{id}/downloads` and `…/{id}/profile/save`: what comes out of a session, and what is kept of it while it lives."""

from typing import Annotated

from fastapi import APIRouter, Query

from cloche.api.deps import KEY_SECURITY, Artifacts, Caller, Profiles, SessionIdPath
from cloche.api.rest.artifact_schemas import ArtifactListOut
from cloche.api.rest.profile_schemas import ProfileOut
from cloche.artifacts.model import ArtifactKind, ArtifactState

router = APIRouter(prefix="/v1/sessions/{session_id}", dependencies=KEY_SECURITY)


@router.get("/downloads", tags=["artifacts"])
async def list_session_downloads(
    caller: Caller,
    session_id: SessionIdPath,
    artifacts: Artifacts,
    state: ArtifactState | None = None,
    kind: ArtifactKind | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> ArtifactListOut:
    """List the files that came out of a session, newest first: downloads, printed pages, pictures of failures."""
    page = await artifacts.list(caller, session_id=session_id, state=state, kind=kind, limit=limit, cursor=cursor)
    return ArtifactListOut.model_validate(page)


@router.post("/profile/save", tags=["profiles"])
async def save_profile(caller: Caller, session_id: SessionIdPath, profiles: Profiles) -> ProfileOut:
    """Save a living session's state to its profile now. With the form `directory` its browser is restarted."""
    return ProfileOut.model_validate(await profiles.save_session(caller, session_id))
