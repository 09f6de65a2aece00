"""The RPCs about profiles."""

from typing import Any

import pytest

from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.errors import ConflictError
from cloche.ids import ProfileId, SessionId, new_profile_id
from cloche.testing.grpc import GrpcClient, RunningGrpc


async def made(client: GrpcClient, name: str = "work", **fields: Any) -> pb.BrowserProfile:
    profile: pb.BrowserProfile = (
        await client.call("CreateProfile", pb.CreateProfileRequest(name=name, **fields))
    ).profile
    return profile


async def test_a_profile_is_made_renamed_made_active_and_deleted(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        profile = await made(client, "Büro", theme_color="#ff8800", principal="alice")
        assert (profile.v, profile.name, profile.principal, profile.theme_color) == (1, "Büro", "alice", "#ff8800")
        assert (profile.persistence_enabled, profile.private_profile, profile.active) == (True, False, False)
        assert (profile.revision, profile.form, profile.written_by.ulid) == (0, "", "")
        assert profile.created_unix_ms == profile.updated_unix_ms == profile.last_used_unix_ms > 1_700_000_000_000
        id_ = profile.profile_id
        renamed = await client.call("RenameProfile", pb.RenameProfileRequest(profile_id=id_, name="home"))
        assert renamed.profile.name == "home"
        active = await client.call("SetActiveProfile", pb.SetActiveProfileRequest(profile_id=id_))
        assert active.profile.active
        listed = await client.call("ListProfiles")
        assert (listed.active_profile_id, [each.name for each in listed.profiles]) == (id_, ["home"])
        deleted = await client.call("DeleteProfile", pb.DeleteProfileRequest(profile_id=id_))
        assert deleted.deleted and not deleted.HasField("active_profile_id")
        assert (await client.fails("DeleteProfile", pb.DeleteProfileRequest(profile_id=id_))).code == "NOT_FOUND"


async def test_whether_sessions_may_save_back_can_be_said_or_left_out(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        profile = await made(client, persistence_enabled=False, private_profile=True)
    assert (profile.persistence_enabled, profile.private_profile) == (False, True)


async def test_a_foreign_profile_looks_like_none_at_all(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as alice, door.client(door.api.other_key) as mallory:
        theirs = (await made(alice)).profile_id
        for rpc, fields in (
            ("RenameProfile", {"name": "x"}),
            ("SetActiveProfile", {}),
            ("ForkProfile", {"name": "x"}),
            ("DeleteProfile", {"force": True}),
        ):
            kind: Any = getattr(pb, f"{rpc}Request")
            foreign, missing = [
                await mallory.fails(rpc, kind(profile_id=pb.CanonicalId(ulid=ulid), **fields))
                for ulid in (theirs.ulid, new_profile_id())
            ]
            assert foreign.code == "NOT_FOUND" and foreign.detail == missing.detail
            malformed = await mallory.fails(rpc, kind(profile_id=pb.CanonicalId(ulid="x"), **fields))
            assert (malformed.code, malformed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "profile_id")
        assert (await mallory.call("ListProfiles")).profiles == []
        claimed = pb.CreateProfileRequest(name="x", principal="alice")
        assert (await mallory.fails("CreateProfile", claimed)).code == "PERMISSION_DENIED"


async def test_a_listing_comes_in_pages(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        names = [(await made(client, f"p{number}")).name for number in range(3)]
        first = await client.call("ListProfiles", pb.ListProfilesRequest(limit=2))
        rest = await client.call("ListProfiles", pb.ListProfilesRequest(limit=2, cursor=first.next_cursor))
        assert [each.name for each in (*first.profiles, *rest.profiles)] == names[::-1] and rest.next_cursor == ""
        assert (await client.fails("ListProfiles", pb.ListProfilesRequest(limit=201))).code == "INVALID_ARGUMENT"


async def test_a_session_is_saved_to_its_profile_and_that_forked(door: RunningGrpc) -> None:
    async with door.client(door.api.user_key) as client:
        id_ = (await made(client)).profile_id
        wanted = pb.CreateSessionRequest(profile_id=id_, persistence_enabled=True)
        session_id = (await client.call("CreateSession", wanted)).session_id
        door.api.profiles.use(ProfileId(f"prf_{id_.ulid}"), SessionId(f"ses_{session_id.ulid}"))
        saved = (await client.call("SaveProfile", pb.SaveProfileRequest(session_id=session_id))).profile
        assert (saved.revision, saved.form, saved.profile_id) == (1, "storage_state", id_)
        assert (list(saved.used_by), saved.written_by) == ([session_id], session_id)
        copy = (await client.call("ForkProfile", pb.ForkProfileRequest(profile_id=id_, name="copy"))).profile
        assert (copy.name, copy.revision) == ("copy", 1)
        busy = await client.fails("DeleteProfile", pb.DeleteProfileRequest(profile_id=id_))
        assert (busy.code, busy.metadata["cloche-reason"]) == ("FAILED_PRECONDITION", "profile_in_use")
        assert (await client.call("DeleteProfile", pb.DeleteProfileRequest(profile_id=id_, force=True))).deleted


@pytest.mark.parametrize("rpc", ["CreateProfile", "RenameProfile"])
async def test_a_name_is_wanted(door: RunningGrpc, rpc: str) -> None:
    async with door.client(door.api.user_key) as client:
        kind: Any = getattr(pb, f"{rpc}Request")
        failed = await client.fails(rpc, kind())
    assert (failed.code, failed.metadata["cloche-field"]) == ("INVALID_ARGUMENT", "name")


async def test_a_server_without_a_state_key_says_so(door: RunningGrpc) -> None:
    door.api.profiles.error = ConflictError("set CLOCHE_STATE_KEY to keep profiles", reason="profiles_off")
    async with door.client(door.api.user_key) as client:
        failed = await client.fails("ListProfiles")
    assert (failed.code, failed.metadata["cloche-reason"]) == ("FAILED_PRECONDITION", "profiles_off")
