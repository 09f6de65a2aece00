"""Who drives is plain to see, and control is asked for, taken, given and handed back."""

import pytest
from playwright.async_api import expect

from cloche.testing.live_server import FakeLiveServer

from .conftest import OpenViewer, box_of, control, viewer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_control_is_taken_from_an_agent_and_handed_back(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.state["control"] = control("agent")
    page = await open_viewer()
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("Agent is driving")
    await banner.get_by_role("button", name="Take control").click()
    await live.heard("take_control")
    await live.change(control=control("taken", mine=True, holder=live.peers[-1].id))
    await expect(banner).to_be_hidden()
    await expect(page.get_by_role("group", name="Control")).to_contain_text("You are in control")
    box = await box_of(page)
    await page.mouse.click(box["x"] + 5, box["y"] + 5)
    await live.heard("mousedown")
    await page.get_by_role("button", name="Hand back").click()
    await live.heard("release_control")


async def test_a_click_while_the_agent_drives_points_to_the_way_to_take_over(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    live.state["control"] = control("agent")
    page = await open_viewer()
    box = await box_of(page)
    await page.mouse.click(box["x"] + 5, box["y"] + 5)
    await expect(page.locator(".banner.nudge")).to_be_visible()


async def test_control_of_another_is_asked_for(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.state["control"] = control("taken", holder="v9")
    live.state["viewers"] = [viewer("v9", name="Ada", has_control=True)]
    page = await open_viewer()
    group = page.get_by_role("group", name="Control")
    await expect(group).to_contain_text("Ada is driving")
    await group.get_by_role("button", name="Ask for control").click()
    await live.heard("request_control")
    await live.change(control=control("taken", holder="v9", requests=(live.peers[-1].id,)))
    await expect(group.get_by_role("button")).to_be_hidden()
    await live.say(type="notice", code="control_refused", message="")
    await expect(page.get_by_text("Your request for control was declined.")).to_be_visible()


async def test_who_has_control_gives_or_refuses_it(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    live.state["viewers"] = [viewer("v8", name="Ada"), viewer("v9")]
    await live.change(viewers=live.state["viewers"], control=control("taken", mine=True, requests=("v8", "v9")))
    ada = page.locator(".notice", has_text="Ada asks for control.")
    await ada.get_by_role("button", name="Decline").click()
    assert await live.heard("refuse_control") == {"type": "refuse_control", "to": "v8"}
    await page.locator(".notice", has_text="Viewer 9").get_by_role("button", name="Give").click()
    assert await live.heard("give_control") == {"type": "give_control", "to": "v9"}
    await live.change(control=control("taken", holder="v9"))
    await expect(page.locator(".notice")).to_have_count(0)


async def test_control_is_given_from_the_list_of_viewers(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    viewers = [viewer(live.peers[-1].id, has_control=True), viewer("v8", name="Ada"), viewer("v9", right="view")]
    await live.change(viewers=viewers, control=control("taken", mine=True))
    await page.get_by_role("button", name="Viewers: 3").click()
    await expect(page.get_by_role("button", name="Give control")).to_have_count(1)
    await page.get_by_role("button", name="Give control").click()
    assert await live.heard("give_control") == {"type": "give_control", "to": "v8"}


async def test_a_link_for_watching_offers_nothing_else(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.state["control"] = control("agent")
    page = await open_viewer(right="view")
    await expect(page.get_by_role("group", name="Control")).to_contain_text("Watching · agent is driving")
    for name in ("Take control", "Ask for control", "New tab"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    for name in ("Back", "Forward", "Reload"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    assert await page.get_by_label("Address").evaluate("(field) => field.readOnly")


async def test_notices_are_said_in_words(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await live.say(type="notice", code="navigation_failed", message="refused", rule="deny_hosts")
    await expect(page.get_by_text("The session's policy does not allow this address.")).to_be_visible()
    await live.say(type="notice", code="never_heard_of", message="<b>What</b> it says")
    await expect(page.get_by_text("<b>What</b> it says")).to_be_visible()
