"""The isolation API, driven by a client that knows nothing but docs/reference/isolation-api.md."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloche.api.auth.tokens import TokenRole
from cloche.api.live.settings import LiveDoorSettings
from cloche.errors import AgentError, BusyError, QuotaError
from cloche.ids import SessionId, new_session_id
from cloche.live.messages import KeyDown, KeyUp, MouseDown, MouseMove, MouseUp, Wheel
from cloche.live.model import Codec, Transport
from cloche.live.webrtc.ice import IceSettings
from cloche.sessions.live.interface import LeaveReason
from cloche.sessions.model import EndReason, SessionStatus
from cloche.testing.api import RunningApi, running_api
from cloche.testing.daemon import DaemonProcess
from cloche.testing.live import JPEG, FakeSessionLive
from cloche.testing.live_peers import GOOD_SDP, FakePeers


class IsolationClient:
    """As somebody would write it who has read the page."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url, self._fields = base_url, {"Authorization": f"Bearer {key}"}

    async def call(self, method: str, path: str, body: Any = None, **fields: str) -> tuple[int, Any]:
        async with httpx2.AsyncClient(base_url=self._base_url, trust_env=False, timeout=30) as http:
            answer = await http.request(method, path, json=body, headers=self._fields | fields)
        return answer.status_code, answer.json() if answer.content else None

    async def create(self, url: str) -> str:
        status, session = await self.call("POST", "/api/sessions", {"url": url})
        assert status == 201 and session["status"] == "starting"
        return str(session["sessionId"])

    async def get(self, session_id: str) -> dict[str, Any]:
        status, session = await self.call("GET", f"/api/sessions/{session_id}")
        assert status == 200
        whole: dict[str, Any] = session
        return whole

    async def until(self, session_id: str, status: str) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while (session := await self.get(session_id))["status"] != status:
                await asyncio.sleep(0.05)
        return session

    @asynccontextmanager
    async def watch(self, session_id: str, token: str = "", **options: Any) -> AsyncIterator["Watching"]:
        url = f"ws{self._base_url.removeprefix('http')}/ws/sessions/{session_id}"
        fields = {} if token else self._fields
        url += f"?token={token}" if token else ""
        async with connect(url, additional_headers=fields, proxy=None, max_size=None, **options) as connection:
            yield Watching(connection)


class Watching:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def frame(self) -> bytes:
        async with asyncio.timeout(20):
            message = json.loads(await self.connection.recv())
        assert message.keys() == {"type", "data"} and message["type"] == "frame"
        return base64.b64decode(message["data"], validate=True)

    async def act(self, type_: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": type_, **fields}))

    async def close_code(self) -> int:
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionClosed) as raised:
                while True:
                    await self.connection.recv()
        return raised.value.rcvd.code if raised.value.rcvd else 1006


class Rig:
    def __init__(self, api: RunningApi, peers: FakePeers) -> None:
        self.api, self.peers, self.live = api, peers, FakeSessionLive()
        api.manager.session_live = self.live
        self.client = IsolationClient(api.url, api.user_key)

    async def ready(self) -> str:
        return await self.api.session_id()

    def token(self, session_id: str, role: TokenRole) -> str:
        return self.api.signer.mint(SessionId(session_id), role, datetime.now(UTC) + timedelta(minutes=5))


@asynccontextmanager
async def rigged(**settings: Any) -> AsyncIterator[Rig]:
    peers = FakePeers()
    settings = {"fallback_fps": 50.0} | settings
    async with running_api(live=LiveDoorSettings(**settings), make_peer=peers) as api:
        yield Rig(api, peers)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as made:
        yield made


# Sessions


async def test_a_session_is_made_at_once_with_the_three_fields(rig: Rig) -> None:
    status, session = await rig.client.call("POST", "/api/sessions", {"url": "https://example.test/"})
    assert status == 201 and session.keys() == {"sessionId", "status", "createdAt"}
    assert session["status"] == "starting" and datetime.fromisoformat(session["createdAt"]).utcoffset() == timedelta()
    assert rig.api.manager.requests[-1].start_url == "https://example.test/"
    whole = await rig.client.get(session["sessionId"])
    assert whole.keys() == {"sessionId", "status", "createdAt", "url", "error", "metrics"}
    assert (whole["status"], whole["url"], whole["error"]) == ("starting", "https://example.test/", "")
    assert whole["metrics"] == {"uptimeSec": whole["metrics"]["uptimeSec"], "cpuPercent": 0.0, "memMB": 0.0}


