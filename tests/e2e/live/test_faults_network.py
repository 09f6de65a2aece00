"""Networks that are cut, that let no UDP through, and browsers that lack what a transport needs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cloche.testing.bare_chromium import BareChromium
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.daemon_facts import metric
from cloche.testing.live_watchers import MOVING
from cloche.testing.viewer_page import ViewerPage, open_viewer, viewers_chromium
from cloche.testing.web.server import LocalWeb
from cloche.testing.wire import FAR, FarDaemon

Json = dict[str, Any]
BROKEN_DECODER = "VideoDecoder.prototype.decode = () => { throw new Error('broken'); };"


@pytest.fixture(scope="module")
def _chromium(_web: LocalWeb) -> Iterator[BareChromium]:
    with viewers_chromium(far=str(FAR.ip)) as process:
        yield process


@pytest.fixture
async def client(_chromium: BareChromium) -> AsyncIterator[CdpClient]:
    async with await CdpClient.connect(_chromium.websocket_url) as made:
        before = {one["targetId"] for one in (await made.send("Target.getTargets"))["targetInfos"]}
        yield made
        for one in (await made.send("Target.getTargets"))["targetInfos"]:
            if one["targetId"] not in before:
                await made.send("Target.closeTarget", {"targetId": one["targetId"]})


@pytest.fixture(scope="module")
def far() -> Iterator[FarDaemon]:
    with FarDaemon(live_webrtc_timeout_s=3) as daemon:
        yield daemon


@pytest.fixture
async def session(far: FarDaemon) -> AsyncIterator[Json]:
    made = await moving(far)
    yield made
    await far.request("DELETE", f"/v1/sessions/{made['id']}")


async def moving(daemon: DaemonProcess) -> Json:
    session = await daemon.create_session()
    async with await CdpClient.connect(session["connect_url"]) as client:
        targets = (await client.send("Target.getTargets"))["targetInfos"]
        page = await client.attach(next(one["targetId"] for one in targets if one["type"] == "page"))
        await page.send("Page.enable")
        await page.goto(MOVING)
    return session


async def seen_in(session: Json, last: str) -> list[str]:
    """What hands did in the page, up to this."""
    async with await CdpClient.connect(session["connect_url"]) as client:
        targets = (await client.send("Target.getTargets"))["targetInfos"]
        page = await client.attach(next(one["targetId"] for one in targets if one["type"] == "page"))
        await page.wait_for(f"seen.at(-1) === {json.dumps(last)}", timeout_s=20)
        seen: list[str] = await page.evaluate("seen")
        return seen


async def viewers_of(daemon: DaemonProcess, session: Json) -> list[Json]:
    viewers: list[Json] = (await daemon.request("GET", f"/v1/sessions/{session['id']}/live/viewers")).json["viewers"]
    return viewers


async def hold_shift(viewer: ViewerPage) -> None:
    """Take control and press the key, with the pointer on the picture."""
    await viewer.call("document.querySelector('cloche-live').takeControl()")
    await viewer.until("document.querySelector('cloche-live').state.control.mine")
    await viewer.call("document.querySelector('cloche-live').focus()")
    key = {"type": "rawKeyDown", "key": "Shift", "code": "ShiftLeft", "windowsVirtualKeyCode": 16, "modifiers": 8}
    await viewer.page.send("Input.dispatchKeyEvent", key)


def page_of(session: Json, query: str = "") -> str:
    return str(session["live_url"]).replace(str(FAR.ip), "far.localhost") + query


@pytest.mark.parametrize(
    ("query", "before", "said"),
    [
        ("&transport=webrtc", "", "webrtc/h264/"),
        ("&transport=webcodecs", "", "webcodecs/h264/chosen"),
        ("", "delete globalThis.RTCPeerConnection;", "webcodecs/h264/unsupported"),
        ("", "delete globalThis.RTCPeerConnection; delete globalThis.VideoDecoder;", "jpeg/jpeg/unsupported"),
        ("", "delete globalThis.RTCPeerConnection; " + BROKEN_DECODER, "jpeg/jpeg/decoder_failed"),
    ],
)
async def test_each_transport_shows_the_page_and_is_fallen_back_to(
    session: Json, client: CdpClient, query: str, before: str, said: str
) -> None:
    viewer = await open_viewer(client, page_of(session, query), before=before)
    await viewer.moves()
    await viewer.watches_by(said)


async def test_without_udp_the_page_takes_webcodecs_and_says_why(
    far: FarDaemon, session: Json, client: CdpClient
) -> None:
    timeouts = await metric(far, "cloche_live_fallbacks_total", reason="webrtc_timeout")
    with far.wire.udp_blocked():
        viewer = await open_viewer(client, page_of(session))
        await viewer.moves()
        await viewer.watches_by("webcodecs/h264/webrtc_timeout")
        assert await metric(far, "cloche_live_fallbacks_total", reason="webrtc_timeout") == timeouts + 1


async def test_without_udp_and_video_decoder_the_page_takes_jpeg(
    far: FarDaemon, session: Json, client: CdpClient
) -> None:
    with far.wire.udp_blocked():
        viewer = await open_viewer(client, page_of(session), before="delete globalThis.VideoDecoder;")
        await viewer.moves()
        await viewer.watches_by("jpeg/jpeg/unsupported")


@pytest.mark.long
async def test_udp_that_stops_passing_is_noticed(far: FarDaemon, session: Json, client: CdpClient) -> None:
    viewer = await open_viewer(client, page_of(session))
    await viewer.watches_by("webrtc/h264/")
    await viewer.moves()
    with far.wire.udp_blocked():
        await viewer.watches_by("webcodecs/h264/ice_failed")
        await viewer.moves()


@pytest.mark.parametrize("transport", ["webrtc", pytest.param("webcodecs", marks=pytest.mark.long)])
async def test_a_cut_of_five_seconds_is_survived_with_control_and_held_keys(
    far: FarDaemon, session: Json, client: CdpClient, transport: str
) -> None:
    viewer = await open_viewer(client, page_of(session, f"&transport={transport}"))
    await viewer.moves()
    await hold_shift(viewer)
    before = (await viewers_of(far, session))[0]["id"]
    far.wire.cut()
    try:
        await asyncio.sleep(5)
    finally:
        far.wire.mend()
    await viewer.moves()
    await viewer.becomes("live")
    (after,) = await viewers_of(far, session)
    assert (after["id"], after["has_control"]) == (before, True), "the place outlives it"
    assert after["transport"] == transport
    release = {"type": "keyUp", "key": "Shift", "code": "ShiftLeft", "windowsVirtualKeyCode": 16}
    await viewer.page.send("Input.dispatchKeyEvent", release)
    assert await seen_in(session, "keyup ShiftLeft") == ["keydown ShiftLeft", "keyup ShiftLeft"]


@pytest.mark.long
@pytest.mark.parametrize("transport", ["webrtc", "webcodecs", "jpeg"])
async def test_after_a_cut_of_forty_seconds_the_page_comes_back_without_control(
    far: FarDaemon, session: Json, client: CdpClient, transport: str
) -> None:
    viewer = await open_viewer(client, page_of(session, f"&transport={transport}"))
    await viewer.moves()
    await hold_shift(viewer)
    (before,) = await viewers_of(far, session)
    loop = asyncio.get_running_loop()
    began = loop.time()
    far.wire.cut()
    try:
        await viewer.becomes("away")
        assert "Connection lost" in await viewer.words()
        # Nothing is heard from there, so the keys are let go, and control after a while of grace.
        await far.wait_for_log("live_viewer_left", lambda line: line.get("viewer") == before["id"], timeout_s=60)
        await asyncio.sleep(max(0, began + 40 - loop.time()))
    finally:
        far.wire.mend()
    await viewer.becomes("live", timeout_s=60)
    await viewer.moves()
    (after,) = await viewers_of(far, session)
    assert (after["id"] != before["id"], after["has_control"]) == (True, False)
    assert after["transport"] == transport
    assert await seen_in(session, "keyup ShiftLeft") == ["keydown ShiftLeft", "keyup ShiftLeft"]
