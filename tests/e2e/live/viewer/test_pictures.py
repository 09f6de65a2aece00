"""Pictures reach the screen by each transport, and by the next where one fails."""

import pytest
from playwright.async_api import expect

from cloche.testing.live_pictures import plain_jpeg
from cloche.testing.live_server import FakeLiveServer

from .conftest import PATIENCE_MS, TEAL_RGB, OpenViewer, colour_in_the_middle, is_near, soon, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLUE, BLUE_RGB = (90, 200, 90), (37, 93, 218)


@pytest.mark.parametrize("transport", ["webrtc", "webcodecs", "jpeg"])
@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_a_known_picture_is_seen(
    live: FakeLiveServer, open_viewer: OpenViewer, transport: str, codec: str
) -> None:
    live.hello["codecs"] = [codec]
    page = await open_viewer(f"&transport={transport}")
    assert is_near(await colour_in_the_middle(page), TEAL_RGB)
    assert live.of_type("start")[-1]["codecs"] == ([] if transport == "jpeg" else [codec])
    await live.show(plain_jpeg(*BLUE))
    for _ in range(100):
        if is_near(await colour_in_the_middle(page), BLUE_RGB):
            return
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    raise AssertionError(await colour_in_the_middle(page))


async def test_the_first_of_the_servers_list_is_tried_first(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.hello["transports"] = ["jpeg", "webrtc"]
    await open_viewer("")
    assert [start["transport"] for start in live.of_type("start")] == ["jpeg"]


async def test_each_transport_that_fails_gives_way_to_the_next_and_says_why(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    live.hello["webrtc_timeout_s"] = 1
    live.transports_dead = {"webrtc", "webcodecs"}
    page = await open_viewer("")
    said = [(start["transport"], start["reason"]) for start in live.of_type("start")]
    assert said == [("webrtc", ""), ("webcodecs", "webrtc_timeout"), ("jpeg", "no_frames")]
    await page.locator(".badge").click()
    await expect(page.locator(".figures")).to_contain_text("no picture came")


async def test_what_has_failed_is_not_tried_again_after_a_short_outage(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    live.hello["webrtc_timeout_s"] = 1
    live.transports_dead = {"webrtc"}
    page = await open_viewer("")
    before = len(live.received)
    await live.cut()
    await until(page, "away")
    await live.heard("start", after=before)
    assert [start["transport"] for start in live.of_type("start")] == ["webrtc", "webcodecs", "webcodecs"]


async def test_what_a_browser_lacks_is_passed_over(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    await open_viewer("", before="delete window.VideoDecoder; delete window.RTCPeerConnection;")
    said = [(start["transport"], start["reason"]) for start in live.of_type("start")]
    assert said == [("jpeg", "unsupported")]


async def test_a_viewer_that_gets_no_picture_says_so(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.transports_dead = {"jpeg"}
    page = await open_viewer(status="waiting")
    await expect(page.get_by_text("Waiting for the picture…")).to_be_visible()
    await expect(page.get_by_role("heading", name="No picture")).to_be_visible(timeout=PATIENCE_MS)


async def test_a_stopped_browser_is_waited_for_on_the_same_transport(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    live.state["browser"] = "starting"
    live.transports_dead = {"webcodecs"}
    page = await open_viewer("&transport=webcodecs", status="waiting")
    await expect(page.get_by_text("The browser is starting…")).to_be_visible()
    await live.heard(lambda message: message["type"] == "ping" and live.of_type("ping").index(message) >= 7)
    assert len(live.of_type("start")) == 1


@pytest.mark.parametrize("transport", ["webcodecs", "jpeg"])
async def test_every_picture_is_acknowledged_also_those_that_were_skipped(
    live: FakeLiveServer, open_viewer: OpenViewer, transport: str
) -> None:
    await open_viewer(f"&transport={transport}")
    for shade in range(20, 220, 10):
        await live.show(plain_jpeg(shade, 128, 128))
    await soon(lambda: len(live.of_type("ack")) >= 21)
    assert sorted(ack["seq"] for ack in live.of_type("ack")) == list(range(1, 22))


async def test_a_stream_that_cannot_be_decoded_falls_back(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.hello["transports"] = ["webcodecs", "jpeg"]
    broken = """
        const decode = VideoDecoder.prototype.decode;
        VideoDecoder.prototype.decode = function () { throw new DOMException("no", "DataError"); };
    """
    page = await open_viewer("", before=broken, status="waiting")
    for times in (1, 2):
        await soon(lambda times=times: len(live.of_type("need_key")) >= times)  # type: ignore[misc]
        await live.show(plain_jpeg(50 * times, 128, 128))
    await live.heard(lambda message: message["type"] == "start" and message["reason"] == "decoder_failed")
    await until(page, "live")


async def test_garbage_in_place_of_a_picture_harms_nothing(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    for garbage in (b"", b"\x01" * 20, b"\x09" + bytes(40), b"\x01\x01" + bytes(40)):
        await live.peers[0].socket.send(garbage)
    await live.say(type=None)
    await live.peers[0].socket.send("{")
    await live.show(plain_jpeg(*BLUE))
    await soon(lambda: len(live.of_type("ack")) >= 3)
    assert is_near(await colour_in_the_middle(page), BLUE_RGB)


async def test_the_transport_can_be_chosen_by_hand(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await page.locator(".badge").click()
    await page.locator("#transport").select_option("webcodecs")
    await live.heard(lambda message: message["type"] == "start" and message["transport"] == "webcodecs")
    await until(page, "live")
    assert is_near(await colour_in_the_middle(page), TEAL_RGB)


async def test_figures_are_reported_and_pictures_are_not_asked_for_while_nobody_sees_them(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer()
    report = await live.heard(lambda message: message["type"] == "report" and message["fps"] > 0)
    assert 0 <= report["frame_age_ms"] < 60_000 and report["bits_per_second"] > 0 and report["dropped"] == 0
    for hidden in (True, False):
        await page.evaluate(
            """(hidden) => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )
        await live.heard(lambda message, hidden=hidden: message == {"type": "hidden", "hidden": hidden})  # type: ignore[misc]
