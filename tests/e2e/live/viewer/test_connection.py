"""A connection that is lost comes back by itself; one that has ended says why and rests."""

import pytest
from playwright.async_api import expect

from cloche.testing.live_server import FakeLiveServer

from .conftest import TEAL_RGB, OpenViewer, colour_in_the_middle, control, is_near, settled, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_after_a_cut_the_viewer_comes_back_with_its_picture(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer("&transport=jpeg&name=Ada")
    await live.cut()
    await until(page, "away")
    await live.visited(2)
    await until(page, "live")
    assert is_near(await colour_in_the_middle(page), TEAL_RGB)
    assert [message["name"] for message in live.of_type("name")] == ["Ada", "Ada"]


async def test_who_had_control_is_told_that_a_cut_has_ended_it(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await live.change(control=control("taken", mine=True, holder=live.peers[-1].id))
    await expect(page.get_by_role("group", name="Control")).to_contain_text("You are in control")
    live.state["control"] = control("free")
    await live.cut()
    await live.visited(2)
    await expect(page.get_by_text("Your control ended while you were away.")).to_be_visible()


async def test_while_the_server_is_away_the_last_picture_stays_and_it_is_asked_again(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer()
    live.is_deaf = True
    await live.close_all(1001, "server_stopping")
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    assert is_near(await colour_in_the_middle(page), TEAL_RGB)
    await expect(page.get_by_role("button", name="Connection: Reconnecting")).to_be_visible()
    live.is_deaf = False
    await until(page, "live")


async def test_the_next_try_can_be_had_at_once(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await live.close_all(4429, "viewers_full")
    await expect(page.get_by_text("All places are taken")).to_be_visible()
    await page.get_by_role("button", name="Try now").click()
    await until(page, "live")


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (4410, "session_ended", "The session has ended"),
        (4401, "link_expired", "This link has expired"),
        (4403, "removed", "You were removed"),
        (1000, "left", "You have left"),
    ],
)
async def test_an_end_is_for_good_and_says_why(
    live: FakeLiveServer, open_viewer: OpenViewer, code: int, reason: str, said: str
) -> None:
    page = await open_viewer()
    await page.evaluate(
        "document.querySelector('cloche-live').addEventListener('cloche-ended', ({detail}) => window.ended = detail)"
    )
    await live.close_all(code, reason)
    await until(page, "ended")
    await expect(page.get_by_role("heading", name=said)).to_be_visible()
    assert await page.evaluate("ended") == {"code": code, "reason": reason}
    await page.evaluate("dispatchEvent(new Event('online'))")
    assert live.visits == 1


@pytest.mark.parametrize(("status", "said"), [(401, "This link has expired"), (410, "The session has ended")])
async def test_a_refusal_at_the_door_is_explained(
    live: FakeLiveServer, open_viewer: OpenViewer, status: int, said: str
) -> None:
    page = await open_viewer()
    live.refusal = status
    await live.cut()
    await until(page, "ended")
    await expect(page.get_by_role("heading", name=said)).to_be_visible()


async def test_a_silent_connection_is_given_up(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    """As when a network goes away without a word: the peer is there, and nothing arrives."""
    page = await open_viewer()
    # Pongs, and all else, are swallowed on the way; the page's clock of sorts runs faster meanwhile.
    await page.evaluate(
        """() => {
            const now = performance.now.bind(performance);
            performance.now = () => now() + 60_000;
        }"""
    )
    live.is_mute = True
    await live.visited(2)
    live.is_mute = False
    await until(page, "live")
    await settled(live, page)
