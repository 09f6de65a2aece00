"""Profiles over real HTTP, before profiles in memory."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute

from cloche.api.rest import artifacts, profiles, session_keeping
from cloche.errors import ConflictError, InternalError
from cloche.ids import ProfileId, SessionId, new_profile_id
from cloche.profiles.model import ProfileForm
from cloche.sessions.model import EndReason, IfBusy, ProfileUse
from cloche.testing.api import RunningApi, running_api

STATE = {
    "cookies": [{"name": "sid", "value": "1", "domain": "a.test", "path": "/", "sameSite": "Lax"}],
    "origins": [{"origin": "https://a.test", "localStorage": [{"name": "k", "value": "v"}]}],
}
PASSPHRASE = "long enough, größer"
FIELDS = {
    "id", "owner", "name", "theme_color", "private", "persistence", "active", "revision", "form", "engine",
    "size_bytes", "created_at", "updated_at", "last_used_at", "used_by", "written_by",
}  # fmt: skip


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def ask(api: RunningApi, method: str, path: str, *, key: str | None = None, **options: Any) -> Any:
    async with api.http(key or api.user_key) as client:
        return await client.request(method, path, **options)


async def made(api: RunningApi, name: str = "work", *, key: str | None = None, **fields: Any) -> str:
    answer = await ask(api, "POST", "/v1/profiles", key=key, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    id_: str = answer.json()["id"]
    return id_


async def saved(api: RunningApi) -> str:
    """A profile with a revision."""
    id_ = await made(api)
    assert (await ask(api, "PUT", f"/v1/profiles/{id_}/storage_state", json=STATE)).status_code == 200
    return id_


async def test_a_profile_is_made_shown_changed_made_active_and_deleted(api: RunningApi) -> None:
    answer = await ask(api, "POST", "/v1/profiles", json={"name": "Büro", "theme_color": "#ff8800"})
    profile = answer.json()
    path = f"/v1/profiles/{profile['id']}"
    assert (answer.status_code, answer.headers["location"], set(profile)) == (201, path, FIELDS)
    assert (profile["name"], profile["owner"], profile["revision"], profile["form"]) == ("Büro", "alice", 0, None)
    assert (await ask(api, "GET", path)).json() == profile
    changed = (await ask(api, "PATCH", path, json={"name": "home"})).json()
    assert (changed["name"], changed["theme_color"]) == ("home", "#ff8800")
    assert (await ask(api, "POST", f"{path}/activate")).json()["active"]
    assert (await ask(api, "GET", "/v1/profiles")).json()["active_id"] == profile["id"]
    assert (await ask(api, "DELETE", path)).json() == {"deleted": True, "active_id": None}
    assert (await ask(api, "GET", path)).status_code == 404


NO_PROFILES: list[dict[str, Any]] = [
    {},
    {"name": ""},
    {"name": "x" * 97},
    {"name": "ü" * 60},
    {"name": "a\nb"},
    {"name": 1},
    {"name": "a", "theme_color": "red;"},
    {"name": "a", "theme_color": "x" * 25},
    {"name": "a", "private": "yes"},
    {"name": "a", "owner": "mallory"},
]


async def test_what_is_no_profile_is_refused(api: RunningApi) -> None:
    for body in NO_PROFILES:
        answer = await ask(api, "POST", "/v1/profiles", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), body


async def test_a_listing_comes_in_pages_and_shows_each_their_own(api: RunningApi) -> None:
    mine = [await made(api, f"p{number}") for number in range(3)]
    theirs = await made(api, key=api.other_key)
    first = (await ask(api, "GET", "/v1/profiles?limit=2")).json()
    rest = (await ask(api, "GET", f"/v1/profiles?limit=2&cursor={first['next_cursor']}")).json()
    assert [each["id"] for each in first["profiles"] + rest["profiles"]] == mine[::-1] and rest["next_cursor"] is None
    everyones = (await ask(api, "GET", "/v1/profiles", key=api.admin_key)).json()["profiles"]
    assert {each["id"] for each in everyones} == {*mine, theirs}
    for query in ("limit=0", "limit=201", "cursor=made-up"):
        assert (await ask(api, "GET", f"/v1/profiles?{query}")).status_code == 400


OF_ONE = [
    ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/activate"), ("POST", "/fork"), ("GET", "/revisions"),
    ("POST", "/export"), ("GET", "/storage_state"), ("PUT", "/storage_state"),
]  # fmt: skip
BODIES: dict[str, Any] = {
    "PATCH": {"name": "mine now"},
    "POST/fork": {"name": "copy"},
    "POST/export": {"passphrase": PASSPHRASE},
    "PUT/storage_state": STATE,
}


async def test_a_foreign_profile_looks_like_none_at_all(api: RunningApi) -> None:
    id_ = await saved(api)
    for method, rest in OF_ONE:
        body = BODIES.get(method + rest)
        foreign, missing = [
            await ask(api, method, f"/v1/profiles/{target}{rest}", key=api.other_key, json=body)
            for target in (id_, new_profile_id())
        ]
        assert (foreign.status_code, missing.status_code) == (404, 404), method + rest
        assert foreign.json() == missing.json()
        assert (await ask(api, method, f"/v1/profiles/none{rest}", json=body)).status_code == 400
    assert (await ask(api, "GET", f"/v1/profiles/{id_}")).json()["name"] == "work"


async def test_a_fork_begins_where_its_source_is(api: RunningApi) -> None:
    id_ = await saved(api)
    answer = await ask(api, "POST", f"/v1/profiles/{id_}/fork", json={"name": "copy"})
    copy = answer.json()
    assert (answer.status_code, copy["name"], copy["revision"]) == (201, "copy", 1)
    assert answer.headers["location"] == f"/v1/profiles/{copy['id']}"
    state = (await ask(api, "GET", f"/v1/profiles/{copy['id']}/storage_state")).json()
    assert state["origins"] == STATE["origins"]
    assert (await ask(api, "POST", f"/v1/profiles/{id_}/fork", json={"name": "x", "revision": 9})).status_code == 404
    assert (await ask(api, "POST", f"/v1/profiles/{id_}/fork", json={"name": "x", "revision": 0})).status_code == 400


async def test_a_storage_state_is_saved_as_the_next_revision_and_read_back(api: RunningApi) -> None:
    id_ = await made(api)
    path = f"/v1/profiles/{id_}/storage_state"
    empty = await ask(api, "GET", path)
    assert (empty.status_code, empty.json()["reason"]) == (409, "profile_empty")
    assert [(await ask(api, "PUT", path, json=STATE)).json()["revision"] for _ in range(2)] == [1, 2]
    read = await ask(api, "GET", path)
    assert read.headers["cache-control"] == "no-store" and read.json()["cookies"][0]["name"] == "sid"
    revisions = (await ask(api, "GET", f"/v1/profiles/{id_}/revisions")).json()["revisions"]
    assert [(each["revision"], each["form"]) for each in revisions] == [(2, "storage_state"), (1, "storage_state")]


async def test_what_is_no_storage_state_is_refused(api: RunningApi) -> None:
    path, as_json = f"/v1/profiles/{await made(api)}/storage_state", "application/json"
    for content, media_type in ((b"", as_json), (b"[]", as_json), (b'{"cookies": 1}', as_json), (b"{}", "x/y")):
        answer = await ask(api, "PUT", path, content=content, headers={"content-type": media_type})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), content


async def test_a_profile_in_use_is_neither_overwritten_nor_deleted_without_force(api: RunningApi) -> None:
    id_ = await saved(api)
    api.profiles.use(ProfileId(id_), SessionId((await api.session())["id"]))
    for method, rest, body in (("PUT", "/storage_state", STATE), ("DELETE", "", None)):
        answer = await ask(api, method, f"/v1/profiles/{id_}{rest}", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (409, "profile_in_use")
    assert (await ask(api, "DELETE", f"/v1/profiles/{id_}?force=true")).status_code == 200


async def test_an_export_is_a_file_which_another_server_imports(api: RunningApi) -> None:
    id_ = await saved(api)
    exported = await ask(api, "POST", f"/v1/profiles/{id_}/export", json={"passphrase": PASSPHRASE})
    assert exported.status_code == 200 and exported.headers["content-type"] == "application/octet-stream"
    assert 'filename="work.cloche-profile"' in exported.headers["content-disposition"]
    path, header = "/v1/profiles/import?name=again", {"cloche-passphrase": quote(PASSPHRASE)}
    answer = await ask(api, "POST", path, content=exported.content, headers=header)
    assert (answer.status_code, answer.json()["name"], answer.json()["revision"]) == (201, "again", 1)
    wrong = await ask(api, "POST", path, content=exported.content, headers={"cloche-passphrase": "x" * 12})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "passphrase")


async def test_an_import_wants_a_passphrase_that_can_be_one(api: RunningApi) -> None:
    for field in (None, "short", "%ff" * 12, "x" * 1025, "ü" * 12):
        headers = {"cloche-passphrase": field.encode()} if field is not None else {}
        answer = await ask(api, "POST", "/v1/profiles/import?name=a", content=b"x", headers=headers)
        assert (answer.status_code, answer.json()["field"]) == (400, "cloche-passphrase"), field


async def test_an_export_that_breaks_off_is_no_whole_file(api: RunningApi) -> None:
    id_ = await saved(api)
    api.profiles.export_error = InternalError("damaged")
    with pytest.raises(Exception, match=r"incomplete|peer closed"):
        await ask(api, "POST", f"/v1/profiles/{id_}/export", json={"passphrase": PASSPHRASE})
    empty = await ask(api, "POST", f"/v1/profiles/{await made(api)}/export", json={"passphrase": PASSPHRASE})
    assert (empty.status_code, empty.json()["reason"]) == (409, "profile_empty")
    short = await ask(api, "POST", f"/v1/profiles/{id_}/export", json={"passphrase": "short"})
    assert (short.status_code, short.json()["field"]) == (400, "passphrase")


async def test_a_session_starts_from_a_profile_and_saves_to_it(api: RunningApi) -> None:
    id_ = await made(api)
    wanted = {"id": id_, "save": True, "if_busy": "read_only", "form": "storage_state"}
    session = await api.session({"profile": wanted, "downloads": "off"})
    assert session["profile"] == {"id": id_, "save": True, "form": "storage_state", "revision": 0}
    assert (session["private"], session["downloads"]) == (False, "off")
    (request,) = api.manager.requests
    assert request.profile == ProfileUse(
        id=ProfileId(id_), save=True, if_busy=IfBusy.READ_ONLY, form=ProfileForm.STORAGE_STATE
    )
    path = f"/v1/sessions/{session['id']}/profile/save"
    assert (await ask(api, "POST", path)).json()["revision"] == 1
    assert (await ask(api, "POST", path, key=api.other_key)).status_code == 404
    await api.manager.end(SessionId(session["id"]), EndReason.CLOSED_BY_USER)
    assert (await ask(api, "POST", path)).status_code == 410


async def test_a_session_without_a_profile_says_so(api: RunningApi) -> None:
    session = await api.session({"private": True})
    assert (session["profile"], session["private"], session["downloads"]) == (None, True, "quarantine")
    answer = await ask(api, "POST", f"/v1/sessions/{session['id']}/profile/save")
    assert (answer.status_code, answer.json()["reason"]) == (409, "no_profile")
    refused = await ask(api, "POST", "/v1/sessions", json={"profile": {"id": "ses_1"}})
    assert refused.status_code == 400


async def test_nothing_of_profiles_and_artifacts_answers_without_a_valid_key(api: RunningApi) -> None:
    asked: list[tuple[str, str]] = []
    for module in (profiles, artifacts, session_keeping):
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            path = route.path.format(session_id="s", profile_id="p", artifact_id="a")
            for method in route.methods or ():
                asked.append((method, path))
                async with api.http("ck_wrong") as wrong, api.http() as without:
                    for client in (wrong, without):
                        assert (await client.request(method, path)).status_code == 401, (method, path)
    assert len(asked) == 22


async def test_only_an_admin_has_keys_wrapped_anew(api: RunningApi) -> None:
    await made(api)
    assert (await ask(api, "POST", "/v1/profiles/rekey")).status_code == 403
    done = (await ask(api, "POST", "/v1/profiles/rekey", key=api.admin_key)).json()
    assert (done["rewrapped"], done["unreadable"], done["previous_key_ids"]) == (1, 0, ["cd" * 8])


async def test_a_server_without_a_state_key_says_that_it_keeps_no_profiles(api: RunningApi) -> None:
    api.profiles.error = ConflictError("set CLOCHE_STATE_KEY to keep profiles", reason="profiles_off")
    for path in ("/v1/profiles", f"/v1/profiles/{new_profile_id()}"):
        answer = await ask(api, "GET", path)
        assert (answer.status_code, answer.json()["reason"]) == (409, "profiles_off")
    async with running_api(profiles=None, artifacts=None) as bare:
        assert (await ask(bare, "GET", "/v1/profiles")).json()["reason"] == "profiles_off"
        assert (await ask(bare, "GET", "/v1/artifacts")).json()["reason"] == "artifacts_off"
