"""`…/live…` and `…/recordings…` over HTTP: offers, links, viewers, control, recordings, the page."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from cloche.api.auth.tokens import TokenRole
from cloche.api.live.settings import LiveDoorSettings
from cloche.errors import ConflictError, JournalError
from cloche.ids import SessionId
from cloche.live.messages import MouseMove
from cloche.live.model import Right, Transport
from cloche.live.webrtc.ice import IceSettings
from cloche.sessions.live.interface import LeaveReason
from cloche.sessions.model import EndReason
from cloche.testing.api import RunningApi, running_api
from cloche.testing.audit import NotingAudit
from cloche.testing.live import JPEG, FakeSessionLive
from cloche.testing.live_peers import GOOD_SDP, FakePeers

OFFER = {"type": "offer", "sdp": GOOD_SDP}


@dataclass
class Rig:
    api: RunningApi
    live: FakeSessionLive
    peers: FakePeers
    session_id: SessionId

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.session_id}"

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        async with self.api.http(self.api.user_key if key is None else key) as client:
            return await client.request(method, self.path + path, json=body)

    def token(self, role: TokenRole) -> str:
        return self.api.signer.mint(self.session_id, role, datetime.now(UTC) + timedelta(minutes=5))


@asynccontextmanager
async def rigged(**settings: Any) -> AsyncIterator[Rig]:
    peers, live = FakePeers(), FakeSessionLive()
    async with running_api(live=LiveDoorSettings(**settings), make_peer=peers, recordings=live) as api:
        api.manager.session_live = live
        yield Rig(api, live, peers, await api.session_id())


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as made:
        yield made


# Offers


async def test_an_offer_by_http_takes_a_place_that_lasts_as_long_as_the_connection(rig: Rig) -> None:
    answer = await rig.ask("POST", "/live/offer?name=Ann", OFFER)
    assert answer.status_code == 200 and answer.json() == {"type": "answer", "sdp": "v=0\r\nanswer\r\n"}
    (peer,), (seat,) = rig.peers.made, rig.live.seats
    assert seat.joining.name == "Ann"
    peer.connect()
    assert seat.transports[-1][0] is Transport.WEBRTC
    peer.say(b'{"type": "mousemove", "x": 1, "y": 2}')
    peer.say(b'{"type": "ping", "t": 5}')
    peer.say(b"garbage")
    peer.drop("too_large")
    assert [type(message) for message in seat.taken] == [MouseMove] and len(seat.drops) == 2
    assert json.loads(peer.sent[0])["type"] == "pong"
    await peer.fail()
    await rig.live.until(lambda: not rig.live.seats)
    assert await seat.ended is LeaveReason.LEFT


async def test_the_end_of_a_place_ends_the_connection(rig: Rig) -> None:
    await rig.ask("POST", "/live/offer", OFFER)
    rig.peers.made[0].connect()
    assert (await rig.ask("DELETE", "/live/viewers/v1")).status_code == 204
    await rig.live.until(lambda: not rig.live.seats)
    assert rig.peers.made[0].is_closed and rig.peers.limits.peers == 0


async def test_a_server_that_stops_ends_the_places_of_offers() -> None:
    async with rigged() as rig:
        await rig.ask("POST", "/live/offer", OFFER)
        rig.peers.made[0].connect()
    assert rig.peers.made[0].is_closed and rig.live.seats == []


async def test_a_links_token_is_enough_for_an_offer_and_gives_its_right(rig: Rig) -> None:
    async with rig.api.http() as client:
        for role, right in ((TokenRole.VIEW, Right.VIEW), (TokenRole.CONTROL, Right.CONTROL)):
            answer = await client.post(f"{rig.path}/live/offer", params={"token": rig.token(role)}, json=OFFER)
            assert answer.status_code == 200
            assert rig.live.everyone[-1].right is right
        refused = await client.post(f"{rig.path}/live/offer", params={"token": rig.token(TokenRole.DRIVE)}, json=OFFER)
        assert (refused.status_code, refused.json()["reason"]) == (403, "not_a_live_token")


async def test_garbage_sdp_is_refused_and_gives_its_place_back(rig: Rig) -> None:
    answer = await rig.ask("POST", "/live/offer", {"type": "offer", "sdp": "garbage"})
    assert answer.status_code == 400 and answer.json()["reason"] == "bad_sdp"
    await rig.live.until(lambda: not rig.live.seats)
    bodies: list[Any] = [
        {"type": "answer", "sdp": "x"},
        {"type": "offer"},
        {"type": "offer", "sdp": "x" * 70_000},
        [],
        None,
    ]
    for body in bodies:
        assert (await rig.ask("POST", "/live/offer", body)).status_code == 400


async def test_ten_megabytes_are_too_large_for_an_offer(rig: Rig) -> None:
    assert (await rig.ask("POST", "/live/offer", {"type": "offer", "sdp": "x" * 10_000_000})).status_code == 413
    assert rig.live.everyone == []


async def test_hundreds_of_offers_at_once_are_all_answered_and_few_are_taken(rig: Rig) -> None:
    rig.live.max_viewers = 1000
    async with rig.api.http(rig.api.user_key) as client:
        answers = await asyncio.gather(*(client.post(f"{rig.path}/live/offer", json=OFFER) for _ in range(300)))
    assert {answer.status_code for answer in answers} == {200, 429}
    refused = [answer.json() for answer in answers if answer.status_code == 429]
    assert all(problem["reason"] == "negotiating" for problem in refused)
    assert len(rig.peers.made) == len(answers) - len(refused) <= 4
    await rig.live.until(lambda: len(rig.live.seats) == len(rig.peers.made))


async def test_a_session_without_room_refuses_an_offer(rig: Rig) -> None:
    rig.live.max_viewers = 0
    answer = await rig.ask("POST", "/live/offer", OFFER)
    assert answer.status_code == 429 and answer.json()["reason"] == "viewers_full" and rig.peers.made == []


async def test_where_webrtc_is_off_an_offer_is_a_conflict() -> None:
    async with rigged(transports=(Transport.JPEG,)) as rig:
        answer = await rig.ask("POST", "/live/offer", OFFER)
        assert answer.status_code == 409 and answer.json()["reason"] == "transport_off"


async def test_ice_servers_come_with_credentials_that_end() -> None:
    ice = IceSettings(stun="stun:stun.test:3478", turn_urls=("turn:turn.test:3478",), turn_secret="secret-of-turn")
    async with rigged(ice=ice) as rig:
        told = (await rig.ask("GET", "/live/ice")).json()
    assert told["ice_transport_policy"] == "all" and told["ice_servers"][0] == {"urls": ["stun:stun.test:3478"]}
    expiry = int(told["ice_servers"][1]["username"].partition(":")[0])
    assert expiry > datetime.now(UTC).timestamp() and "secret-of-turn" not in json.dumps(told)


# Links


async def test_a_link_opens_the_socket_with_its_right_until_it_ends(rig: Rig) -> None:
    answer = await rig.ask("POST", "/live/links", {"right": "view", "lifetime_s": 120, "name": "Ann Ä&b"})
    link = answer.json()
    assert answer.status_code == 201 and link["right"] == "view"
    left = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=100) < left <= timedelta(seconds=120)
    assert link["url"].startswith(f"{rig.api.url}{rig.path}/live?token={link['token']}")
    async with connect(link["ws_url"], proxy=None) as connection:
        assert json.loads(await connection.recv())["right"] == "view"
        assert rig.live.seats[0].joining.name == "Ann Ä&b"
    async with rig.api.http() as client:
        page = await client.get(link["url"])
    assert page.status_code == 200 and link["token"] in page.text


async def test_a_link_lives_no_longer_than_the_server_allows() -> None:
    async with rigged(max_link_lifetime_s=600) as rig:
        refused = await rig.ask("POST", "/live/links", {"lifetime_s": 601})
        assert refused.status_code == 400 and refused.json()["field"] == "lifetime_s"
        link = (await rig.ask("POST", "/live/links", {})).json()
        left = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
        assert left <= timedelta(seconds=600) and link["right"] == "view"
        for body in ({"lifetime_s": 0}, {"right": "drive"}, {"name": "a\nb"}, {"x": 1}):
            assert (await rig.ask("POST", "/live/links", body)).status_code == 400


async def test_no_address_of_the_live_view_lives_longer_than_links_may() -> None:
    ice = IceSettings(turn_urls=("turn:turn.test",), turn_secret="x" * 20)
    async with rigged(max_link_lifetime_s=60, ice=ice) as rig:
        url = httpx2.URL((await rig.ask("GET", "")).json()["live_url"])
        ends = rig.api.signer.read(url.params["token"], rig.session_id, datetime.now(UTC)).expires_at
        assert ends is not None and ends - datetime.now(UTC) <= timedelta(seconds=60)
        for path in (f"{rig.path}/live/ice", f"/api/sessions/{rig.session_id}/ice"):
            async with rig.api.http() as client:
                told = (await client.get(path, params={"token": url.params["token"]})).json()
            (server,) = told.get("ice_servers") or told["iceServers"]
            assert int(server["username"].partition(":")[0]) <= ends.timestamp()


async def test_no_link_is_made_that_cannot_be_written_down() -> None:
    journal = NotingAudit()
    async with running_api(journal=journal) as api:
        path = f"/v1/sessions/{await api.session_id()}/live/links"
        async with api.http(api.user_key) as client:
            assert (await client.post(path, json={})).status_code == 201
            assert journal.kinds == ["live.link"] and journal.settled_at[-1] == 1
            journal.refuses = JournalError("full")
            assert (await client.post(path, json={})).status_code == 503
            journal.refuses, journal.fails = None, JournalError("full")
            assert (await client.post(path, json={})).status_code == 503


async def test_only_an_owners_key_makes_links_and_none_for_an_ended_session(rig: Rig) -> None:
    assert (await rig.ask("POST", "/live/links", {}, key=rig.api.other_key)).status_code == 404
    async with rig.api.http() as client:
        token = rig.token(TokenRole.CONTROL)
        assert (await client.post(f"{rig.path}/live/links", params={"token": token}, json={})).status_code == 401
    await rig.api.manager.end(rig.session_id, EndReason.CLOSED_BY_USER)
    assert (await rig.ask("POST", "/live/links", {})).status_code == 410


# Viewers and control


async def test_viewers_are_listed_given_control_and_removed(rig: Rig) -> None:
    await rig.ask("POST", "/live/offer?name=Ann", OFFER)
    listed = (await rig.ask("GET", "/live/viewers")).json()
    assert listed["max_viewers"] == 20
    assert [(each["id"], each["name"], each["right"]) for each in listed["viewers"]] == [("v1", "Ann", "control")]
    given = (await rig.ask("POST", "/live/control", {"viewer_id": "v1"})).json()
    assert given["control"] == {"state": "viewer", "holder": "v1"} and given["viewers"][0]["has_control"]
    assert (await rig.ask("DELETE", "/live/control")).json()["control"]["state"] == "free"
    state = (await rig.ask("GET", "/live/state")).json()
    assert state["clipboard"] == "in" and state["recording"] is None and state["tabs"] == []
    assert (await rig.ask("DELETE", "/live/viewers/v1")).status_code == 204
    await rig.live.until(lambda: not rig.live.seats)
    assert (await rig.ask("DELETE", "/live/viewers/v1")).status_code == 404
    assert (await rig.ask("DELETE", "/live/viewers/x")).status_code == 400


async def test_control_is_not_given_to_who_may_only_watch_or_is_not_there(rig: Rig) -> None:
    async with rig.api.http() as client:
        await client.post(f"{rig.path}/live/offer", params={"token": rig.token(TokenRole.VIEW)}, json=OFFER)
    refused = await rig.ask("POST", "/live/control", {"viewer_id": "v1"})
    assert refused.status_code == 403 and refused.json()["reason"] == "view_only"
    assert (await rig.ask("POST", "/live/control", {"viewer_id": "v9"})).status_code == 404
    assert (await rig.ask("POST", "/live/control", {"viewer_id": "1"})).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/live/state"),
        ("GET", "/live/viewers"),
        ("GET", "/live/thumbnail"),
        ("DELETE", "/live/control"),
        ("DELETE", "/live/viewers/v1"),
        ("POST", "/recordings"),
        ("POST", "/recordings/stop"),
    ],
)
async def test_what_is_a_strangers_or_has_ended_is_not_to_be_had(rig: Rig, method: str, path: str) -> None:
    assert (await rig.ask(method, path, key=rig.api.other_key)).status_code == 404
    assert (await rig.ask(method, path, key="ck_wrong")).status_code == 401
    await rig.api.manager.end(rig.session_id, EndReason.CLOSED_BY_USER)
    assert (await rig.ask(method, path)).status_code == 410


async def test_what_was_recorded_of_a_session_is_told_after_its_end_too(rig: Rig) -> None:
    await rig.ask("POST", "/recordings")
    assert (await rig.ask("GET", "/recordings", key=rig.api.other_key)).status_code == 404
    await rig.api.manager.end(rig.session_id, EndReason.CLOSED_BY_USER)
    assert len((await rig.ask("GET", "/recordings")).json()["recordings"]) == 1


async def test_a_thumbnail_is_a_jpeg_that_nobody_keeps(rig: Rig) -> None:
    answer = await rig.ask("GET", "/live/thumbnail")
    assert answer.content == JPEG and answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    rig.live.picture_error = ConflictError("it was stopped", reason="browser_stopped")
    assert (await rig.ask("GET", "/live/thumbnail")).status_code == 409


# Recordings


async def test_a_recording_is_started_listed_and_stopped(rig: Rig) -> None:
    made = await rig.ask("POST", "/recordings", {"format": "mp4", "max_seconds": 60, "max_bytes": 1000})
    assert made.status_code == 201 and made.json()["status"] == "running" and made.json()["format"] == "mp4"
    assert (rig.live.requests[0].max_seconds, rig.live.requests[0].max_bytes) == (60, 1000)
    again = await rig.ask("POST", "/recordings")
    assert again.status_code == 409 and again.json()["reason"] == "already_recording"
    assert (await rig.ask("GET", "/live/state")).json()["recording"]["id"] == "r1"
    stopped = (await rig.ask("POST", "/recordings/stop")).json()
    assert stopped["status"] == "ready" and stopped["ended_by"] == "stopped"
    assert [each["id"] for each in (await rig.ask("GET", "/recordings")).json()["recordings"]] == ["r1"]
    assert (await rig.ask("POST", "/recordings/stop")).json()["reason"] == "not_recording"
    for body in ({"format": "gif"}, {"max_seconds": 0}, {"max_bytes": -1}, {"fps": 3}):
        assert (await rig.ask("POST", "/recordings", body)).status_code == 400


# The page


async def test_the_page_opens_by_a_link_of_either_right_and_by_a_key(rig: Rig) -> None:
    async with rig.api.http() as client:
        for role in (TokenRole.VIEW, TokenRole.CONTROL):
            page = await client.get(f"{rig.path}/live", params={"token": rig.token(role)})
            assert page.status_code == 200 and "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert (await client.get(f"{rig.path}/live")).status_code == 401
    assert (await rig.ask("GET", "/live")).status_code == 200
    assert (await rig.ask("GET", "/live", key=rig.api.other_key)).status_code == 404


async def test_the_page_is_embedded_where_the_server_says_so() -> None:
    async with rigged(frame_ancestors=("https://app.test",)) as rig:
        page = await rig.ask("GET", "/live")
        assert "frame-ancestors https://app.test" in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers
