"""Which profile a create request asks for."""

from typing import Any

import pytest

from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.persistence import kept_body, profile_named
from cloche.errors import InvalidError
from cloche.profiles.model import ProfileForm
from cloche.sessions.model import IfBusy
from cloche.testing.grpc import RunningGrpc

ULID = "01J0000000000000000000000A"


def test_a_profile_is_asked_for_by_its_id() -> None:
    for given in (ULID, f"prf_{ULID}"):
        body = kept_body(pb.CreateSessionRequest(profile_id=pb.CanonicalId(ulid=given)))
        assert body == {"private": False, "downloads": "off", "profile": {"id": f"prf_{ULID}", "save": False}}
    body = kept_body(
        pb.CreateSessionRequest(
            profile_id=pb.CanonicalId(ulid="active"),
            persistence_enabled=True,
            profile_if_busy="read_only",
            profile_form="storage_state",
        )
    )
    assert body["profile"] == {"id": "active", "save": True, "if_busy": "read_only", "form": "storage_state"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"persistence_enabled": True}, "persistence_enabled"),
        ({"profile_if_busy": "refuse"}, "profile_if_busy"),
        ({"profile_form": "directory"}, "profile_form"),
        ({"persistence_id": "work"}, "persistence_id"),
        ({"persistence_id": "work", "persistence_enabled": True, "profile_id": ULID}, "persistence_id"),
        ({"profile_id": "ses_" + ULID}, "profile_id"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any], field: str) -> None:
    if "profile_id" in fields:
        fields = fields | {"profile_id": pb.CanonicalId(ulid=fields["profile_id"])}
    with pytest.raises(InvalidError) as caught:
        kept_body(pb.CreateSessionRequest(**fields))
    assert caught.value.fields["field"] == field


async def test_a_session_starts_from_its_profile_and_says_so(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        profile = (await client.call("CreateProfile", pb.CreateProfileRequest(name="work"))).profile
        made = await client.call(
            "CreateSession",
            pb.CreateSessionRequest(
                profile_id=profile.profile_id,
                persistence_enabled=True,
                allow_downloads=True,
                profile_if_busy="read_only",
            ),
        )
        (summary,) = (await client.call("ListSessions")).sessions
        for told in (made, summary):
            assert (told.profile_id, told.persistence_enabled, told.state_restored) == (profile.profile_id, True, False)
            assert (told.downloads_enabled, told.private_profile, told.persistence_id) == (True, False, "")
        bad = pb.CreateSessionRequest(profile_id=profile.profile_id, profile_form="tarball")
        failed = await client.fails("CreateSession", bad)
    assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "profile_form")
    (request,) = door.api.manager.requests
    assert request.profile is not None and request.profile.id == f"prf_{profile.profile_id.ulid}"
    assert (request.profile.if_busy, request.profile.form) == (IfBusy.READ_ONLY, ProfileForm.DIRECTORY)


async def test_a_persistence_id_is_the_name_of_a_profile_which_is_made_once(door: RunningGrpc) -> None:
    wanted = pb.CreateSessionRequest(persistence_enabled=True, persistence_id="work")
    async with door.client(door.api.user_key) as client, door.client(door.api.admin_key) as root:
        first, second = await client.call("CreateSession", wanted), await client.call("CreateSession", wanted)
        assert first.profile_id == second.profile_id and first.persistence_id == "work" and first.persistence_enabled
        (profile,) = (await client.call("ListProfiles")).profiles
        assert (profile.name, profile.profile_id) == ("work", first.profile_id)
        assert (await root.call("CreateSession", wanted)).profile_id != first.profile_id
        await client.call("CreateProfile", pb.CreateProfileRequest(name="work"))
        failed = await client.fails("CreateSession", wanted)
        assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "persistence_id")
        nameless = pb.CreateSessionRequest(persistence_enabled=True, persistence_id="x" * 97)
        assert (await client.fails("CreateSession", nameless)).metadata["cloche-field"] == "persistence_id"


async def test_a_name_is_looked_for_on_every_page(door: RunningGrpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.api.grpc.persistence.PAGE", 1)
    profiles = door.api.profiles
    caller = await door.api.keys.verify(door.api.user_key)
    assert caller is not None
    made = [await profile_named(profiles, caller, name) for name in ("a", "b", "c")]
    assert len(set(made)) == 3
    assert await profile_named(profiles, caller, "a") == made[0]
