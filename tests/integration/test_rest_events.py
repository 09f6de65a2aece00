"""A session's events over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from cloche.api.rest import events
from cloche.ids import SessionId
from cloche.sessions.model import EndReason, EventType
from cloche.testing.api import RunningApi, running_api


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def read(source: AsyncIterator[httpx2.ServerSentEvent], count: int) -> list[tuple[str, str]]:
    """The next `count` events as id and type; what only sets the retry time is passed over."""
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(5):
        async for event in source:
            if event.data:
                assert json.loads(event.data)["type"] == event.event
                found.append((event.id, event.event))
            if len(found) == count:
                break
    return found


async def test_stored_events_come_first_then_live_ones_then_the_end(api: RunningApi) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client, client.stream("GET", f"/v1/sessions/{session_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        source = aiter(httpx2.EventSource(answer))
        assert await read(source, 2) == [("1", "session.created"), ("2", "session.ready")]
        await api.manager.publish(session_id, EventType.BROWSER_EXITED)
        assert await read(source, 1) == [("3", "browser.exited")]
        await api.manager.end(session_id, EndReason.IDLE_TIMEOUT)
        assert await read(source, 9) == [("4", "session.closed")]


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_client_that_comes_back_gets_what_it_missed(api: RunningApi, how: str) -> None:
    session_id = await api.session_id()
    await api.manager.end(session_id, EndReason.CLOSED_BY_USER)
    headers = {"Last-Event-ID": "1"} if how == "header" else {}
    query = {"after": "1"} if how == "query" else {}
    async with api.http(api.user_key) as client:
        answer = await client.get(f"/v1/sessions/{session_id}/events", headers=headers, params=query)
    assert "id: 2\nevent: session.ready\ndata: {" in answer.text and "id: 3\nevent: session.closed" in answer.text
    assert "id: 1\n" not in answer.text


async def test_after_the_last_event_of_an_ended_session_there_is_no_content(api: RunningApi) -> None:
    session_id = await api.session_id()
    await api.manager.end(session_id, EndReason.CLOSED_BY_USER)
    async with api.http(api.user_key) as client:
        assert (await client.get(f"/v1/sessions/{session_id}/events?after=3")).status_code == 204


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 25, "٣"])
async def test_an_event_id_that_is_none_is_refused(api: RunningApi, after: str) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client:
        answer = await client.get(f"/v1/sessions/{session_id}/events", params={"after": after})
    assert answer.status_code == 400


async def test_a_quiet_stream_is_kept_alive(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.01)
    session_id = await api.session_id()
    async with api.http(api.user_key) as client, client.stream("GET", f"/v1/sessions/{session_id}/events") as answer:
        seen = ""
        async with asyncio.timeout(5):
            async for text in answer.aiter_text():
                seen += text
                if seen.count(": still here\n\n") >= 2:
                    break
    assert "session.ready" in seen


async def test_a_stopping_server_ends_its_streams() -> None:
    async with running_api() as api:
        session_id = await api.session_id()
        client = api.http(api.user_key)
        reading = asyncio.gather(client.get(f"/v1/sessions/{session_id}/events"))
        attached = await client.get("/healthz")
        assert attached.status_code == 200
    (answer,) = await asyncio.wait_for(reading, 5)
    assert "session.ready" in answer.text
    await client.aclose()


async def test_a_reader_that_leaves_leaves_nothing_behind(api: RunningApi) -> None:
    session_id = await api.session_id()
    for _ in range(3):
        async with (
            api.http(api.user_key) as client,
            client.stream("GET", f"/v1/sessions/{session_id}/events") as answer,
        ):
            await read(aiter(httpx2.EventSource(answer)), 2)
    await api.manager.publish(SessionId(session_id), EventType.EXTENDED)
