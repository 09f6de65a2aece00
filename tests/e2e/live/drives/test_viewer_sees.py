"""The viewer shows the session's page in its own colours, whichever way the pictures come, and after a restart too."""

from typing import Any

import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import SIZE, SitDown
from .desk import BLUE, GREEN, PAD, RED_PAD, Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
BLUE_PAD = (20, 60, 220)
MIDDLE = (640, 500)


async def sees(desk: Desk, way: str) -> None:
    """Still colours, one that a click changes, and what the server says of it."""
    await desk.shows(GREEN, *MIDDLE)
    await desk.shows(RED_PAD, *PAD)
    for colour in (BLUE_PAD, RED_PAD):
        await desk.click(*PAD)
        await desk.shows(colour, *PAD)
    assert await desk.page.evaluate("shown.size().join()") == "1280,720"
    script = "document.querySelector('cloche-live').state.viewers.map((one) => `${one.transport} ${one.codec}`).join()"
    assert await desk.page.evaluate(script) == way


async def decodes(desk: Desk, mime_type: str) -> None:
    """WebRTC brings frames, and goes on to."""
    before = await desk.page.evaluate("shown.inbound()")
    assert before["codec"] == mime_type
    for _ in range(2):
        await desk.click(*PAD)
    await desk.until(f"shown.inbound().then(({{ frames }}) => frames > {before['frames']})")


@pytest.mark.parametrize(
    ("transport", "way"), [("webrtc", "webrtc h264"), ("webcodecs", "webcodecs h264"), ("jpeg", "jpeg jpeg")]
)
async def test_each_transport_shows_the_page(
    shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str, transport: str, way: str
) -> None:
    session = await shared_daemon.create_session(start_url=page_url, viewport=SIZE)
    desk = await sit_down(session, f"&transport={transport}")
    await sees(desk, way)
    if transport == "webrtc":
        await decodes(desk, "video/H264")


async def test_vp8_is_shown_where_the_server_makes_no_other(
    local_web: LocalWeb, sit_down: SitDown, page_url: str
) -> None:
    async with DaemonProcess(
        resolver_hosts=local_web.hosts_file, egress_own_addresses="false", live_codecs="vp8"
    ) as daemon:
        session = await daemon.create_session(start_url=page_url, viewport=SIZE)
        for transport in ("webrtc", "webcodecs"):
            desk = await sit_down(session, f"&transport={transport}", daemon=daemon)
            await sees(desk, f"{transport} vp8")
            if transport == "webrtc":
                await decodes(desk, "video/VP8")
            await desk.page.close()


async def test_a_browser_that_is_restarted_is_shown_again(
    shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str
) -> None:
    session = await shared_daemon.create_session(start_url=page_url, viewport=SIZE)
    rtc, jpeg = await sit_down(session), await sit_down(session, "&transport=jpeg")
    for desk in (rtc, jpeg):
        await desk.shows(GREEN, *MIDDLE)
    await rtc.click(*PAD)
    await rtc.api("POST", "/browser/restart", {"start_url": f"{page_url}?blue"})
    for desk in (rtc, jpeg):
        await desk.shows(BLUE, *MIDDLE)
        await desk.is_live()
    await rtc.in_field()
    await rtc.type("Again")
    await rtc.told(lambda noted: noted["value"] == "Again")
    assert await rtc.page.evaluate("document.querySelector('cloche-live').state.viewers[0].transport") == "webrtc"
