"""Which profile a create request asks for: by its id, or by its name (`persistence_id`)."""

from typing import Any, Final

from cloche.api.grpc.convert import asked_id
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.errors import InvalidError
from cloche.ids import ProfileId, parse_profile_id
from cloche.profiles.model import NewProfile
from cloche.sessions.model import ACTIVE_PROFILE
from cloche.sessions.principal import Principal
from cloche.sessions.profiles.interface import SessionProfiles

PAGE: Final = 200
THEIR_NAMES: Final = {
    "profile.id": "profile_id",
    "profile.save": "persistence_enabled",
    "profile.if_busy": "profile_if_busy",
    "profile.form": "profile_form",
    "profile": "profile_id",
    "private": "private_profile",
    "downloads": "allow_downloads",
}
"""REST's fields, and those of a create request."""


def kept_body(message: pb.CreateSessionRequest) -> dict[str, Any]:
    """What REST's body would say of profile, privacy and downloads.

    For a profile that only has a name the id is `active`, until its own is found.
    Raises: InvalidError when the fields contradict each other.
    """
    body: dict[str, Any] = {
        "private": message.private_profile,
        "downloads": "quarantine" if message.allow_downloads else "off",
    }
    if (profile := _profile_body(message)) is not None:
        body["profile"] = profile
    return body


def _profile_body(message: pb.CreateSessionRequest) -> dict[str, Any] | None:
    has_id, has_name = bool(message.profile_id.ulid), bool(message.persistence_id)
    if has_id and has_name:
        raise InvalidError("persistence_id: there is a profile_id already", field="persistence_id")
    if has_name and not message.persistence_enabled:
        raise InvalidError("persistence_id goes with persistence_enabled", field="persistence_id")
    if not (has_id or has_name):
        for field in ("persistence_enabled", "profile_if_busy", "profile_form"):
            if getattr(message, field):
                raise InvalidError(f"{field} wants profile_id or persistence_id", field=field)
        return None
    is_active = has_name or message.profile_id.ulid == ACTIVE_PROFILE
    profile: dict[str, Any] = {
        "id": ACTIVE_PROFILE if is_active else asked_id(message, "profile_id", parse_profile_id),
        "save": message.persistence_enabled,
    }
    for name in ("if_busy", "form"):
        if text := getattr(message, f"profile_{name}"):
            profile[name] = text
    return profile


async def profile_named(profiles: SessionProfiles, principal: Principal, name: str) -> ProfileId:
    """The caller's profile of that name, which is made where there is none.

    Raises: InvalidError when there are two, or when it can be no name of a profile; QuotaError.
    """
    found: list[ProfileId] = []
    cursor: str | None = None
    while True:
        page = await profiles.list(principal, limit=PAGE, cursor=cursor)
        found += [each.id for each in page.profiles if each.owner == principal.name and each.name == name]
        if (cursor := page.next_cursor) is None:
            break
    if len(found) > 1:
        raise InvalidError(
            "persistence_id: you have two profiles of this name; send profile_id", field="persistence_id"
        )
    if found:
        return found[0]
    try:
        return (await profiles.create(principal, NewProfile(name=name))).id
    except InvalidError as error:
        raise InvalidError(f"persistence_id: {error.detail}", field="persistence_id") from error
