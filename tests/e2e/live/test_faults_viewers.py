"""Viewers who do what they should not: flood, sleep, come with old links, act out of turn, offer without end."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.daemon_facts import descriptors_of, metric, resident_bytes, until
from cloche.testing.live_watchers import H264, JPEG, MOVING, NOISE, SlowViewer, live_ws, watching
from cloche.testing.viewer_page import open_viewer, viewers_chromium
from cloche.testing.web.server import LocalWeb

from .offers import OFFER

Json = dict[str, Any]
MIB = 1 << 20


@pytest.fixture(scope="module")
def _chromium(_web: LocalWeb) -> Iterator[BareChromium]:
    with viewers_chromium() as process:
        yield process


@pytest.fixture
async def client(_chromium: BareChromium) -> AsyncIterator[CdpClient]:
    async with await CdpClient.connect(_chromium.websocket_url) as made:
        yield made


async def showing(daemon: DaemonProcess, url: str = MOVING, **wanted: Any) -> Json:
    session = await daemon.create_session(**wanted)
    async with await CdpClient.connect(session["connect_url"]) as client:
        targets = (await client.send("Target.getTargets"))["targetInfos"]
        page = await client.attach(next(one["targetId"] for one in targets if one["type"] == "page"))
        await page.send("Page.enable")
        await page.goto(url)
    return session


async def seen_in(session: Json, enough: str = "true") -> list[str]:
    """What hands did in the page, once `enough` holds there."""
    async with await CdpClient.connect(session["connect_url"]) as client:
        targets = (await client.send("Target.getTargets"))["targetInfos"]
        page = await client.attach(next(one["targetId"] for one in targets if one["type"] == "page"))
        await page.wait_for(enough, timeout_s=20)
        seen: list[str] = await page.evaluate("seen")
        return seen


async def link(daemon: DaemonProcess, session: Json, **body: Any) -> Json:
    answer = await daemon.request("POST", f"/v1/sessions/{session['id']}/live/links", body)
    assert answer.status == 201, answer.body
    made: Json = answer.json
    return made


async def test_a_link_that_ends_while_it_is_watched_closes_and_the_page_says_so(
    shared_daemon: DaemonProcess, client: CdpClient
) -> None:
    session = await showing(shared_daemon)
    short = await link(shared_daemon, session, lifetime_s=6)
    page = await open_viewer(client, f"{short['url']}&transport=jpeg")
    async with watching(short["ws_url"], transport="webcodecs") as viewer:
        await viewer.pictured(H264)
        await page.moves()
        assert await viewer.closed() == (4401, "link_expired")
    await page.becomes("ended")
    assert "This link has expired" in await page.words()
    async with connect(short["ws_url"], proxy=None) as again:
        await again.wait_closed()
    assert (again.close_code, again.close_reason) == (4401, "link_expired")
    await page.close()


async def test_a_session_that_ends_is_told_by_the_page(shared_daemon: DaemonProcess, client: CdpClient) -> None:
    session = await showing(shared_daemon)
    page = await open_viewer(client, f"{session['live_url']}&transport=webcodecs")
    await page.moves()
    await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await page.becomes("ended")
    assert "The session has ended" in await page.words()
    await page.close()


async def test_who_may_only_watch_does_nothing(shared_daemon: DaemonProcess) -> None:
    session = await showing(shared_daemon)
    before = await metric(shared_daemon, "cloche_live_malformed_messages_total", why="wrong_right")
    made = await link(shared_daemon, session, right="view")
    async with watching(made["ws_url"], transport="jpeg") as viewer:
        await viewer.pictured(JPEG, 2)
        assert viewer.hello["right"] == "view"
        await viewer.say("mousedown", x=10, y=10)
        await viewer.say("mouseup", x=10, y=10)
        await viewer.say("keydown", key="a", code="KeyA")
        await viewer.say("navigate", url="about:blank")
        await viewer.heard("notice", code="view_only")
        await viewer.say("take_control")
        await viewer.pictured(JPEG, 2)
        assert not viewer.state["control"]["mine"]
        assert viewer.state["page"]["url"].startswith("data:")
    assert await seen_in(session) == []
    assert await metric(shared_daemon, "cloche_live_malformed_messages_total", why="wrong_right") > before


async def test_a_link_opens_no_other_session(shared_daemon: DaemonProcess) -> None:
    one, other = await shared_daemon.create_session(), await shared_daemon.create_session()
    token = (await link(shared_daemon, one, right="control"))["token"]
    for wrong in (f"{live_ws(shared_daemon, other)}?token={token}", f"{live_ws(shared_daemon, one)}?token={token}x"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(wrong, proxy=None):
                pass
        assert refused.value.response.status_code in (401, 403)


async def test_of_two_who_click_at_once_only_one_acts(shared_daemon: DaemonProcess) -> None:
    session = await showing(shared_daemon)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    async with watching(url, key=key, transport="jpeg") as one, watching(url, key=key) as other:
        await one.pictured(JPEG)

        async def click(viewer: Any, x: int) -> None:
            for _ in range(20):
                await viewer.say("mousedown", x=x, y=50)
                await viewer.say("mouseup", x=x, y=50)

        await asyncio.gather(click(one, 100), click(other, 200))
        both = [one, other]
        await asyncio.gather(*(viewer.until(lambda v: v.state["control"]["holder"]) for viewer in both))
        holder = one if one.state["control"]["mine"] else other
        await (other if holder is one else one).heard("notice", code="not_holder")
        seen = await seen_in(session, "seen.length >= 40")
        x = 100 if holder is one else 200
        assert seen == [f"mousedown {x}", f"mouseup {x}"] * 20


@pytest.mark.parametrize("is_taken", [True, False])
async def test_what_a_viewer_holds_is_released_when_its_connection_breaks(
    shared_daemon: DaemonProcess, is_taken: bool
) -> None:
    session = await showing(shared_daemon)
    async with watching(live_ws(shared_daemon, session), key=shared_daemon.key, transport="jpeg") as viewer:
        await viewer.pictured(JPEG)
        if is_taken:
            await viewer.say("take_control")
        await viewer.say("keydown", key="Shift", code="ShiftLeft")
        await viewer.say("mousedown", x=60, y=50)
        await viewer.until(lambda one: one.state["control"]["mine"])
        assert (await seen_in(session, "seen.length >= 2"))[:2] == ["keydown ShiftLeft", "mousedown 60"]
        await viewer.drop()
    # Lifted beside the page, so that nothing is clicked.
    assert set((await seen_in(session, "seen.length >= 4"))[2:]) == {"keyup ShiftLeft", "mouseup -1"}


async def test_what_is_no_message_is_dropped_and_the_connection_stays(shared_daemon: DaemonProcess) -> None:
    session = await showing(shared_daemon)
    before = await metric(shared_daemon, "cloche_live_malformed_messages_total")
    wrong: list[str | bytes] = [
        "",
        "null",
        "[" * 5000,
        '{"type": "mousemove", "x": NaN, "y": 1}',
        '{"type": "mousemove", "x": 1e300, "y": 1}',
        '{"type": "mousedown", "x": "1", "y": 1}',
        '{"type": "launch_missiles"}',
        '{"type": "offer", "sdp": "' + "a" * 70_000 + '"}',
        '{"type": "text", "text": "' + "a" * 1_000_000 + '"}',
        b"\x00\xff" * 100,
        b"a" * 1_000_000,
    ]
    async with watching(live_ws(shared_daemon, session), key=shared_daemon.key, transport="jpeg") as viewer:
        await viewer.pictured(JPEG)
        for message in wrong:
            await viewer.say_text(message)
        await viewer.heard("error", code="malformed_message")
        await viewer.say("mousedown", x=-5000, y=1e6)
        await viewer.say("mouseup", x=-5000, y=1e6)
        await viewer.pictured(JPEG, 5)
        assert await metric(shared_daemon, "cloche_live_malformed_messages_total") == before + len(wrong)
    assert all(one.split()[0] in ("mousedown", "mouseup") for one in await seen_in(session))


@pytest.mark.parametrize("said", ['{"type": "mousemove", "x": 1, "y": 1}', "garbage"])
async def test_a_flood_closes_its_connection_and_no_other(shared_daemon: DaemonProcess, said: str) -> None:
    session = await showing(shared_daemon)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    async with watching(url, key=key, transport="jpeg") as other, watching(url, key=key) as viewer:

        async def flood() -> None:
            while True:
                await viewer.say_text(said)
                await asyncio.sleep(0)

        flooding = spawn(flood(), name="flood")
        assert await viewer.closed() == (1008, "flood")
        await cancel_and_wait(flooding)
        await other.pictured(JPEG, 10)
        assert (await shared_daemon.request("GET", "/healthz")).status == 200


async def test_hundreds_of_offers_at_once_are_all_answered_and_leave_nothing(shared_daemon: DaemonProcess) -> None:
    session = await showing(shared_daemon)
    path = f"/v1/sessions/{session['id']}/live/offer"
    # What the first one loads stays.
    assert (await shared_daemon.request("POST", path, {"type": "offer", "sdp": "garbage"})).status == 400
    await until(lambda: descriptors_of(shared_daemon.pid), "descriptors")
    before = descriptors_of(shared_daemon.pid)
    healthy = 0

    async def ask() -> None:
        nonlocal healthy
        while True:
            healthy += (await shared_daemon.request("GET", "/healthz")).status == 200

    asking = spawn(ask(), name="healthz")
    offers = [shared_daemon.request("POST", path, {"type": "offer", "sdp": OFFER}, timeout_s=60) for _ in range(300)]
    answers = await asyncio.gather(*offers)
    await cancel_and_wait(asking)
    statuses = [one.status for one in answers]
    assert set(statuses) <= {200, 429, 503}
    assert 200 in statuses
    assert all(one.json["sdp"].startswith("v=0") for one in answers if one.status == 200)
    assert healthy
    # The session's end is theirs.
    await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await until(lambda: descriptors_of(shared_daemon.pid) <= before, f"no descriptor beyond {before}")


async def test_hundreds_of_offers_on_one_connection_disturb_nobody_else(shared_daemon: DaemonProcess) -> None:
    session = await showing(shared_daemon)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    async with watching(url, key=key, transport="jpeg") as other, watching(url, key=key, transport="webrtc") as viewer:
        await other.pictured(JPEG)
        for _ in range(300):
            await viewer.say("offer", sdp=OFFER)
        assert await viewer.closed() == (1008, "flood")
        await other.pictured(JPEG, 10)
        await other.until(lambda one: len(one.state["viewers"]) == 1)
    assert await metric(shared_daemon, "cloche_webrtc_peers") == 0


@pytest.mark.long
async def test_candidates_that_never_answer_are_given_up_and_leave_nothing(shared_daemon: DaemonProcess) -> None:
    session = await showing(shared_daemon)
    path = f"/v1/sessions/{session['id']}/live/offer"
    before = descriptors_of(shared_daemon.pid)
    async with watching(live_ws(shared_daemon, session), key=shared_daemon.key) as viewer:
        await viewer.say("start", transport="webrtc")
        await viewer.say("offer", sdp=OFFER)
        await viewer.heard("answer")
        for port in range(30):
            await viewer.say(
                "candidate", candidate=f"candidate:1 1 udp 1 93.184.215.14 {5000 + port} typ host", sdp_mid="0"
            )
        assert (await shared_daemon.request("POST", path, {"type": "offer", "sdp": OFFER})).status == 200
        await viewer.until(lambda one: len(one.state["viewers"]) == 2)
        assert await metric(shared_daemon, "cloche_webrtc_peers") == 2
        await viewer.until(lambda one: len(one.state["viewers"]) == 1, timeout_s=40)
        await viewer.heard("error", code="webrtc_failed")
        assert await metric(shared_daemon, "cloche_webrtc_peers") == 0
        assert await metric(shared_daemon, "cloche_webrtc_ended_total", how="timeout") >= 2
        await viewer.say("start", transport="jpeg")
        await viewer.pictured(JPEG, 2)
    await until(lambda: descriptors_of(shared_daemon.pid) <= before, f"no descriptor beyond {before}")


@pytest.mark.parametrize(
    "sdp", ["", "garbage", "v=0\r\n" * 10_000, OFFER.replace("a=fingerprint", "a=x"), "\x00\ud83d"]
)
async def test_sdp_that_is_none_is_refused(shared_daemon: DaemonProcess, kept_session: Json, sdp: str) -> None:
    path = f"/v1/sessions/{kept_session['id']}/live/offer"
    answer = await shared_daemon.request("POST", path, {"type": "offer", "sdp": sdp})
    assert answer.status in (400, 422), answer.body


async def test_an_offer_of_ten_megabytes_is_refused(shared_daemon: DaemonProcess, kept_session: Json) -> None:
    path = f"/v1/sessions/{kept_session['id']}/live/offer"
    try:
        answer = await shared_daemon.request("POST", path, {"type": "offer", "sdp": "a" * (10 * MIB)})
        assert answer.status in (400, 413, 422)
    except OSError:
        pass  # it may close while it is still being told
    assert (await shared_daemon.request("GET", "/healthz")).status == 200


@pytest.mark.long
@pytest.mark.parametrize("transport", ["jpeg", "webcodecs"])
async def test_who_never_reads_costs_no_memory_and_is_let_go(shared_daemon: DaemonProcess, transport: str) -> None:
    """It lies too: it acknowledges all that it could have been sent."""
    session = await showing(shared_daemon, NOISE)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    async with watching(url, key=key, transport=transport) as other, AsyncExitStack() as stack:
        kind = JPEG if transport == "jpeg" else H264
        await other.pictured(kind, 30)
        before = resident_bytes(shared_daemon.pid)
        viewers = [SlowViewer(url, key) for _ in range(5)]
        for viewer in viewers:
            stack.callback(viewer.close)
            await viewer.open()
            await viewer.say("start", transport=transport, codecs=["h264"])

        async def lie() -> None:
            while True:
                for viewer in viewers:
                    await viewer.say("ack", seq=other.newest)
                await asyncio.sleep(0.02)

        await other.until(lambda one: len(one.state["viewers"]) == 1 + len(viewers))
        lying = spawn(lie(), name="lie")
        largest = 0
        try:
            async with asyncio.timeout(90):
                while len(other.state["viewers"]) > 1:
                    largest = max(largest, resident_bytes(shared_daemon.pid))
                    await asyncio.sleep(0.2)
        finally:
            await cancel_and_wait(lying)
        print(f"{(largest - before) / MIB:.1f} MiB")
        assert largest - before < 48 * MIB
        await other.pictured(kind, 10)
        left = [line for line in shared_daemon.log if line.get("event") == "live_viewer_left"][-5:]
        assert {line["reason"] for line in left} == {"unresponsive"}


@pytest.mark.long
@pytest.mark.parametrize("transport", ["jpeg", "webcodecs"])
async def test_a_slow_viewer_does_not_hold_up_a_fast_one(shared_daemon: DaemonProcess, transport: str) -> None:
    session = await showing(shared_daemon, NOISE)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    kind = JPEG if transport == "jpeg" else H264
    loop = asyncio.get_running_loop()
    async with watching(url, key=key, transport=transport, codecs=("h264",)) as fast:
        await fast.pictured(kind, 30)

        async def rate() -> float:
            began, had = loop.time(), fast.pictures[kind]
            await fast.pictured(kind, 40, timeout_s=60)
            return (fast.pictures[kind] - had) / (loop.time() - began)

        alone = await rate()
        slow = SlowViewer(url, key)
        try:
            await slow.open()
            await slow.say("start", transport=transport, codecs=["h264"])
            reading = spawn(slow.read(25_000), name="slow")
            await until(lambda: slow.pictures >= 2, "the slow one's pictures")
            beside = [await rate() for _ in range(3)]
            await cancel_and_wait(reading)
        finally:
            slow.close()
        print(json.dumps({"alone": alone, "beside": beside, "slow": slow.pictures}))
        assert max(beside) > alone / 2
