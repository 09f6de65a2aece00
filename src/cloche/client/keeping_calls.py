"""Every call about profiles and artifacts as a value; see `calls`. Pure."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from pydantic import TypeAdapter

from cloche.client.calls import Call, Query, session_path
from cloche.client.keeping_answers import (
    Artifact,
    ArtifactPage,
    DeletedProfile,
    Profile,
    ProfilePage,
    Rekeyed,
    RevisionList,
)

TRANSFER_WAIT_S: Final = 3600.0
SAVE_WAIT_S: Final = 180.0
"""A session's browser is stopped, its state taken out, and the browser started again."""
FILE_TYPE: Final = "application/octet-stream"

_PROFILES: Final = "/v1/profiles"
_ARTIFACTS: Final = "/v1/artifacts"
_STATE: Final = TypeAdapter(dict[str, Any])
_profile: Final = Profile.model_validate_json


def create_profile(*, name: str, theme_color: str, private: bool, persistence: bool) -> Call[Profile]:
    body = {"name": name, "theme_color": theme_color, "private": private, "persistence": persistence}
    return Call(method="POST", path=_PROFILES, body=body, parse=_profile)


def list_profiles(*, limit: int, cursor: str | None) -> Call[ProfilePage]:
    return Call(method="GET", path=_PROFILES, query=_page(limit, cursor), parse=ProfilePage.model_validate_json)


def get_profile(profile_id: str) -> Call[Profile]:
    return Call(method="GET", path=_profile_path(profile_id), parse=_profile)


def update_profile(profile_id: str, *, name: str | None, theme_color: str | None) -> Call[Profile]:
    given = {"name": name, "theme_color": theme_color}
    body = {field: value for field, value in given.items() if value is not None}
    return Call(method="PATCH", path=_profile_path(profile_id), body=body, parse=_profile)


def activate_profile(profile_id: str) -> Call[Profile]:
    return Call(method="POST", path=_profile_path(profile_id, "activate"), parse=_profile)


def fork_profile(profile_id: str, *, name: str, revision: int | None) -> Call[Profile]:
    body = {"name": name} | _revision(revision)
    path = _profile_path(profile_id, "fork")
    return Call(method="POST", path=path, body=body, parse=_profile, may_take_s=TRANSFER_WAIT_S)


def delete_profile(profile_id: str, *, force: bool) -> Call[DeletedProfile]:
    query = [("force", "true")] if force else []
    path = _profile_path(profile_id)
    return Call(method="DELETE", path=path, query=query, parse=DeletedProfile.model_validate_json)


def revisions(profile_id: str) -> Call[RevisionList]:
    path = _profile_path(profile_id, "revisions")
    return Call(method="GET", path=path, parse=RevisionList.model_validate_json)


def export_profile(profile_id: str, *, passphrase: str, revision: int | None) -> Call[bytes]:
    """The answer is a file."""
    body = {"passphrase": passphrase} | _revision(revision)
    path = _profile_path(profile_id, "export")
    return Call(method="POST", path=path, body=body, parse=bytes, may_take_s=TRANSFER_WAIT_S)


def import_profile(*, passphrase: str, name: str) -> Call[Profile]:
    """The file is given beside it."""
    return Call(
        method="POST",
        path=f"{_PROFILES}/import",
        query=[("name", name)],
        parse=_profile,
        may_take_s=TRANSFER_WAIT_S,
        content_type=FILE_TYPE,
        headers={"cloche-passphrase": quote(passphrase, safe="")},
    )


def get_storage_state(profile_id: str) -> Call[dict[str, Any]]:
    return Call(method="GET", path=_profile_path(profile_id, "storage_state"), parse=_STATE.validate_json)


def put_storage_state(profile_id: str, state: Mapping[str, Any]) -> Call[Profile]:
    return Call(method="PUT", path=_profile_path(profile_id, "storage_state"), body=state, parse=_profile)


def save_session(session_id: str) -> Call[Profile]:
    path = f"{session_path(session_id)}/profile/save"
    return Call(method="POST", path=path, parse=_profile, may_take_s=SAVE_WAIT_S)


def rekey() -> Call[Rekeyed]:
    path = f"{_PROFILES}/rekey"
    return Call(method="POST", path=path, parse=Rekeyed.model_validate_json, may_take_s=TRANSFER_WAIT_S)


def list_artifacts(
    *, session_id: str | None, state: str | None, kind: str | None, limit: int, cursor: str | None
) -> Call[ArtifactPage]:
    query = _page(limit, cursor) + _filters(session_id=session_id, state=state, kind=kind)
    return Call(method="GET", path=_ARTIFACTS, query=query, parse=ArtifactPage.model_validate_json)


def session_downloads(
    session_id: str, *, state: str | None, kind: str | None, limit: int, cursor: str | None
) -> Call[ArtifactPage]:
    query = _page(limit, cursor) + _filters(state=state, kind=kind)
    path = f"{session_path(session_id)}/downloads"
    return Call(method="GET", path=path, query=query, parse=ArtifactPage.model_validate_json)


def get_artifact(artifact_id: str) -> Call[Artifact]:
    return Call(method="GET", path=_artifact_path(artifact_id), parse=Artifact.model_validate_json)


def release_artifact(artifact_id: str) -> Call[Artifact]:
    path = _artifact_path(artifact_id, "release")
    return Call(method="POST", path=path, parse=Artifact.model_validate_json)


def delete_artifact(artifact_id: str) -> Call[bytes]:
    return Call(method="DELETE", path=_artifact_path(artifact_id), parse=bytes)


def upload_artifact(*, file_name: str, media_type: str) -> Call[Artifact]:
    """The file is given beside it."""
    return Call(
        method="POST",
        path=_ARTIFACTS,
        query=[("file_name", file_name)],
        parse=Artifact.model_validate_json,
        may_take_s=TRANSFER_WAIT_S,
        content_type=media_type or FILE_TYPE,
    )


def read_artifact(artifact_id: str, *, start: int = 0, quarantined: bool = False) -> Call[bytes]:
    """Its bytes from `start` on."""
    return Call(
        method="GET",
        path=_artifact_path(artifact_id, "content"),
        query=[("quarantined", "true")] if quarantined else [],
        parse=bytes,
        may_take_s=TRANSFER_WAIT_S,
        headers={"range": f"bytes={start}-"} if start else {},
    )


def _page(limit: int, cursor: str | None) -> Query:
    return [("limit", str(limit))] + ([("cursor", cursor)] if cursor is not None else [])


def _filters(**filters: str | None) -> Query:
    return [(name, value) for name, value in filters.items() if value is not None]


def _revision(revision: int | None) -> dict[str, Any]:
    return {} if revision is None else {"revision": revision}


def _profile_path(profile_id: str, *rest: str) -> str:
    return "/".join([_PROFILES, quote(profile_id, safe=""), *rest])


def _artifact_path(artifact_id: str, *rest: str) -> str:
    return "/".join([_ARTIFACTS, quote(artifact_id, safe=""), *rest])
