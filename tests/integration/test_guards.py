"""Who may do what: one table over every route, so that a new one cannot be forgotten."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from cloche.api.rest import agent, devtools, events, keys, live, operations, sessions
from cloche.ids import SessionId, new_key_id
from cloche.live.model import Right
from cloche.sessions.live.interface import Joining
from cloche.testing.api import RunningApi, running_api
from cloche.testing.live import FakeSessionLive
from cloche.testing.live_peers import GOOD_SDP, FakePeers

MODULES = (agent, devtools, events, keys, live, operations, sessions)
OPEN = {"/healthz", "/readyz", "/metrics", "/docs"}
BODIES = {
    "extend": {"lifetime_s": 60},
    "keys": {"principal": "carol"},
    "exec": {"argv": ["true"]},
    "control": {"viewer_id": "v1"},
    "links": {"right": "view"},
    "offer": {"type": "offer", "sdp": GOOD_SDP},
}
TAKES_TOKENS = re.compile(r"/json.*$")
FOR_LIVE_LINKS = re.compile(r"/live(/offer|/ice)?$")
"""These take tokens too, of another kind."""
SUCCESSES = {"DELETE viewers": 204, "POST links": 201, "POST recordings": 201, "POST stop": 409}
"""Of those that are not 200: nothing is being recorded when a stop is asked for."""


def routes() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                yield method, route.path


ROUTES = sorted(routes())
OF_A_SESSION = [each for each in ROUTES if "{session_id}" in each[1]]
FOR_ADMINS = [each for each in ROUTES if each[1].startswith("/v1/keys")]


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    live = FakeSessionLive()
    async with running_api(make_peer=FakePeers(), recordings=live) as running:
        running.manager.session_live = live
        async with live.join(Joining(right=Right.CONTROL)):
            yield running


async def ask(api: RunningApi, key: str | None, method: str, path: str, query: str = "") -> Any:
    body = BODIES.get(path.rstrip("/").rpartition("/")[2]) if method == "POST" else None
    async with api.http(key) as client, client.stream(method, path + query, json=body) as answer:
        return answer.status_code


def filled(path: str, session_id: str) -> str:
    return path.format(session_id=session_id, target_id="T1", viewer_id="v1", key_id=new_key_id())


def test_the_table_holds_every_route() -> None:
    assert len(ROUTES) > 20 and len(OF_A_SESSION) > 12 and len(FOR_ADMINS) == 3
    assert {path for _, path in ROUTES if not path.startswith("/v1/")} == OPEN


@pytest.mark.parametrize(("method", "path"), [each for each in ROUTES if each[1] not in OPEN], ids=" ".join)
async def test_nothing_below_v1_answers_without_a_valid_key(api: RunningApi, method: str, path: str) -> None:
    target = filled(path, await api.session_id())
    for key in (None, "ck_wrong", ""):
        assert await ask(api, key, method, target) == 401
    assert await ask(api, "ck_wrong", method, target, f"?token={'A' * 56}") == 401


@pytest.mark.parametrize(("method", "path"), OF_A_SESSION, ids=" ".join)
async def test_a_foreign_session_looks_like_none_at_all(api: RunningApi, method: str, path: str) -> None:
    session_id = await api.session_id()
    assert await ask(api, api.other_key, method, filled(path, session_id)) == 404
    async with api.http(api.user_key) as client:
        assert (await client.get(f"/v1/sessions/{session_id}")).json()["status"] == "ready"


@pytest.mark.parametrize(("method", "path"), OF_A_SESSION, ids=" ".join)
@pytest.mark.parametrize("role", ["admin_key", "user_key"])
async def test_owner_and_admin_may_use_a_session(api: RunningApi, method: str, path: str, role: str) -> None:
    session_id = await api.session_id()
    api.chromium.pages["T1"] = "about:blank"
    last = path.replace("/{viewer_id}", "").rpartition("/")[2]
    expected = SUCCESSES.get(f"{method} {last}", 200)
    assert await ask(api, getattr(api, role), method, filled(path, session_id)) == expected


@pytest.mark.parametrize(("method", "path"), OF_A_SESSION, ids=" ".join)
async def test_a_token_opens_only_what_it_was_made_for(api: RunningApi, method: str, path: str) -> None:
    session_id, other = SessionId((session := await api.session())["id"]), await api.session_id()
    api.chromium.pages["T1"] = "about:blank"
    token = session["connect_url"].partition("?")[2]
    bare = path.rstrip("/")
    expected = 200 if TAKES_TOKENS.search(bare) else 403 if FOR_LIVE_LINKS.search(bare) else 401
    assert await ask(api, None, method, filled(path, session_id), f"?{token}") == expected
    assert await ask(api, None, method, filled(path, other), f"?{token}") == 401


@pytest.mark.parametrize(("method", "path"), FOR_ADMINS, ids=" ".join)
async def test_a_user_may_not_touch_keys(api: RunningApi, method: str, path: str) -> None:
    assert await ask(api, api.user_key, method, filled(path, "")) == 403


async def test_a_user_lists_only_the_own_sessions_and_an_admin_all(api: RunningApi) -> None:
    mine = await api.session_id()
    async with api.http(api.other_key) as client:
        theirs = (await client.post("/v1/sessions")).json()["id"]
    for key, seen in ((api.user_key, {mine}), (api.other_key, {theirs}), (api.admin_key, {mine, theirs})):
        async with api.http(key) as client:
            assert {each["id"] for each in (await client.get("/v1/sessions")).json()["sessions"]} == seen
