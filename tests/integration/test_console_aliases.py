"""Second paths lead where the first ones do, with the same keys."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from cloche.api.rest import console_aliases
from cloche.artifacts.model import ArtifactState
from cloche.browser.contract.actions import ClickRequest
from cloche.browser.contract.logs import ConsoleLogRequest
from cloche.testing.api import RunningApi, running_api

BASE = console_aliases.PREFIX
OF_A_SESSION = {
    ("GET", "console"), ("GET", "inspect"), ("GET", "network-log"), ("GET", "observe"), ("GET", "pdf"),
    ("GET", "permissions"), ("GET", "screenshot"), ("GET", "tabs"), ("GET", "title"), ("POST", "click"),
    ("POST", "highlight"), ("POST", "navigate"), ("POST", "permissions"), ("POST", "press"), ("POST", "reset-state"),
    ("POST", "scroll"), ("POST", "select"), ("POST", "tabs/close"), ("POST", "tabs/open"), ("POST", "tabs/switch"),
    ("POST", "type"), ("POST", "wait-for"),
}  # fmt: skip


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def ask(api: RunningApi, method: str, path: str, key: str | None, **options: Any) -> Any:
    async with api.http(key) as client:
        return await client.request(method, BASE + path, **options)


def aliased() -> set[tuple[str, str]]:
    """The browser's operations by method and what comes after the session's id."""
    routes: list[Any] = list(console_aliases.ROUTES)
    return {
        (method, route.path.removeprefix(console_aliases.OF_A_SESSION + "/"))
        for route in routes
        for method in route.methods - {"HEAD"}
    }


async def test_profiles_are_managed_by_the_older_paths(api: RunningApi) -> None:
    key = api.user_key
    made = await ask(api, "POST", "/profiles/create", key, json={"name": "a", "theme_color": "red"})
    path = f"/profiles/{made.json()['id']}"
    assert made.status_code == 201
    assert (await ask(api, "POST", f"{path}/rename", key, json={"name": "b"})).json()["name"] == "b"
    assert (await ask(api, "POST", f"{path}/activate", key)).json()["active"]
    assert [each["name"] for each in (await ask(api, "GET", "/profiles", key)).json()["profiles"]] == ["b"]
    assert (await ask(api, "POST", f"{path}/delete", api.other_key)).status_code == 404
    assert (await ask(api, "POST", f"{path}/delete", key)).json()["deleted"]


async def test_a_sessions_downloads_are_listed_by_the_older_path(api: RunningApi) -> None:
    session_id = await api.session_id()
    api.artifacts.add(b"a", session_id=session_id)
    bad = api.artifacts.add(b"b", session_id=session_id, state=ArtifactState.QUARANTINED)
    path = f"/downloads?session_id={session_id}"
    assert len((await ask(api, "GET", path, api.user_key)).json()["artifacts"]) == 2
    (one,) = (await ask(api, "GET", f"{path}&quarantined_only=true", api.user_key)).json()["artifacts"]
    assert one["id"] == bad.id
    assert (await ask(api, "GET", path, api.other_key)).status_code == 404
    assert (await ask(api, "GET", "/downloads", api.user_key)).status_code == 400


async def test_sessions_are_made_driven_and_closed_by_the_older_paths(api: RunningApi) -> None:
    key = api.user_key
    session_id = (await ask(api, "POST", "/sessions", key, json={"private": True})).json()["id"]
    path = f"/sessions/{session_id}"
    assert (await ask(api, "GET", path, key)).json()["private"]
    assert len((await ask(api, "GET", "/sessions", key)).json()["sessions"]) == 1
    assert (await ask(api, "POST", f"{path}/click", key, json={"selector": "a"})).json()["success"]
    assert (await ask(api, "GET", f"{path}/console?limit=3", key)).json()["success"]
    asked = [request for _, request in api.manager.session_browser.asked]
    assert asked == [ClickRequest(selector="a"), ConsoleLogRequest(limit=3)]
    assert (await ask(api, "POST", f"{path}/close", key)).json()["status"] == "closed"


async def test_every_alias_wants_a_key_and_hides_what_is_foreign(api: RunningApi) -> None:
    assert aliased() == OF_A_SESSION
    session_id = await api.session_id()
    for method, rest in sorted(OF_A_SESSION):
        for key, status in ((None, 401), ("ck_wrong", 401), (api.other_key, 404)):
            body = {"selector": "a"} if method == "POST" and rest == "click" else None
            answer = await ask(api, method, f"/sessions/{session_id}/{rest}", key, json=body)
            assert answer.status_code in (status, 400) and answer.status_code != 200, (method, rest)
            assert key is not None or answer.status_code == 401
    for method, path in (("GET", "/profiles"), ("GET", "/sessions"), ("POST", "/sessions"), ("GET", "/downloads")):
        assert (await ask(api, method, path, None)).status_code == 401
    assert api.manager.session_browser.asked == []
