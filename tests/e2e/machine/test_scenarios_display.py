"""DevTools, pictures and sizes: the replayed scenarios of display, and of the settings that a page sees.

S8   A session starts with at least one page.
S9   DevTools' own lists name this server's address, and never the port inside.
S11  A picture of noise comes through whole.
S13  The window takes the size that a restart asks for.
S14  A viewport is changed while the page stays.
S15  A picture of the page, and of a piece of it, has the size that was asked for.
S32  Time zone, language and place are what was asked for, also to a program in the session.
"""

import base64
import struct
from typing import Any

import pytest

from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.daemon import DaemonProcess

from .stage import Json, Place, page_urls

NOISE = """(() => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [1024, 768];
  const paint = canvas.getContext("2d"), picture = paint.createImageData(1024, 768);
  for (let at = 0; at < picture.data.length; at += 65536)
    crypto.getRandomValues(picture.data.subarray(at, at + 65536));
  for (let at = 3; at < picture.data.length; at += 4) picture.data[at] = 255;
  paint.putImageData(picture, 0, 0);
  document.body.style.margin = 0; document.body.append(canvas);
})()"""


def png_size(data: bytes) -> tuple[int, int]:
    """From the IHDR chunk (PNG specification, section 11.2.1)."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


async def picture(page: CdpPage, **options: object) -> bytes:
    return base64.b64decode((await page.send("Page.captureScreenshot", {"format": "png", **options}))["data"])


async def first_page(client: CdpClient) -> CdpPage:
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    return await client.attach(next(target["targetId"] for target in targets if target["type"] == "page"))


@pytest.fixture
async def browser(cdp: Any, place: Place) -> CdpClient:
    client: CdpClient = await cdp(place.connect_url)
    return client


async def test_s8_a_session_starts_with_a_page(browser: CdpClient) -> None:
    assert len(await page_urls(browser)) >= 1


async def test_s9_lists_of_targets_name_this_server(shared_daemon: DaemonProcess, place: Place) -> None:
    host = shared_daemon.base_url.removeprefix("http://")
    for path in ("/json", "/json/", "/json/list", "/json/list/", "/json/version", "/json/version/"):
        answer = await shared_daemon.request("GET", f"/v1/sessions/{place.session['id']}{path}")
        assert answer.status == 200
        assert host.encode() in answer.body
        assert b"9222" not in answer.body


async def test_s11_a_picture_of_noise_comes_through_whole(browser: CdpClient) -> None:
    page = await browser.new_page("about:blank")
    await page.send(
        "Emulation.setDeviceMetricsOverride", {"width": 1024, "height": 768, "deviceScaleFactor": 1, "mobile": False}
    )
    await page.evaluate(NOISE)
    data = await picture(page)
    assert png_size(data) == (1024, 768)
    assert len(data) > 2_000_000, "noise does not compress"


async def test_s13_the_window_has_the_size_that_a_restart_asks_for(place: Place) -> None:
    for width, height in ((1024, 768), (1920, 1080), (1280, 720)):
        await place.machine.restart_browser(flags=[f"--window-size={width},{height}"])
        async with await CdpClient.connect(place.connect_url) as client:
            page = await first_page(client)
            assert await page.evaluate("[outerWidth, outerHeight]") == [width, height]


async def test_s14_a_viewport_changes_while_the_page_stays(browser: CdpClient) -> None:
    page = await browser.new_page("about:blank")
    await page.evaluate("window.stayed = 'yes'")
    for width, height in ((2560, 1440), (1280, 720)):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await page.send("Emulation.setDeviceMetricsOverride", metrics)
        assert await page.evaluate("[innerWidth, innerHeight, window.stayed]") == [width, height, "yes"]


async def test_s15_pictures_have_the_size_that_was_asked_for(browser: CdpClient) -> None:
    page = await browser.new_page("data:text/html,<body style='background:teal'>")
    inner = await page.evaluate("[innerWidth, innerHeight]")
    assert png_size(await picture(page)) == tuple(inner)
    clip = {"x": 10, "y": 10, "width": 80, "height": 60, "scale": 1}
    assert png_size(await picture(page, clip=clip)) == (80, 60)


async def test_s32_time_language_and_place(make_place: Any, cdp: Any, home: str) -> None:
    place: Place = await make_place(timezone="Asia/Singapore", locale="en-SG", egress={"private_hosts": [home]})
    client = await cdp(place.connect_url)
    page = await client.new_page(f"http://{home}/page")
    seen: Json = await page.evaluate(
        "({zone: Intl.DateTimeFormat().resolvedOptions().timeZone, offset: new Date().getTimezoneOffset(),"
        " language: navigator.language})"
    )
    assert seen == {"zone": "Asia/Singapore", "offset": -480, "language": "en-SG"}
    run = await place.machine.exec(["date", "+%z"])
    assert run.stdout == b"+0800\n"
    # A place that moves while the page is open.
    await client.send("Browser.grantPermissions", {"permissions": ["geolocation"]})
    for latitude in (1.35, 48.2):
        await page.send("Emulation.setGeolocationOverride", {"latitude": latitude, "longitude": 16, "accuracy": 1})
        seen = await page.evaluate(
            "new Promise((ok, no) => navigator.geolocation.getCurrentPosition((at) => ok(at.coords.latitude), no))"
        )
        assert seen == latitude
