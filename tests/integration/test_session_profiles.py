"""Sessions and profiles at the REST door: whose they are, who writes, and no end that waits for what cannot be."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.daemon import DaemonProcess

from .conftest import close_all

Json = dict[str, Any]

KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module")
def _daemon(stub_browser: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(chromium_shell=stub_browser, state_key=KEY) as process:
        yield process


@pytest.fixture
async def daemon(_daemon: DaemonProcess) -> AsyncIterator[DaemonProcess]:
    yield _daemon
    await close_all(_daemon)


async def ask(daemon: DaemonProcess, method: str, path: str, body: object = None, *, key: str | None = None) -> Json:
    answer = await daemon.request(method, f"/v1{path}", body, key=key)
    return {"status": answer.status, "body": answer.json if answer.body else {}}


async def new_profile(daemon: DaemonProcess, **facts: Any) -> str:
    made = await ask(daemon, "POST", "/profiles", {"name": "work", **facts})
    assert made["status"] == 201, made
    return str(made["body"]["id"])


async def start(daemon: DaemonProcess, profile: Json | None, *, key: str | None = None, **options: Any) -> Json:
    return await ask(daemon, "POST", "/sessions", {"profile": profile, **options}, key=key)


async def test_a_profile_serves_its_owner_alone(daemon: DaemonProcess) -> None:
    user = (await ask(daemon, "POST", "/keys", {"principal": "someone", "role": "user"}))["body"]["secret"]
    profile_id = await new_profile(daemon)
    for key, asked in ((user, profile_id), (None, "prf_01ARZ3NDEKTSV4RRFFQ69G5FAV"), (user, "active")):
        refused = await start(daemon, {"id": asked}, key=key)
        assert refused["status"] == 404, refused


async def test_one_writes_and_any_number_read(daemon: DaemonProcess) -> None:
    profile_id = await new_profile(daemon)
    await ask(daemon, "POST", f"/profiles/{profile_id}/activate")
    writer = (await start(daemon, {"id": "active", "save": True}))["body"]
    assert writer["profile"]["id"] == profile_id
    assert writer["profile"]["save"]
    refused = await start(daemon, {"id": profile_id, "save": True})
    assert (refused["status"], refused["body"]["reason"]) == (409, "profile_in_use")
    reader = (await start(daemon, {"id": profile_id, "save": True, "if_busy": "read_only"}))["body"]
    assert not reader["profile"]["save"]
    shown = (await ask(daemon, "GET", f"/profiles/{profile_id}"))["body"]
    assert (shown["written_by"], set(shown["used_by"])) == (writer["id"], {writer["id"], reader["id"]})

    not_saved = await ask(daemon, "POST", f"/sessions/{reader['id']}/profile/save", {})
    assert (not_saved["status"], not_saved["body"]["reason"]) == (409, "no_profile")


async def test_a_browser_that_tells_nothing_does_not_hold_up_the_end_of_its_session(daemon: DaemonProcess) -> None:
    profile_id = await new_profile(daemon)
    session = (await start(daemon, {"id": profile_id, "save": True}))["body"]
    ended = await ask(daemon, "DELETE", f"/sessions/{session['id']}")
    assert (ended["status"], ended["body"]["status"]) == (200, "closed")
    events = await daemon.request("GET", f"/v1/sessions/{session['id']}/events")
    told = [json.loads(line[6:]) for line in events.body.decode().splitlines() if line.startswith("data: ")]
    assert "profile.not_saved" in [event["type"] for event in told]
    shown = (await ask(daemon, "GET", f"/profiles/{profile_id}"))["body"]
    assert (shown["revision"], shown["used_by"]) == (0, [])


async def test_what_may_not_be_saved_to_says_so_at_the_start(daemon: DaemonProcess) -> None:
    kept = await start(daemon, {"id": await new_profile(daemon, persistence=False), "save": True})
    assert (kept["status"], kept["body"]["reason"]) == (409, "profile_not_saving")
    private = (await start(daemon, {"id": await new_profile(daemon, private=True), "save": True}))["body"]
    assert (private["private"], private["profile"]["save"], private["downloads"]) == (True, False, "quarantine")
