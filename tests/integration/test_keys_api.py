"""Keys over real HTTP."""

from collections.abc import AsyncIterator

import pytest

from cloche.ids import new_key_id
from cloche.testing.api import RunningApi, running_api


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def test_an_admin_makes_a_key_that_works_until_it_is_revoked(api: RunningApi) -> None:
    async with api.http(api.admin_key) as admin:
        made = await admin.post("/v1/keys", json={"principal": "carol", "name": "laptop"})
        assert made.status_code == 201
        key = made.json()
        assert (key["principal"], key["role"], key["name"], key["revoked_at"]) == ("carol", "user", "laptop", None)
        async with api.http(key["secret"]) as carol:
            session = (await carol.post("/v1/sessions")).json()
            assert session["owner"] == "carol"
            revoked = await admin.delete(f"/v1/keys/{key['id']}")
            assert revoked.status_code == 200 and revoked.json()["revoked_at"] is not None
            assert (await carol.get("/v1/sessions")).status_code == 401
        assert (await admin.get(f"/v1/sessions/{session['id']}")).json()["status"] == "ready"


async def test_a_listing_shows_keys_but_no_secrets(api: RunningApi) -> None:
    async with api.http(api.admin_key) as admin:
        secret = (await admin.post("/v1/keys", json={"principal": "carol"})).json()["secret"]
        first = (await admin.get("/v1/keys?limit=3")).json()
        rest = (await admin.get(f"/v1/keys?limit=3&cursor={first['next_cursor']}")).json()
    keys = first["keys"] + rest["keys"]
    assert len(keys) == 4 and rest["next_cursor"] is None
    assert {key["principal"] for key in keys} == {"root", "alice", "mallory", "carol"}
    assert secret not in str(keys) and all("secret" not in key and "secret_hash" not in key for key in keys)


async def test_a_key_is_made_with_scopes_which_every_answer_shows(api: RunningApi) -> None:
    async with api.http(api.admin_key) as admin:
        plain = (await admin.post("/v1/keys", json={"principal": "carol"})).json()
        made = await admin.post("/v1/keys", json={"principal": "carol", "scopes": ["machine"]})
        scoped = made.json()
        as_admin = (
            await admin.post("/v1/keys", json={"principal": "x", "role": "admin", "scopes": ["machine"]})
        ).json()
        assert (made.status_code, plain["scopes"], scoped["scopes"], as_admin["scopes"]) == (
            201,
            [],
            ["machine"],
            ["machine"],
        )
        listed = {key["id"]: key["scopes"] for key in (await admin.get("/v1/keys")).json()["keys"]}
        assert (listed[plain["id"]], listed[scoped["id"]]) == ([], ["machine"])
        assert (await admin.delete(f"/v1/keys/{scoped['id']}")).json()["scopes"] == ["machine"]
        for scopes in (["root"], "machine", ["machine"] * 17, [1], None):
            refused = await admin.post("/v1/keys", json={"principal": "carol", "scopes": scopes})
            assert refused.status_code == 400 and refused.json()["field"].startswith("scopes")


async def test_bad_requests_for_keys_are_refused(api: RunningApi) -> None:
    async with api.http(api.admin_key) as admin:
        for body in ({}, {"principal": "A B"}, {"principal": "a", "role": "root"}, {"principal": "a", "x": 1}):
            assert (await admin.post("/v1/keys", json=body)).status_code == 400, body
        assert (await admin.delete("/v1/keys/nonsense")).status_code == 400
        assert (await admin.delete(f"/v1/keys/{new_key_id()}")).status_code == 404
        assert (await admin.get("/v1/keys?cursor=x")).status_code == 400


@pytest.mark.parametrize("field", ["authorization", "x-api-key"])
async def test_a_key_is_taken_from_either_field(api: RunningApi, field: str) -> None:
    value = f"Bearer {api.user_key}" if field == "authorization" else api.user_key
    async with api.http() as client:
        assert (await client.get("/v1/sessions", headers={field: value})).status_code == 200
        assert (await client.get("/v1/sessions", headers={field: value + "x"})).status_code == 401