async def test_a_ready_session_tells_its_agents_figures_and_an_ended_one_none(rig: Rig) -> None:
    id_ = await rig.ready()
    whole = await rig.client.get(id_)
    assert whole["status"] == "ready" and whole["metrics"]["cpuPercent"] == 1.5 and whole["metrics"]["memMB"] == 80.25
    rig.api.manager.session_agent.error = AgentError("it does not answer")
    assert (await rig.client.get(id_))["metrics"]["memMB"] == 0
    assert await rig.client.call("DELETE", f"/api/sessions/{id_}") == (204, None)
    assert (await rig.client.get(id_))["status"] == "terminated"
    assert await rig.client.call("DELETE", f"/api/sessions/{id_}") == (204, None)


@pytest.mark.parametrize(
    ("ours", "theirs", "error"),
    [
        (SessionStatus.SLEEPING, "ready", ""),
        (SessionStatus.CLOSING, "terminated", ""),
        (SessionStatus.FAILED, "error", "out_of_memory"),
    ],
)
async def test_each_status_has_its_older_name(rig: Rig, ours: SessionStatus, theirs: str, error: str) -> None:
    id_ = SessionId(await rig.ready())
    sessions = rig.api.manager._sessions
    sessions[id_] = replace(sessions[id_], status=ours, reason=error)
    whole = await rig.client.get(id_)
    assert (whole["status"], whole["error"]) == (theirs, error)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": 7},
        {"url": "file:///etc/passwd"},
        {"url": "javascript:alert(1)"},
        {"url": "https://" + "x" * 9000},
        {"url": "https://example.test/", "more": 1},
        [],
        None,
    ],
)
async def test_a_body_that_is_none_is_a_400_with_an_error(rig: Rig, body: Any) -> None:
    status, told = await rig.client.call("POST", "/api/sessions", body)
    assert status == 400 and told.keys() == {"error"} and told["error"]
    assert rig.api.manager.requests == []


@pytest.mark.parametrize("error", [BusyError("full"), QuotaError("yours is full")])
async def test_no_room_is_a_503(rig: Rig, error: Any) -> None:
    rig.api.manager.create_error = error
    told = await rig.client.call("POST", "/api/sessions", {"url": "https://example.test/"})
    assert told == (503, {"error": "max concurrent sessions reached"})


async def test_what_is_unknown_or_anothers_is_not_found(rig: Rig) -> None:
    stranger = IsolationClient(rig.api.url, rig.api.other_key)
    id_ = await rig.ready()
    not_found = (404, {"error": "session not found"})
    for who, session_id in (
        (rig.client, new_session_id()),
        (rig.client, "6f0f1c1e-0000-4000-8000-000000000000"),
        (stranger, id_),
    ):
        path = f"/api/sessions/{session_id}"
        assert await who.call("GET", path) == not_found
        assert await who.call("DELETE", path) == not_found
        assert await who.call("GET", f"{path}/ice") == not_found
        assert await who.call("POST", f"{path}/offer", {"type": "offer", "sdp": GOOD_SDP}) == not_found
        assert await refused(partial(who.watch, session_id)) == not_found
    assert (await rig.client.get(id_))["status"] == "ready"


async def test_every_error_has_the_one_form(rig: Rig) -> None:
    client, id_ = rig.client, await rig.ready()
    nobody = IsolationClient(rig.api.url, "ck_wrong")
    cases = [
        (401, await nobody.call("POST", "/api/sessions", {"url": "https://example.test/"})),
        (404, await client.call("GET", "/api/nothing")),
        (404, await client.call("POST", f"/api/sessions/{id_}/dance", {})),
        (405, await client.call("PATCH", f"/api/sessions/{id_}", {})),
        (413, await client.call("POST", f"/api/sessions/{id_}/offer", {"type": "offer", "sdp": "x" * 10_000_000})),
        (400, await client.call("POST", f"/api/sessions/{id_}/offer", {"type": "offer", "sdp": "garbage"})),
        (403, await client.call("GET", f"/api/sessions/{id_}", Origin="https://evil.test")),
        (403, await client.call("POST", "/api/sessions", {"url": "https://a.test/"}, Origin="https://evil.test")),
        (403, await client.call("GET", f"/api/sessions/{id_}", Host="rebound.test")),
    ]
    for status, told in cases:
        assert told[0] == status and told[1].keys() == {"error"} and told[1]["error"], told


# By WebSocket


