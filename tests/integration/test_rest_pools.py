"""Pools over real HTTP, before sessions in memory."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cloche.ids import new_session_id
from cloche.testing.api import RunningApi, running_api

FIELDS = {
    "name", "size", "options", "created_at", "updated_at", "ready", "building", "wanted", "in_use", "hits", "misses",
    "hit_rate",
}  # fmt: skip
PROXY = "http://user:secret-word@203.0.113.9:3128"


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def ask(api: RunningApi, method: str, path: str, *, key: str | None = None, **options: Any) -> Any:
    async with api.http(key or api.user_key) as client:
        return await client.request(method, path, **options)


async def made(api: RunningApi, name: str = "blue", **fields: Any) -> dict[str, Any]:
    answer = await ask(api, "POST", "/v1/pools", key=api.admin_key, json={"name": name, "size": 0, **fields})
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/pools/{name}"), answer.text
    pool: dict[str, Any] = answer.json()
    return pool


async def names(api: RunningApi) -> list[str]:
    return [each["name"] for each in (await ask(api, "GET", "/v1/pools")).json()["pools"]]


async def test_a_pool_is_made_shown_changed_and_deleted(api: RunningApi) -> None:
    options = {
        "viewport": {"width": 800, "height": 600},
        "labels": {"team": "blue"},
        "budget": {"cpu_cores": 0.5, "on_exhausted": "end"},
        "egress": {"allow_hosts": ["a.test"], "upstream": PROXY, "max_bytes": 4096},
        "standby": {"hibernate_after_s": 600},
        "live": {"clipboard": "both"},
    }
    pool = await made(api, size=2, options=options)
    assert set(pool) == FIELDS
    assert (pool["size"], pool["wanted"], pool["ready"], pool["hit_rate"]) == (2, 2, 0, None)
    shown = pool["options"]
    assert shown["viewport"] == {"width": 800, "height": 600, "device_scale_factor": 1.0}
    assert (shown["labels"], shown["standby"]) == ({"team": "blue"}, {"after_s": None, "hibernate_after_s": 600})
    assert shown["budget"] == {"cpu_cores": 0.5, "on_exhausted": "end"}
    assert shown["live"] == {"clipboard": "both", "record": None}
    assert (shown["egress"]["upstream"], shown["egress"]["max_bytes"]) == ("http://203.0.113.9:3128", 4096)
    assert "profile" not in shown

    assert (await ask(api, "GET", "/v1/pools/blue")).json() == pool
    smaller = (await ask(api, "PATCH", "/v1/pools/blue", key=api.admin_key, json={"size": 1})).json()
    assert (smaller["size"], smaller["options"]) == (1, shown)
    plain = (await ask(api, "PATCH", "/v1/pools/blue", key=api.admin_key, json={"options": {}})).json()
    assert (plain["size"], plain["options"]["labels"], plain["options"]["egress"]["upstream"]) == (1, {}, None)
    assert await names(api) == ["default", "blue"]
    assert (await ask(api, "POST", "/v1/pools/blue/flush", key=api.admin_key)).json() == {"flushed": 0}
    assert (await ask(api, "DELETE", "/v1/pools/blue", key=api.admin_key)).json() == {"deleted": True}
    assert (await ask(api, "GET", "/v1/pools/blue")).status_code == 404


NO_POOLS: list[dict[str, Any]] = [
    {},
    {"name": "a"},
    {"size": 1},
    {"name": "A", "size": 1},
    {"name": "a" * 64, "size": 1},
    {"name": "a", "size": -1},
    {"name": "a", "size": 9},
    {"name": "a", "size": 1025},
    {"name": "a", "size": "1"},
    {"name": "a", "size": 1, "owner": "mallory"},
    {"name": "a", "size": 1, "options": {"profile": {"id": "active"}}},
    {"name": "a", "size": 1, "options": {"viewport": {"width": 0}}},
    {"name": "a", "size": 1, "options": {"start_url": "file:///etc/passwd"}},
]


async def test_what_is_no_pool_is_refused(api: RunningApi) -> None:
    for body in NO_POOLS:
        answer = await ask(api, "POST", "/v1/pools", key=api.admin_key, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), body
    assert await names(api) == ["default"]


async def test_a_name_is_taken_once(api: RunningApi) -> None:
    await made(api)
    answer = await ask(api, "POST", "/v1/pools", key=api.admin_key, json={"name": "blue", "size": 0})
    assert (answer.status_code, answer.json()["reason"]) == (409, "pool_exists")


async def test_users_look_and_take_and_change_nothing(api: RunningApi) -> None:
    await made(api)
    for method, path, body in (
        ("POST", "/v1/pools", {"name": "red", "size": 0}),
        ("PATCH", "/v1/pools/blue", {"size": 1}),
        ("DELETE", "/v1/pools/blue", None),
        ("POST", "/v1/pools/blue/flush", None),
    ):
        answer = await ask(api, method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "denied"), (method, path)
        async with api.http() as nobody:
            assert (await nobody.request(method, path, json=body)).status_code == 401
    assert (await ask(api, "GET", "/v1/pools/blue")).json()["size"] == 0


async def test_what_is_not_there_is_not_found(api: RunningApi) -> None:
    for name in ("none", "%2e%2e", "A" * 200):
        for method, rest, body in (
            ("GET", "", None),
            ("PATCH", "", {"size": 1}),
            ("DELETE", "", None),
            ("POST", "/flush", None),
            ("POST", "/acquire", None),
            ("POST", "/release", {"session_id": new_session_id()}),
        ):
            answer = await ask(api, method, f"/v1/pools/{name}{rest}", key=api.admin_key, json=body)
            assert answer.status_code == 404, (method, name, rest)


async def test_the_default_pool_is_shown_to_all_first_and_flushed_by_admins(api: RunningApi) -> None:
    await made(api, "amber")
    assert await names(api) == ["default", "amber"]
    await api.session()
    pool = (await ask(api, "GET", "/v1/pools/default")).json()
    assert set(pool) == FIELDS
    assert (pool["name"], pool["size"], pool["ready"], pool["wanted"], pool["in_use"]) == ("default", 1, 0, 1, 1)
    assert (pool["hits"], pool["misses"], pool["hit_rate"]) == (0, 0, None)
    assert (pool["created_at"], pool["updated_at"]) == (None, None)
    assert (pool["options"]["engine"], pool["options"]["lifetime_s"], pool["options"]["labels"]) == ("shell", None, {})
    assert (await ask(api, "POST", "/v1/pools/default/flush", key=api.admin_key)).json() == {"flushed": 0}
    assert (await ask(api, "POST", "/v1/pools/default/flush")).json()["code"] == "denied"


async def test_what_else_is_asked_of_the_default_pool_says_what_to_do_instead(api: RunningApi) -> None:
    session = await api.session()
    for method, path, body, instead in (
        ("POST", "", {"name": "default", "size": 1}, "CLOCHE_POOL_SIZE"),
        ("PATCH", "/default", {"size": 1}, "CLOCHE_POOL_SIZE"),
        ("PATCH", "/default", {"options": {}}, "CLOCHE_POOL_SIZE"),
        ("DELETE", "/default", None, "CLOCHE_POOL_SIZE"),
        ("POST", "/default/acquire", None, "without naming a pool"),
        ("POST", "/default/release", {"session_id": session["id"]}, "end the session itself"),
    ):
        answer = await ask(api, method, f"/v1/pools{path}", key=api.admin_key, json=body)
        told = answer.json()
        assert (answer.status_code, told["code"], told["reason"]) == (409, "conflict", "default_pool"), (method, path)
        assert instead in told["detail"]
    assert (await ask(api, "GET", f"/v1/sessions/{session['id']}")).json()["status"] == "ready"
    assert await names(api) == ["default"]
    for key, status in ((api.user_key, 403), ("ck_nobody", 401)):
        answer = await ask(api, "PATCH", "/v1/pools/default", key=key, json={"size": 1})
        assert answer.status_code == status


async def test_a_session_is_acquired_and_released(api: RunningApi) -> None:
    await made(api, options={"labels": {"team": "blue", "n": "1"}, "start_url": "https://a.test/", "lifetime_s": 60})
    answer = await ask(api, "POST", "/v1/pools/blue/acquire")
    session = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/sessions/{session['id']}")
    assert (session["status"], session["owner"], session["pool"]) == ("ready", "alice", "blue")
    assert session["labels"] == {"team": "blue", "n": "1"}

    own = {
        "labels": {"n": "2"},
        "start_url": "https://b.test/",
        "idle_timeout_s": 7,
        "lifetime_s": 8,
        "queue_timeout_s": 9,
    }
    answer = await ask(api, "POST", "/v1/pools/blue/acquire?wait=false", json=own)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    asked = api.manager.requests[-1]
    assert (asked.labels, asked.start_url) == ({"team": "blue", "n": "2"}, "https://b.test/")
    assert (asked.idle_timeout_s, asked.lifetime_s, asked.queue_timeout_s) == (7, 8, 9)
    assert (await ask(api, "GET", "/v1/pools/blue")).json()["in_use"] == 2

    path, body = "/v1/pools/blue/release", {"session_id": session["id"]}
    assert (await ask(api, "POST", path, key=api.other_key, json=body)).status_code == 404
    released = (await ask(api, "POST", path, json=body)).json()
    assert (released["status"], released["connect_url"]) == ("closed", None)
    assert (await ask(api, "GET", "/v1/pools/blue")).json()["in_use"] == 1


async def test_what_did_not_come_from_the_pool_is_not_released(api: RunningApi) -> None:
    await made(api)
    session = await api.session()
    assert session["pool"] is None
    answer = await ask(api, "POST", "/v1/pools/blue/release", json={"session_id": session["id"]})
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_from_pool")
    assert (await ask(api, "GET", f"/v1/sessions/{session['id']}")).json()["status"] == "ready"


async def test_what_may_not_be_asked_of_a_pool_is_refused(api: RunningApi) -> None:
    await made(api)
    for rest, body in (
        ("acquire", {"viewport": {"width": 800}}),
        ("acquire", {"profile": {"id": "active"}}),
        ("acquire", {"labels": {"a": 1}}),
        ("acquire", {"start_url": "file:///x"}),
        ("acquire", {"lifetime_s": 0}),
        ("release", {}),
        ("release", {"session_id": "x"}),
        ("release", {"session_id": new_session_id(), "reuse": True}),
    ):
        answer = await ask(api, "POST", f"/v1/pools/blue/{rest}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), (rest, body)
    assert api.manager.requests == []


async def test_credentials_of_a_proxy_are_shown_to_nobody_and_used(api: RunningApi) -> None:
    await made(api, options={"egress": {"upstream": PROXY}})
    for key in (api.user_key, api.admin_key):
        for path in ("/v1/pools", "/v1/pools/blue"):
            assert "secret-word" not in (await ask(api, "GET", path, key=key)).text
    answer = await ask(api, "POST", "/v1/pools/blue/acquire")
    assert "secret-word" not in answer.text
    assert api.manager.requests[-1].egress.upstream == PROXY
