"""`/v1/profiles`: what sessions start from and save back: make, list, change, fork, delete, carry elsewhere.

Without a state key the server keeps none: everything here is then a 409, `profiles_off`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Header, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, Admin, Caller, ProfileIdPath, Profiles
from cloche.api.downloads import Download, Head, file_fields
from cloche.api.limits import read_large_json
from cloche.api.rest.browsing import JSON_TYPE, encode
from cloche.api.rest.browsing_requests import refusal
from cloche.api.rest.profile_schemas import (
    ExportIn,
    ForkIn,
    NewProfileIn,
    ProfileChangeIn,
    ProfileDeletedOut,
    ProfileListOut,
    ProfileName,
    ProfileOut,
    RekeyedOut,
    RevisionListOut,
)
from cloche.api.rest.transfers import IncomingBody
from cloche.browser.contract.state import StorageState
from cloche.errors import InvalidError
from cloche.sessions.principal import Principal
from cloche.sessions.profiles.interface import SessionProfiles

router = APIRouter(prefix="/v1/profiles", tags=["profiles"], dependencies=KEY_SECURITY)

EXPORT_SUFFIX: Final = ".cloche-profile"
MAX_PASSPHRASE_FIELD: Final = 12 * 1024
"""1024 characters of four bytes, each as `%XX`."""

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FILE_OUT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"application/octet-stream": _BINARY}}}
_FILE_IN: Final = {"requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}}
_STATE: Final = {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/StorageState"}}}
_STATE_OUT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": _STATE}}
_STATE_IN: Final = {"requestBody": {"required": True, "content": _STATE}}
_STORAGE_STATE: Final[TypeAdapter[StorageState]] = TypeAdapter(StorageState)


@router.get("")
async def list_profiles(
    caller: Caller,
    profiles: Profiles,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=256)] = None,
) -> ProfileListOut:
    """List profiles, last used first: your own, or with an admin's key everyone's."""
    return ProfileListOut.model_validate(await profiles.list(caller, limit=limit, cursor=cursor))


@router.post("", status_code=201)
async def create_profile(caller: Caller, body: NewProfileIn, profiles: Profiles, response: Response) -> ProfileOut:
    """Make an empty profile."""
    return _created(await profiles.create(caller, body.to_request()), response)


@router.post("/import", status_code=201, openapi_extra=_FILE_IN)
async def import_profile(
    caller: Caller,
    name: Annotated[ProfileName, Query(description="Of the new profile")],
    profiles: Profiles,
    request: Request,
    response: Response,
    cloche_passphrase: Annotated[
        str, Header(max_length=MAX_PASSPHRASE_FIELD, description="Of the export: UTF-8, percent-encoded (RFC 3986)")
    ],
) -> ProfileOut:
    """Make a profile of a file that an export gave: the request's body."""
    passphrase = _passphrase(cloche_passphrase)
    async with aclosing(IncomingBody(request).pieces()) as pieces:
        return _created(await profiles.import_file(caller, pieces, passphrase=passphrase, name=name), response)


@router.post("/rekey")
async def rekey_profiles(admin: Admin, profiles: Profiles) -> RekeyedOut:
    """Read the state key's source again and wrap every key of profiles and artifacts under the first key there."""
    return RekeyedOut.model_validate(await profiles.rekey(admin))


@router.get("/{profile_id}")
async def get_profile(caller: Caller, profile_id: ProfileIdPath, profiles: Profiles) -> ProfileOut:
    """Look at one profile."""
    return ProfileOut.model_validate(await profiles.get(caller, profile_id))


@router.patch("/{profile_id}")
async def update_profile(
    caller: Caller, profile_id: ProfileIdPath, body: ProfileChangeIn, profiles: Profiles
) -> ProfileOut:
    """Rename a profile, or give it another colour."""
    changed = await profiles.update(caller, profile_id, name=body.name, theme_color=body.theme_color)
    return ProfileOut.model_validate(changed)