async def refused(dial: Callable[[], Any]) -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as raised:
        async with dial():
            raise AssertionError("it was let in")
    return raised.value.response.status_code, json.loads(bytes(raised.value.response.body or b"null"))


async def test_frames_come_when_the_page_has_changed_and_one_at_the_beginning(rig: Rig) -> None:
    id_ = await rig.ready()
    async with rig.client.watch(id_) as watching:
        assert await watching.frame() == JPEG
        (seat,) = rig.live.seats
        assert seat.transports == [(Transport.FRAMES, Codec.JPEG, "")]
        stream = seat.subscriptions[0]
        stream.show(b"second")
        assert await watching.frame() == b"second"
        stream.show(b"third")
        stream.show(b"fourth")
        assert await watching.frame() == b"fourth"
        await rig.live.until(lambda: stream.acknowledged[:1] == [1])
    await rig.live.until(lambda: not rig.live.seats)
    assert stream.is_closed


async def test_input_is_understood_in_both_of_its_forms(rig: Rig) -> None:
    id_ = await rig.ready()
    async with rig.client.watch(id_) as watching:
        await watching.act("mousemove", x=1, y=2)
        await watching.act("mousedown", x=1, y=2, button="right", modifiers=["shift"])
        await watching.act("mouseup", x=1, y=2, button=2)
        await watching.act("scroll", x=1, y=2, deltaX=0, deltaY=-120)
        await watching.act("keydown", key="Enter", code="Enter")
        await watching.act("keyup", key="Enter", code="Enter")
        (seat,) = rig.live.seats
        await rig.live.until(lambda: len(seat.taken) == 6)
        kinds = [MouseMove, MouseDown, MouseUp, Wheel, KeyDown, KeyUp]
        assert [type(message) for message in seat.taken] == kinds
        down, up = seat.taken[1], seat.taken[2]
        assert isinstance(down, MouseDown) and isinstance(up, MouseUp)
        assert down.button == up.button == "right" and down.modifiers == 8


async def test_garbage_is_dropped_and_the_frames_go_on(rig: Rig) -> None:
    id_ = await rig.ready()
    async with rig.client.watch(id_) as watching:
        await watching.frame()
        (seat,) = rig.live.seats
        garbage: list[str | bytes] = [
            "",
            "{",
            '{"type":"warp"}',
            '{"type":"mousemove","x":NaN,"y":1}',
            "x" * 300_000,
            b"\x00",
        ]
        for message in garbage:
            await watching.connection.send(message)
        await watching.act("mousemove", x=1, y=1)
        await rig.live.until(lambda: seat.taken)
        assert len(seat.drops) == len(garbage)
        seat.subscriptions[0].show(b"still here")
        assert await watching.frame() == b"still here"


async def test_a_token_opens_the_socket_for_pages_and_ends_it_with_its_link(rig: Rig) -> None:
    id_ = await rig.ready()
    async with rig.client.watch(id_, rig.token(id_, TokenRole.VIEW)) as watching:
        await watching.frame()
        rig.live.seats[0].end(LeaveReason.LINK_EXPIRED)
        assert await watching.close_code() == 4401
    status, told = await refused(lambda: rig.client.watch(id_, rig.token(id_, TokenRole.DRIVE)))
    assert status == 403 and told.keys() == {"error"}
    status, told = await refused(lambda: rig.client.watch(id_, "nonsense"))
    assert status == 401 and told.keys() == {"error"}


async def test_a_page_of_another_origin_is_refused(rig: Rig) -> None:
    id_ = await rig.ready()
    status, told = await refused(lambda: rig.client.watch(id_, origin="https://evil.test"))
    assert status == 403 and told.keys() == {"error"}
    assert rig.live.everyone == []


async def test_a_session_that_is_not_ready_is_a_409_with_its_status(rig: Rig) -> None:
    ready = await rig.ready()
    rig.api.manager.may_create.clear()
    id_ = await rig.client.create("https://example.test/")
    offer = {"type": "offer", "sdp": GOOD_SDP}
    starting = (409, {"error": "session not ready: starting"})
    assert await rig.client.call("POST", f"/api/sessions/{id_}/offer", offer) == starting
    assert await refused(lambda: rig.client.watch(id_)) == starting
    assert (await rig.client.call("GET", f"/api/sessions/{id_}/ice"))[0] == 200
    await rig.api.manager.end(SessionId(ready), EndReason.CLOSED_BY_USER)
    terminated = (409, {"error": "session not ready: terminated"})
    assert await rig.client.call("POST", f"/api/sessions/{ready}/offer", offer) == terminated
    assert await refused(lambda: rig.client.watch(ready)) == terminated
    assert await rig.client.call("GET", f"/api/sessions/{ready}/ice") == terminated


