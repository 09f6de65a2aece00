"""A person takes a session over from a program and hands it back; several people share one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import expect

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.daemon import DaemonProcess

from .conftest import SIZE, SitDown
from .desk import GREEN, PAD, PATIENCE_S, Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
PATIENT = {"timeout": PATIENCE_S * 1000}


async def made(daemon: DaemonProcess, page_url: str) -> Json:
    budget = {"actions": 10_000, "actions_per_window": 1000}
    return await daemon.create_session(start_url=page_url, viewport=SIZE, budget=budget)


async def act(desk: Desk, timeout_ms: int = 20_000) -> Json:
    """What a program does: read something by a script."""
    return await desk.api("POST", "/evaluate", {"expression": "log.length", "timeout_ms": timeout_ms})


@asynccontextmanager
async def program(desk: Desk) -> AsyncGenerator[list[str]]:
    """One that acts all the time, and what came of it."""
    done: list[str] = []

    async def go_on() -> None:
        while True:
            done.append((await act(desk))["error"])
            await asyncio.sleep(0.2)

    acting = spawn(go_on(), name="program")
    try:
        yield done
    finally:
        await cancel_and_wait(acting)


@pytest.mark.promise("a-person-in-control-acts-alone")
async def test_a_person_takes_over_from_a_program_and_hands_back(
    shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str
) -> None:
    desk = await sit_down(await made(shared_daemon, page_url))
    await desk.shows(GREEN, 640, 500)
    banner, who = desk.page.locator(".banner"), desk.page.get_by_role("group", name="Control")
    async with program(desk) as done:
        await expect(banner).to_contain_text("Agent is driving", **PATIENT)
        await desk.click(*PAD)
        await expect(desk.page.locator(".banner.nudge")).to_be_visible()
        assert not (await desk.told())["log"]
        await banner.get_by_role("button", name="Take control").click()
        await expect(who).to_contain_text("You are in control", **PATIENT)
        await expect(banner).to_be_hidden()
        await desk.click(*PAD)
        await desk.logged("click", enough=lambda seen: seen == [["click", "pad", 0, 1]])
    assert (await desk.api("GET", "/live/state"))["control"]["state"] == "taken"
    refused = await act(desk, 500)
    assert (refused["success"], refused["error"]) == (False, "paused_by_viewer")
    waiting = spawn(act(desk), name="waiting")
    assert (await act(desk, 500))["error"] == "paused_by_viewer"
    assert not waiting.done()
    await who.get_by_role("button", name="Hand back").click()
    assert (await waiting)["success"]
    await expect(banner).to_contain_text("Agent is driving", **PATIENT)
    assert set(done) == {""}
    events = (await shared_daemon.request("GET", f"/v1/audit?session_id={desk.session['id']}&kind=live.")).json[
        "events"
    ]
    told = [(event["kind"], event["data"].get("change", "")) for event in reversed(events)]
    assert told == [("live.joined", ""), ("live.control", "taken"), ("live.control", "released")]


async def test_the_sessions_events_tell_of_control(
    shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str, events: Any
) -> None:
    session = await made(shared_daemon, page_url)
    desk = await sit_down(session)
    await desk.page.get_by_role("button", name="Take control").click()
    taken = await events.wait(session, "live.control", timeout_s=PATIENCE_S)
    assert (taken["change"], taken["state"], taken["viewer"]) == ("taken", "taken", "v1")
    await desk.page.get_by_role("button", name="Hand back").click()
    await events.wait(session, "live.control", lambda data: data["change"] == "released", timeout_s=PATIENCE_S)


async def test_two_people_ask_give_and_refuse(shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str) -> None:
    session = await made(shared_daemon, page_url)
    ada, grace = await sit_down(session, "&name=Ada"), await sit_down(session, "&name=Grace&transport=jpeg")
    await ada.page.get_by_role("button", name="Take control").click()
    group = grace.page.get_by_role("group", name="Control")
    await expect(group).to_contain_text("Ada is driving", **PATIENT)
    await grace.click(*PAD)
    await expect(grace.page.locator(".notice")).to_be_visible()
    for answer in ("Decline", "Give"):
        await group.get_by_role("button", name="Ask for control").click()
        asked = ada.page.locator(".notice", has_text="Grace asks for control.")
        await asked.get_by_role("button", name=answer).click(**PATIENT)
        if answer == "Decline":
            await expect(grace.page.get_by_text("Your request for control was declined.")).to_be_visible(**PATIENT)
            assert not (await grace.told())["log"]
    await expect(group).to_contain_text("You are in control", **PATIENT)
    await grace.click(*PAD)
    await grace.logged("click", enough=lambda seen: seen == [["click", "pad", 0, 1]])
    await ada.click(*PAD)
    await expect(ada.page.get_by_role("group", name="Control")).to_contain_text("Grace is driving", **PATIENT)
    assert len(await ada.logged("click", enough=bool)) == 1


async def test_a_link_for_watching_shows_all_and_does_nothing(
    shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str
) -> None:
    session = await made(shared_daemon, page_url)
    link = await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/live/links", {"right": "view"})
    desk = await sit_down(session, "&transport=webcodecs", url=link.json["url"])
    await desk.shows(GREEN, 640, 500)
    await desk.click(*PAD)
    await desk.page.evaluate("document.querySelector('cloche-live').focus()")
    await desk.page.keyboard.type("abc")
    # By words of its own too, past what the page keeps it from.
    await desk.page.evaluate("document.querySelector('cloche-live').takeControl()")
    await expect(desk.page.locator(".notice").last).to_be_visible(**PATIENT)
    assert not (await desk.told())["log"]
    state = await desk.api("GET", "/live/state")
    assert state["control"]["state"] == "free" and [one["right"] for one in state["viewers"]] == ["view"]
    for name in ("Take control", "New tab"):
        await expect(desk.page.get_by_role("button", name=name)).to_have_count(0)
