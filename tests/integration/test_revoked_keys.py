"""What a key has opened and that goes on (streams of events, places in a live view) ends when the key is revoked."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cloche.api.auth import revocation
from cloche.sessions.live.interface import LeaveReason
from cloche.testing.api import RunningApi, running_api
from cloche.testing.live import FakeSessionLive
from cloche.testing.live_peers import GOOD_SDP, FakePeers
from cloche.testing.machine import Scripted
from cloche.testing.relays import WORKERS, data_workers

PID = str(UUID(int=7, version=4))


@pytest.fixture
def peers() -> FakePeers:
    return FakePeers()


@pytest.fixture
async def api(
    request: pytest.FixtureRequest, peers: FakePeers, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningApi]:
    """May be parametrized with the number of data workers."""
    monkeypatch.setattr(revocation, "LOOK_EVERY_S", 0.02)
    count = getattr(request, "param", 0)
    async with (
        data_workers(count) as workers,
        running_api(make_peer=peers, relays_of=workers and workers.of) as running,
    ):
        running.manager.session_live = FakeSessionLive()
        yield running


async def revoke(api: RunningApi, principal: str = "alice") -> None:
    for record in (await api.keys.list()).keys:
        if record.principal == principal:
            await api.keys.revoke(record.id)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/sessions/{id}/events"])
async def test_a_stream_of_events_ends_with_its_key(api: RunningApi, path: str) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client, client.stream("GET", path.format(id=session_id)) as answer:
        text = answer.aiter_text()
        await anext(text)
        await revoke(api, "mallory")
        await revoke(api)
        async with asyncio.timeout(20):
            async for _ in text:
                pass


async def test_what_a_program_says_is_no_longer_passed_on(api: RunningApi) -> None:
    path = f"/v1/sessions/{(await api.session({'machine': True}))['id']}/process/{PID}/stdout/stream"
    api.manager.session_machine.streams[f"GET /process/{PID}/stdout/stream"] = Scripted([b"data: 1\n\n"], hangs=True)
    async with api.http(api.user_key) as client, client.stream("GET", path) as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"data: 1\n\n"
        await revoke(api)
        async with asyncio.timeout(20):
            assert b'"code":"unauthenticated"' in b"".join([piece async for piece in pieces])


async def test_a_viewer_who_came_with_a_key_is_shown_out_when_it_is_revoked(api: RunningApi) -> None:
    url = f"ws://127.0.0.1:{api.port}/v1/sessions/{await api.session_id()}/live/ws"
    async with connect(url, additional_headers={"authorization": f"Bearer {api.user_key}"}) as viewer:
        await viewer.recv()
        await revoke(api)
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(20):
                while True:
                    await viewer.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "key_revoked")


async def test_pictures_by_webrtc_end_with_the_key_that_they_were_asked_for_with(
    api: RunningApi, peers: FakePeers
) -> None:
    path = f"/v1/sessions/{await api.session_id()}/live/offer"
    async with api.http(api.user_key) as client:
        answer = await client.post(path, json={"type": "offer", "sdp": GOOD_SDP})
    assert answer.status_code == 200
    peer = await peers.coming.get()
    peer.connect()
    live = api.manager.session_live
    assert isinstance(live, FakeSessionLive)
    await revoke(api)
    async with asyncio.timeout(20):
        assert await live.everyone[0].ended is LeaveReason.KEY_REVOKED
        while not peer.is_closed:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("api", WORKERS, indirect=True, ids=["here", "workers"])
async def test_a_devtools_client_who_came_with_a_key_goes_with_it_and_one_with_the_sessions_url_stays(
    api: RunningApi,
) -> None:
    url = (await api.session())["connect_url"]
    headers = {"authorization": f"Bearer {api.user_key}"}
    async with connect(url.partition("?")[0], additional_headers=headers) as by_key, connect(url) as by_url:
        for client in (by_key, by_url):
            await client.send("here")
            assert await client.recv() == "here"
        await revoke(api, "mallory")
        await revoke(api)
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(20):
                await by_key.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "key_revoked")
        await by_url.send("still here")
        assert await by_url.recv() == "still here"