async def test_a_browser_that_does_not_answer_is_a_502(rig: Rig) -> None:
    id_ = await rig.ready()
    rig.live.join_error = AgentError("the browser is gone")
    unreachable = (502, {"error": "runner unreachable"})
    offer = {"type": "offer", "sdp": GOOD_SDP}
    assert await rig.client.call("POST", f"/api/sessions/{id_}/offer", offer) == unreachable
    assert await refused(lambda: rig.client.watch(id_)) == unreachable


async def test_the_stream_is_asked_for_again_when_it_has_ended(rig: Rig) -> None:
    id_ = await rig.ready()
    async with rig.client.watch(id_) as watching:
        await watching.frame()
        (seat,) = rig.live.seats
        seat.subscriptions[0].end()
        await watching.frame()
        assert len(seat.subscriptions) == 2


async def test_who_does_not_read_is_given_up() -> None:
    async with rigged(patience_s=0.5) as rig:
        id_ = await rig.ready()
        async with rig.client.watch(id_, max_queue=1) as watching:
            watching.connection.transport.pause_reading()
            await rig.live.until(lambda: rig.live.seats and rig.live.seats[0].subscriptions)
            (seat,) = rig.live.seats
            while not seat.ended.done():
                seat.subscriptions[0].show(bytes(4 << 20))
                await asyncio.sleep(0.02)
            assert await seat.ended is LeaveReason.UNRESPONSIVE
            assert len(seat.subscriptions[0].taken) < 8
            watching.connection.transport.abort()


# By WebRTC


async def test_an_offer_is_answered_and_the_data_channel_takes_the_same_input(rig: Rig) -> None:
    id_ = await rig.ready()
    status, answer = await rig.client.call("POST", f"/api/sessions/{id_}/offer", {"type": "offer", "sdp": GOOD_SDP})
    assert status == 200 and answer.keys() == {"type", "sdp"} and answer["type"] == "answer"
    (peer,), (seat,) = rig.peers.made, rig.live.seats
    peer.connect()
    peer.say(b'{"type":"mousedown","x":1,"y":2,"button":0}')
    peer.say(b'{"type":"text","text":"not of this API"}')
    assert [type(message) for message in seat.taken] == [MouseDown] and len(seat.drops) == 1


async def test_ice_servers_are_named_as_a_browser_takes_them() -> None:
    ice = IceSettings(stun="stun:stun.test:3478", turn_urls=("turn:turn.test:3478",), turn_secret="x" * 20)
    async with rigged(ice=ice) as rig:
        status, told = await rig.client.call("GET", f"/api/sessions/{await rig.ready()}/ice")
    assert status == 200 and told.keys() == {"iceServers"}
    assert told["iceServers"][0] == {"urls": ["stun:stun.test:3478"]}
    assert told["iceServers"][1].keys() == {"urls", "username", "credential"}


async def test_a_links_token_gets_credentials_no_longer_than_its_session_lives(rig: Rig) -> None:
    id_ = await rig.ready()
    path = f"/api/sessions/{id_}/ice?token={rig.api.signer.mint(SessionId(id_), TokenRole.VIEW)}"
    async with httpx2.AsyncClient(base_url=rig.api.url, trust_env=False) as http:
        assert (await http.get(path)).status_code == 200
        await rig.api.manager.end(SessionId(id_), EndReason.CLOSED_BY_USER)
        assert (await http.get(path)).status_code == 409


# With a daemon


async def test_a_session_of_a_real_daemon_from_its_making_to_its_end(stub_daemon: DaemonProcess) -> None:
    client = IsolationClient(stub_daemon.base_url, stub_daemon.key)
    id_ = await client.create("about:blank")
    whole = await client.until(id_, "ready")
    assert whole["url"] == "about:blank" and whole["metrics"]["uptimeSec"] > 0
    assert await client.call("GET", f"/api/sessions/{id_}/ice") == (200, {"iceServers": []})
    assert (await client.call("DELETE", f"/api/sessions/{id_}"))[0] == 204
    assert (await client.get(id_))["status"] == "terminated"
    told = await client.call("POST", f"/api/sessions/{id_}/offer", {"type": "offer", "sdp": "v=0"})
    assert told == (409, {"error": "session not ready: terminated"})