@router.delete("/{profile_id}")
async def delete_profile(
    caller: Caller,
    profile_id: ProfileIdPath,
    profiles: Profiles,
    force: Annotated[bool, Query(description="Also while a session uses it, which then saves no more")] = False,
) -> ProfileDeletedOut:
    """Forget a profile's key, so that nothing ever written of it can be read again, and delete its files."""
    return ProfileDeletedOut(active_id=await profiles.delete(caller, profile_id, force=force))


@router.post("/{profile_id}/activate")
async def activate_profile(caller: Caller, profile_id: ProfileIdPath, profiles: Profiles) -> ProfileOut:
    """Make it its owner's active profile, which sessions may ask for as `active`."""
    return ProfileOut.model_validate(await profiles.activate(caller, profile_id))


@router.post("/{profile_id}/fork", status_code=201)
async def fork_profile(
    caller: Caller, profile_id: ProfileIdPath, body: ForkIn, profiles: Profiles, response: Response
) -> ProfileOut:
    """Make a profile that begins with a copy of a revision of this one."""
    return _created(await profiles.fork(caller, profile_id, name=body.name, revision=body.revision), response)


@router.get("/{profile_id}/revisions")
async def list_revisions(caller: Caller, profile_id: ProfileIdPath, profiles: Profiles) -> RevisionListOut:
    """List the revisions that are kept, newest first."""
    return RevisionListOut.model_validate({"revisions": list(await profiles.revisions(caller, profile_id))})


@router.post("/{profile_id}/export", response_class=Response, responses=_FILE_OUT)
async def export_profile(
    caller: Caller, profile_id: ProfileIdPath, body: ExportIn, profiles: Profiles, request: Request
) -> Response:
    """Write one revision out as a file that any server with the passphrase can import."""
    return Download(_exported(profiles, caller, profile_id, body), request)


@router.get("/{profile_id}/storage_state", response_class=Response, responses=_STATE_OUT)
async def get_profile_storage_state(caller: Caller, profile_id: ProfileIdPath, profiles: Profiles) -> Response:
    """Read the last revision as Playwright's `storage_state`."""
    state = await profiles.get_storage_state(caller, profile_id)
    content = await asyncio.to_thread(encode, state)
    return Response(content, media_type=JSON_TYPE, headers={"cache-control": "no-store"})


@router.put("/{profile_id}/storage_state", openapi_extra=_STATE_IN)
async def put_profile_storage_state(
    caller: Caller, profile_id: ProfileIdPath, profiles: Profiles, request: Request
) -> ProfileOut:
    """Save a `storage_state`, the request's body, as the next revision."""
    body = await read_large_json(request)
    try:
        state = await asyncio.to_thread(_STORAGE_STATE.validate_json, body or b"null")
    except ValidationError as error:
        raise refusal("body", error) from None
    return ProfileOut.model_validate(await profiles.put_storage_state(caller, profile_id, state))


def _created(profile: object, response: Response) -> ProfileOut:
    made = ProfileOut.model_validate(profile)
    response.headers["location"] = f"/v1/profiles/{made.id}"
    return made


async def _exported(
    profiles: SessionProfiles, caller: Principal, profile_id: ProfileIdPath, asked: ExportIn
) -> AsyncGenerator[Head | bytes]:
    name = (await profiles.get(caller, profile_id)).name
    exported = profiles.export(caller, profile_id, passphrase=asked.passphrase, revision=asked.revision)
    async with exported as pieces:
        # The first piece comes before the head: until then a failure can still be told.
        first = await anext(pieces, b"")
        yield Head(200, file_fields(name + EXPORT_SUFFIX))
        yield first
        async for piece in pieces:
            yield piece


def _passphrase(field: str) -> str:
    """Read the header field. Raises: InvalidError."""
    try:
        text = unquote_to_bytes(field.encode("ascii")).decode()
    except UnicodeError:
        detail = "the passphrase must be UTF-8, percent-encoded"
        raise InvalidError(detail, field="cloche-passphrase") from None
    if not 12 <= len(text) <= 1024:
        raise InvalidError("a passphrase has 12 to 1024 characters", field="cloche-passphrase")
    return text
