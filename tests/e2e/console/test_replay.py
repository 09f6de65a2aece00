"""A recording in the console: made, played beside what was done, and still there when its session has ended."""

import pytest
from playwright.async_api import Page, expect

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import Json, OpenConsole, act, recorded, toast

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEAR_S = 0.2


async def test_a_recording_is_played_beside_what_was_done(
    open_console: OpenConsole, shared_daemon: DaemonProcess, local_web: LocalWeb, session: Json
) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/recordings")
    await page.get_by_role("button", name="Record").click()
    await page.get_by_role("menuitem", name="As WebM").click()
    await expect(page.get_by_role("status").filter(has_text="Recording for")).to_be_visible()
    await recorded(shared_daemon, session, 0.8)
    await act(shared_daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    await recorded(shared_daemon, session, 2.0)
    await act(shared_daemon, session, "evaluate", expression="document.body.style.background = 'teal'")
    await recorded(shared_daemon, session, 3.0)
    await page.get_by_role("button", name="Stop recording").click()
    await expect(page.get_by_role("cell", name="ready")).to_be_visible()
    assert not await toast(page, "did not").is_visible()

    # It is replayed when nothing is left of the session but what was kept.
    await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await expect(page.get_by_text("This session has ended")).to_be_visible()
    await page.get_by_role("link", name="Replay r1").click()
    await expect(page.get_by_role("heading", level=1, name="Recording r1")).to_be_visible()
    chapters = page.get_by_role("region", name="What was done")
    first, second = chapters.get_by_role("button", name="navigate site.test"), chapters.get_by_role("button").nth(1)
    await expect(second).to_contain_text("evaluate")
    await expect(first).to_be_enabled()
    marks = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/recordings")).json["recordings"][0][
        "marks"
    ]

    # By mouse, by keyboard, and by playing it.
    await second.click()
    await expect(second).to_have_attribute("aria-current", "step")
    assert abs(await position(page) - marks[1]["at_s"]) <= NEAR_S
    await first.focus()
    await page.keyboard.press("Enter")
    await expect(first).to_have_attribute("aria-current", "step")
    assert abs(await position(page) - marks[0]["at_s"]) <= NEAR_S
    await page.locator("video").evaluate("(video) => { video.playbackRate = 4; return video.play() }")
    await expect(second).to_have_attribute("aria-current", "step")
    assert await colour(page) == pytest.approx((0, 128, 128), abs=30)

    async with page.expect_download() as told:
        await page.get_by_role("button", name="Download").click()
    assert (await told.value).suggested_filename == "r1.webm"


async def test_recordings_are_asked_for_when_one_begins(
    open_console: OpenConsole, shared_daemon: DaemonProcess, session: Json
) -> None:
    page = await open_console("/app/sessions")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/recordings") else None)
    await page.clock.install()
    await page.goto(page.url.replace("/app/sessions", f"/app/sessions/{session['id']}/recordings"))
    await expect(page.get_by_text("Nothing was recorded")).to_be_visible()
    # Once the stream of events is open, all is read once more.
    await expect(page.get_by_text("● Live")).to_be_visible()
    await page.clock.run_for(5_000)
    before = len(asked)
    await page.clock.run_for(60_000)
    assert len(asked) == before
    await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/recordings", {"format": "webm"})
    await expect(page.get_by_role("status").filter(has_text="Recording for")).to_be_visible()


async def test_an_address_of_no_recording_says_so(open_console: OpenConsole, session: Json) -> None:
    page = await open_console(f"/app/sessions/{session['id']}/recordings/r7")
    await expect(page.get_by_text("There is no such recording")).to_be_visible()


async def position(page: Page) -> float:
    return float(await page.locator("video").evaluate("(video) => video.currentTime"))


async def colour(page: Page) -> tuple[int, int, int]:
    """Of the picture's middle."""
    red, green, blue, _ = await page.locator("video").evaluate(
        """(video) => {
            const context = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext("2d");
            context.drawImage(video, 0, 0);
            return [...context.getImageData(video.videoWidth >> 1, video.videoHeight >> 1, 1, 1).data];
        }"""
    )
    return red, green, blue
