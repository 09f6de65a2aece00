"""Both Python clients, the command line and live views, against the served API."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect

from cloche.client.aio import Client
from cloche.client.sync import SyncClient
from cloche.errors import ConflictError, InvalidError, NotFoundError
from cloche.ids import SessionId
from cloche.testing.api import RunningApi, running_api
from cloche.testing.command_line import cloche
from cloche.testing.live import JPEG, FakeSessionLive
from cloche.testing.live_peers import GOOD_SDP, FakePeers


class Rig:
    def __init__(self, api: RunningApi, session_id: SessionId, live: FakeSessionLive) -> None:
        self.api, self.id, self.live = api, session_id, live
        api.manager.session_live = self.live

    @property
    def env(self) -> dict[str, Any]:
        return {"CLOCHE_URL": self.api.url, "CLOCHE_KEY": self.api.user_key}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    live = FakeSessionLive()
    async with running_api(make_peer=FakePeers(), recordings=live) as api:
        yield Rig(api, await api.session_id(), live)


async def test_a_live_view_is_shared_watched_steered_and_recorded(rig: Rig) -> None:
    async with Client(rig.api.url, rig.api.user_key) as client:
        live = client.sessions.live(rig.id)
        link = await live.link(right="control", lifetime_s=60, name="Ann")
        async with connect(link.ws_url, proxy=None) as viewer:
            await viewer.recv()
            state = await live.state()
            assert [(each.id, each.name) for each in state.viewers] == [("v1", "Ann")]
            assert (await live.give_control("v1")).control.holder == "v1"
            assert (await live.release_control()).control.state == "free"
            await live.remove_viewer("v1")
        with pytest.raises(NotFoundError):
            await live.remove_viewer("v1")
        assert await live.thumbnail() == JPEG
        assert (await live.ice_servers()).ice_servers == []
        assert (await live.offer(GOOD_SDP)).type == "answer"
        with pytest.raises(InvalidError):
            await live.offer("garbage")
        assert (await live.start_recording(format="mp4", max_seconds=5)).status == "running"
        with pytest.raises(ConflictError):
            await live.start_recording()
        assert (await live.stop_recording()).status == "ready"
        assert [each.id for each in await live.recordings()] == ["r1"]


async def test_the_synchronous_client_does_the_same(rig: Rig) -> None:
    def use() -> None:
        with SyncClient(rig.api.url, rig.api.user_key) as client:
            live = client.sessions.live(rig.id)
            assert live.link().right == "view"
            assert live.offer(GOOD_SDP).sdp and live.ice_servers().ice_transport_policy == "all"
            assert live.give_control("v1").control.holder == "v1"
            assert live.release_control().control.holder == ""
            live.remove_viewer("v1")
            assert live.thumbnail() == JPEG
            assert live.start_recording(max_bytes=1000).format == "webm"
            assert live.stop_recording().ended_by == "stopped"
            assert len(live.recordings()) == 1
            assert live.state().max_viewers == 20

    await asyncio.to_thread(use)


async def test_the_command_line_makes_links_and_shows_who_watches(rig: Rig) -> None:
    made = await cloche("live", "link", rig.id, "--control", "--lifetime", "60", "--name", "Ann\x07", **rig.env)
    assert made.code == 1  # a control character in a name
    made = await cloche("live", "link", rig.id, "--control", "--name", "Ann", "--json", **rig.env)
    link = json.loads(made.out)
    async with connect(link["ws_url"], proxy=None) as viewer:
        await viewer.recv()
        shown = await cloche("live", "viewers", rig.id, **rig.env)
        assert "v1" in shown.out and "Ann" in shown.out
        given = await cloche("live", "control", rig.id, "--give", "v1", **rig.env)
        assert "viewer" in given.out and "Ann" in given.out
        assert json.loads((await cloche("live", "control", rig.id, "--release", "--json", **rig.env)).out) == {
            "state": "free",
            "holder": "",
        }
        gone = await cloche("live", "viewers", rig.id, "--remove", "v1", "--json", **rig.env)
        assert gone.code == 0
    printed = await cloche("live", "link", rig.id, **rig.env)
    assert printed.out.startswith(f"{rig.api.url}/v1/sessions/{rig.id}/live?token=")


async def test_the_command_line_records(rig: Rig) -> None:
    begun = await cloche("live", "record", rig.id, "--max-seconds", "60", **rig.env)
    assert "r1" in begun.out and "running" in begun.out
    assert (await cloche("live", "record", rig.id, **rig.env)).code == 1  # one is running
    ended = await cloche("live", "record", rig.id, "--stop", "--json", **rig.env)
    assert json.loads(ended.out)["status"] == "ready"
    assert "r1" in (await cloche("live", "record", rig.id, "--list", **rig.env)).out
    wrong = await cloche("live", "control", rig.id, "--give", "v1", "--release", **rig.env)
    assert wrong.code == 2
