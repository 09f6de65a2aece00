"""Chromium's `/json/…` endpoints through the door, and the live page."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from websockets.asyncio.client import connect

from cloche.api.auth.tokens import TokenRole
from cloche.ids import SessionId
from cloche.sessions.model import EndReason
from cloche.testing.api import RunningApi, running_api
from cloche.testing.chromium import PAGE_ID


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def get(api: RunningApi, session: dict[str, Any], path: str, method: str = "GET") -> Any:
    async with api.http(api.user_key) as client:
        return await client.request(method, f"/v1/sessions/{session['id']}{path}")


@pytest.mark.parametrize("path", ["/json/version", "/json/version/"])
async def test_the_browsers_address_leads_back_through_the_door(api: RunningApi, path: str) -> None:
    session = await api.session()
    version = (await get(api, session, path)).json()
    assert version["Browser"] == "Chrome/156.0.0.0"
    expected = f"ws://127.0.0.1:{api.port}/v1/sessions/{session['id']}{api.chromium.browser_path}?token="
    assert version["webSocketDebuggerUrl"].startswith(expected)
    async with connect(version["webSocketDebuggerUrl"], proxy=None) as client:
        await client.send("x")
        assert await client.recv() == "x"


@pytest.mark.parametrize("path", ["/json", "/json/", "/json/list", "/json/list/"])
async def test_targets_are_listed_with_addresses_that_work(api: RunningApi, path: str) -> None:
    session = await api.session()
    (entry,) = (await get(api, session, path)).json()
    assert entry["id"] == PAGE_ID and "devtoolsFrontendUrl" not in entry
    async with connect(entry["webSocketDebuggerUrl"], proxy=None) as client:
        await client.send("x")
        assert await client.recv() == "x"


async def test_a_caller_with_a_token_gets_addresses_with_the_same_token(api: RunningApi) -> None:
    session = await api.session()
    soon = api.clock.now() + timedelta(minutes=1)
    token = api.signer.mint(SessionId(session["id"]), TokenRole.DRIVE, soon)
    async with api.http() as client:
        version = (await client.get(f"/v1/sessions/{session['id']}/json/version?token={token}")).json()
    assert version["webSocketDebuggerUrl"].endswith(f"?token={token}")


async def test_tabs_are_opened_shown_and_closed(api: RunningApi) -> None:
    session = await api.session()
    made = (await get(api, session, "/json/new?https://example.com/a?b=c&token=theirs", "PUT")).json()
    assert made["url"] == "https://example.com/a?b=c&token=theirs"
    assert (await get(api, session, f"/json/activate/{made['id']}")).text == "Target activated"
    assert (await get(api, session, f"/json/close/{made['id']}")).text == "Target is closing"
    gone = await get(api, session, f"/json/close/{made['id']}")
    assert gone.status_code == 404 and "No such target" not in gone.text
    assert (await get(api, session, "/json/new")).status_code == 405


async def test_a_token_is_not_taken_for_part_of_the_address_to_open(api: RunningApi) -> None:
    session = await api.session()
    token = session["connect_url"].partition("token=")[2]
    async with api.http() as client:
        made = await client.put(f"/v1/sessions/{session['id']}/json/new?https://example.com/?a=1&token={token}")
    assert made.json()["url"] == "https://example.com/?a=1"


async def test_the_protocol_is_passed_on(api: RunningApi) -> None:
    assert (await get(api, await api.session(), "/json/protocol")).json()["version"]["major"] == "1"


@pytest.mark.parametrize("target", ["a b", "a%0d%0aX", "%2e%2e", "é"])
async def test_a_target_id_of_another_form_is_refused(api: RunningApi, target: str) -> None:
    assert (await get(api, await api.session(), f"/json/close/{target}")).status_code == 400


HOSTILE = {
    "not http": b"220 ftp ready\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\n\r\n{}",
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
    "too large": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    "cut short": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
    "not json": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<b>x<",
    "not objects": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]",
    "deep": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"[" * 5000,
    "an error": b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"\r\n",
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_browser_that_answers_nonsense_is_a_bad_gateway(api: RunningApi, answer: bytes) -> None:
    session = await api.session()
    api.chromium.json_overrides["/json/list"] = answer
    got = await get(api, session, "/json/list")
    assert got.status_code == 502 and got.json()["code"] == "agent_failed"
    await api.manager.all_left(SessionId(session["id"]))


async def test_an_address_that_leads_elsewhere_is_left_out(api: RunningApi) -> None:
    body = b'[{"id":"x","webSocketDebuggerUrl":"ws://evil.example/steal","devtoolsFrontendUrl":"http://evil.example/"}]'
    api.chromium.json_overrides["/json/list"] = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert (await get(api, await api.session(), "/json/list")).json() == [{"id": "x"}]


async def test_the_live_link_opens_a_page_for_an_hour(api: RunningApi) -> None:
    session = await api.session()
    async with api.http() as client:
        page = await client.get(session["live_url"])
        assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
        assert session["live_url"].partition("token=")[2] in page.text
        api.clock.offset = timedelta(minutes=59)
        assert (await client.get(session["live_url"])).status_code == 200
        api.clock.offset = timedelta(minutes=61)
        assert (await client.get(session["live_url"])).status_code == 401


async def test_the_live_page_opened_with_a_key_has_a_short_lived_token_of_its_own(api: RunningApi) -> None:
    session = await api.session()
    page = await get(api, session, "/live")
    assert page.status_code == 200 and session["connect_url"] not in page.text
    assert f"/v1/sessions/{session['id']}/live/ws?token=" in page.text


@pytest.mark.promise("live-links-open-no-devtools")
@pytest.mark.parametrize("role", [TokenRole.VIEW, TokenRole.CONTROL])
async def test_a_token_for_the_live_view_opens_no_devtools(api: RunningApi, role: TokenRole) -> None:
    session = await api.session()
    token = api.signer.mint(SessionId(session["id"]), role)
    async with api.http() as client:
        assert (await client.get(f"/v1/sessions/{session['id']}/json?token={token}")).status_code == 403


async def test_an_ended_session_has_no_devtools(api: RunningApi) -> None:
    session = await api.session()
    await api.manager.end(SessionId(session["id"]), EndReason.BROWSER_GAVE_UP)
    answer = await get(api, session, "/json/version")
    assert answer.status_code == 410 and answer.json()["reason"] == "browser_gave_up"
