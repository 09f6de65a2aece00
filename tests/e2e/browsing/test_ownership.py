"""A session is its owner's: to everyone else it looks like one that never was, at both doors and for every call."""

from typing import Any

import pytest

from cloche.browser.contract.use_cases import USE_CASES
from cloche.testing import http
from cloche.testing.daemon import DaemonProcess

from .conftest import MakeHands
from .doors import Door, Refused

Json = dict[str, Any]

LEAST: dict[str, Json] = {
    "Navigate": {"url": "http://site.test/"}, "Click": {"selector": "a"}, "Hover": {"selector": "a"},
    "Drag": {"selector": "a", "target_selector": "b"}, "Type": {"selector": "a", "text": "b"}, "Press": {"key": "a"},
    "Select": {"selector": "a", "value": "b"}, "SetFileInput": {"selector": "a", "file_name": "b"},
    "WaitFor": {"selector": "a"}, "Highlight": {"selector": "a"}, "Evaluate": {"expression": "1"},
    "SwitchTab": {"tab_id": "a"},
}  # fmt: skip
"""Where a request needs more than a session to make sense."""


@pytest.fixture(scope="module")
def stranger(_shared_daemon: DaemonProcess) -> str:
    """The key of another principal, without the rights of an admin."""
    url, headers = f"{_shared_daemon.base_url}/v1/keys", {"authorization": f"Bearer {_shared_daemon.key}"}
    answer = http.request("POST", url, {"principal": "stranger"}, headers=headers)
    assert answer.status == 201, answer.body
    return str(answer.json["secret"])


@pytest.mark.promise("foreign-looks-like-none")
@pytest.mark.parametrize("rpc", [case.rpc for case in USE_CASES])
async def test_a_foreign_session_looks_like_one_that_never_was(
    door: Door, place: Json, stranger: str, rpc: str, local_web: Any
) -> None:
    told = []
    for session_id in (place["id"], "ses_01JZZZZZZZZZZZZZZZZZZZZZZZ"):
        with pytest.raises(Refused) as caught:
            await door.perform(session_id, rpc, api_key=stranger, **LEAST.get(rpc, {}))
        assert caught.value.why == "not_found"
        told.append(caught.value.told.replace(session_id, "…").replace(session_id.removeprefix("ses_"), "…"))
    assert told[0] == told[1]
    assert not local_web.requests(), "nothing has been done before it was refused"


@pytest.mark.parametrize("key", ["", "ck_wrong", "not a key"])
async def test_without_a_key_nothing_is_told(door: Door, place: Json, key: str) -> None:
    for rpc in ("GetTitle", "Click", "Screenshot", "GetCookies"):
        with pytest.raises(Refused) as caught:
            await door.perform(place["id"], rpc, api_key=key, **LEAST.get(rpc, {}))
        assert caught.value.why == "unauthenticated"


async def test_a_session_that_has_ended_says_so(make_hands: MakeHands, shared_daemon: DaemonProcess) -> None:
    hands = await make_hands()
    await hands.goto("empty.html")
    await shared_daemon.request("DELETE", f"/v1/sessions/{hands.session_id}")
    with pytest.raises(Refused) as caught:
        await hands.do("GetTitle")
    assert caught.value.why == "gone"
