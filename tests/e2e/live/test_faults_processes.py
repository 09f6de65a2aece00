"""Encoders, browsers and daemons that die while somebody watches."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Set
from typing import Any

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.daemon_facts import descriptors_of, encoder_processes, encoders_of, metric, until
from cloche.testing.live_watchers import H264, JPEG, MOVING, VP8, live_ws, watching
from cloche.testing.viewer_page import open_viewer, viewers_chromium
from cloche.testing.web.server import LocalWeb

from .offers import OFFER

Json = dict[str, Any]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill a child that is nobody's")


@pytest.fixture(scope="module")
def _chromium(_web: LocalWeb) -> Iterator[BareChromium]:
    with viewers_chromium() as process:
        yield process


@pytest.fixture
async def viewers_browser(_chromium: BareChromium) -> AsyncIterator[CdpClient]:
    async with await CdpClient.connect(_chromium.websocket_url) as made:
        yield made


async def moving(daemon: DaemonProcess) -> Json:
    """A session whose page never comes to rest."""
    session = await daemon.create_session()
    async with await CdpClient.connect(session["connect_url"]) as client:
        await client.new_page(MOVING)
    return session


async def encoder_of(daemon: DaemonProcess, besides: Set[int] = frozenset()) -> int:
    await until(lambda: encoders_of(daemon.pid) - besides, "an encoder")
    (pid,) = encoders_of(daemon.pid) - besides
    return pid


@as_root
async def test_a_killed_encoder_costs_a_moment_of_video_and_jpeg_goes_on(shared_daemon: DaemonProcess) -> None:
    session = await moving(shared_daemon)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    ended = await metric(shared_daemon, "cloche_live_encoder_restarts_total")
    async with (
        watching(url, key=key, transport="webcodecs", codecs=("h264",)) as video,
        watching(url, key=key, transport="webcodecs", codecs=("vp8",)) as other,
        watching(url, key=key, transport="jpeg") as jpeg,
    ):
        await video.pictured(H264, 5)
        await other.pictured(VP8, 5)
        pid = await encoder_of(shared_daemon)
        os.kill(pid, signal.SIGKILL)
        await jpeg.pictured(JPEG, 10)
        await until(lambda: not encoder_processes({pid}), "its end")
        await video.pictured(H264, 10)
        await other.pictured(VP8, 10)
        assert await encoder_of(shared_daemon) != pid
        assert not [one for one in (*video.messages, *jpeg.messages) if one["type"] == "error"]
        assert await metric(shared_daemon, "cloche_live_encoder_restarts_total") == ended + 1


@pytest.mark.long
@as_root
async def test_encoders_killed_again_and_again_are_replaced_and_jpeg_goes_on(shared_daemon: DaemonProcess) -> None:
    session = await moving(shared_daemon)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    ended = await metric(shared_daemon, "cloche_live_encoder_restarts_total")
    descriptors = 0
    async with (
        watching(url, key=key, transport="webcodecs") as video,
        watching(url, key=key, transport="jpeg") as jpeg,
    ):
        killed: set[int] = set()
        for _ in range(4):
            await video.pictured(H264, 3)
            pid = await encoder_of(shared_daemon, killed)
            descriptors = descriptors or descriptors_of(shared_daemon.pid)
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
            await jpeg.pictured(JPEG, 5)
        await video.pictured(H264, 3)
        assert not encoder_processes(killed)
        assert descriptors_of(shared_daemon.pid) <= descriptors
        assert await metric(shared_daemon, "cloche_live_encoder_restarts_total") == ended + 4


async def test_a_crashed_tab_shows_and_comes_back_when_it_is_loaded_anew(shared_daemon: DaemonProcess) -> None:
    session = await shared_daemon.create_session()
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    async with watching(url, key=key, transport="webcodecs") as video:
        async with await CdpClient.connect(session["connect_url"]) as client:
            targets = (await client.send("Target.getTargets"))["targetInfos"]
            page = await client.attach(next(one["targetId"] for one in targets if one["type"] == "page"))
            await page.send("Page.enable")
            await page.goto(MOVING)
            await video.pictured(H264, 5)
            crashed = page.expect("Inspector.targetCrashed")
            # It is never answered.
            calling = spawn(page.send("Page.crash"), name="crash")
            async with asyncio.timeout(20):
                await crashed
            await cancel_and_wait(calling)
            await video.until(lambda one: one.state["browser"] == "crashed")
        await video.say("take_control")
        await video.until(lambda one: one.state["control"]["mine"])
        await video.say("reload")
        await video.until(lambda one: one.state["browser"] == "up")
        await video.pictured(H264, 5)


@as_root
async def test_the_page_shows_what_has_become_of_encoder_browser_and_tab(
    shared_daemon: DaemonProcess, viewers_browser: CdpClient, browser_pid: Callable[..., Any]
) -> None:
    session = await moving(shared_daemon)
    page = await open_viewer(viewers_browser, f"{session['live_url']}&transport=webrtc")
    await page.moves()
    pid = await encoder_of(shared_daemon)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: encoders_of(shared_daemon.pid) - {pid}, "another encoder")
    await page.moves()
    os.kill(await browser_pid(shared_daemon, session), signal.SIGKILL)
    await page.until("__shown.words().includes('The browser is starting')")
    await page.until("!__shown.words()")
    async with await CdpClient.connect(session["connect_url"]) as client:
        moved = await client.new_page(MOVING)
        await page.moves()
        calling = spawn(moved.send("Page.crash"), name="crash")
        await page.until("__shown.words().includes('This tab has crashed')")
        await cancel_and_wait(calling)
    await page.call("document.querySelector('cloche-live').takeControl()")
    await page.until("__shown.element.state.control.mine")
    await page.call("__shown.element.shadowRoot.querySelector('.cover button:not([hidden])').click()")
    await page.moves()
    await page.becomes("live")
    await page.watches_by("webrtc/h264/")
    await page.close()


async def test_a_daemon_that_is_stopped_says_so_and_leaves_no_encoder(daemon: DaemonProcess) -> None:
    session = await moving(daemon)
    async with watching(live_ws(daemon, session), key=daemon.key, transport="webcodecs") as video:
        await video.pictured(H264, 3)
        pid = await encoder_of(daemon)
        offer = {"type": "offer", "sdp": OFFER}
        assert (await daemon.request("POST", f"/v1/sessions/{session['id']}/live/offer", offer)).status == 200
        assert await daemon.terminate() == 0
        assert await video.closed() == (1001, "server_stopping")
        assert not encoder_processes({pid})


async def test_a_killed_daemon_takes_its_encoders_along_and_the_next_one_shows_the_session(
    daemon: DaemonProcess,
) -> None:
    session = await moving(daemon)
    async with watching(live_ws(daemon, session), key=daemon.key, transport="webcodecs") as video:
        await video.pictured(H264, 3)
        pid = await encoder_of(daemon)
        await daemon.kill9()
        assert (await video.closed())[0] == 1006
    await until(lambda: not encoder_processes({pid}), "the encoder's end")
    await daemon.restart()
    async with watching(live_ws(daemon, session), key=daemon.key, transport="webcodecs") as video:
        await video.pictured(H264, 5)
        await video.say("start", transport="jpeg")
        await video.pictured(JPEG, 5)


async def test_a_session_that_ends_while_it_is_watched_closes_its_viewers_and_its_encoder(
    shared_daemon: DaemonProcess,
) -> None:
    session = await moving(shared_daemon)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    async with (
        watching(url, key=key, transport="webcodecs") as video,
        watching(url, key=key, transport="jpeg") as jpeg,
    ):
        await video.pictured(H264, 3)
        pid = await encoder_of(shared_daemon)
        assert (await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")).status == 200
        assert await video.closed() == await jpeg.closed() == (4410, "session_ended")
        await until(lambda: not encoder_processes({pid}), "the encoder's end")


@pytest.mark.long
async def test_coming_and_going_leaves_nothing_behind(shared_daemon: DaemonProcess) -> None:
    session = await moving(shared_daemon)
    url, key = live_ws(shared_daemon, session), shared_daemon.key
    counts = []
    for turn in range(10):
        async with watching(url, key=key, transport="webcodecs" if turn % 2 else "jpeg") as viewer:
            await viewer.pictured(H264 if turn % 2 else JPEG, 2)
            counts.append(descriptors_of(shared_daemon.pid))
            if turn % 3 == 0:
                await viewer.drop()
    await until(lambda: not encoders_of(shared_daemon.pid), "no encoder", timeout_s=30)
    await until(lambda: descriptors_of(shared_daemon.pid) <= min(counts[:4]), f"no descriptor beyond {counts}")
    state: Json = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/live/state")).json
    assert state["viewers"] == []
    assert await metric(shared_daemon, "cloche_live_viewers") == 0


@pytest.mark.long
async def test_coming_and_going_by_webrtc_leaves_nothing_behind(
    shared_daemon: DaemonProcess, viewers_browser: CdpClient
) -> None:
    session = await moving(shared_daemon)
    counts = []
    for _ in range(4):
        page = await open_viewer(viewers_browser, f"{session['live_url']}&transport=webrtc")
        await page.moves()
        assert await metric(shared_daemon, "cloche_webrtc_peers") == 1
        await page.close()
        async with asyncio.timeout(20):
            while await metric(shared_daemon, "cloche_webrtc_peers"):
                await asyncio.sleep(0.05)
        counts.append(descriptors_of(shared_daemon.pid))
    assert max(counts[1:]) <= counts[0] + 2, counts
    await until(lambda: not encoders_of(shared_daemon.pid), "no encoder", timeout_s=30)
