"""What a create request asks for is what the page sees; and when a session ends by itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from cloche.testing.cdp import CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]


async def first_page(cdp: Any, session: Json) -> CdpPage:
    """The tab that the session opened with."""
    client = await cdp(session["connect_url"])
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    page: CdpPage = await client.attach(next(target["targetId"] for target in targets if target["type"] == "page"))
    return page


async def test_the_viewport_is_what_the_page_measures(shared_daemon: DaemonProcess, cdp: Any) -> None:
    viewport = {"width": 900, "height": 600, "device_scale_factor": 2.0}
    session = await shared_daemon.create_session(viewport=viewport)
    assert session["viewport"] == viewport
    page = await first_page(cdp, session)
    assert await page.evaluate("[innerWidth, innerHeight, devicePixelRatio]") == [900, 600, 2]


async def test_language_time_and_browser_name_are_what_was_asked(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    session = await shared_daemon.create_session(
        locale="de-DE", timezone="Asia/Tokyo", user_agent="Mozilla/5.0 (Test) Cloche/1"
    )
    page = await (await cdp(session["connect_url"])).new_page(local_web.url("site.test", "/page"))
    seen = await page.evaluate(
        "[navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone, navigator.userAgent,"
        " new Date(0).getHours()]"
    )
    assert seen == ["de-DE", "Asia/Tokyo", "Mozilla/5.0 (Test) Cloche/1", 9]
    sent = (await local_web.wait_for_request("site.test", "/page")).headers
    assert sent["user-agent"] == "Mozilla/5.0 (Test) Cloche/1"
    assert sent["accept-language"].startswith("de-DE")


async def test_a_start_page_is_open_when_the_client_comes(
    shared_daemon: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    session = await shared_daemon.create_session(start_url=local_web.url("site.test", "/form"))
    await local_web.wait_for_request("site.test", "/form")
    client = await cdp(session["connect_url"])
    # Asked of the browser: the page itself may be just about to take the place of the empty one.
    async with asyncio.timeout(5):
        while "form" not in [one["title"] for one in (await client.send("Target.getTargets"))["targetInfos"]]:
            await asyncio.sleep(0.01)


async def test_labels_find_a_session_again(shared_daemon: DaemonProcess) -> None:
    one = await shared_daemon.create_session(labels={"team": "blue", "run": "7"})
    await shared_daemon.create_session(labels={"team": "red"})
    found = (await shared_daemon.request("GET", "/v1/sessions?label=team:blue&label=run:7")).json["sessions"]
    assert [session["id"] for session in found] == [one["id"]]
    assert found[0]["labels"] == {"team": "blue", "run": "7"}


async def test_a_budget_above_the_ceiling_is_lowered_and_the_answer_says_so(shared_daemon: DaemonProcess) -> None:
    session = await shared_daemon.create_session(budget={"memory_bytes": 1 << 45, "processes": 100})
    assert session["budget"]["memory_bytes"] == 4 << 30
    assert session["budget"]["processes"] == 100


async def test_a_session_nobody_uses_ends(shared_daemon: DaemonProcess, events: Any) -> None:
    session = await shared_daemon.create_session(idle_timeout_s=1)
    assert await events.wait(session, "session.closed") == {"reason": "idle_timeout"}
    shown = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    assert (shown["status"], shown["reason"], shown["connect_url"]) == ("closed", "idle_timeout", None)


async def test_a_client_inside_keeps_a_session_and_its_leaving_starts_the_clock(
    shared_daemon: DaemonProcess, cdp: Any, events: Any
) -> None:
    session = await shared_daemon.create_session(idle_timeout_s=1)
    client = await cdp(session["connect_url"])
    page = await client.new_page()
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 2000))")
    assert not client.closed.is_set()
    left_at = datetime.now(UTC)
    await client.close()
    seen = await events.until(session, lambda seen: seen[-1]["type"] == "session.closed")
    assert datetime.fromisoformat(seen[-1]["at"]) - left_at >= timedelta(seconds=0.9)


async def test_a_lifetime_ends_with_the_client_inside_and_tells_it_why(shared_daemon: DaemonProcess, cdp: Any) -> None:
    session = await shared_daemon.create_session(lifetime_s=2)
    client = await cdp(session["connect_url"])
    ended = await client.wait_closed()
    assert (ended.code, ended.reason) == (4410, "lifetime_reached")
    with pytest.raises(InvalidStatus) as refused:
        await cdp(session["connect_url"])
    assert refused.value.response.status_code == 410


async def test_an_idle_end_tells_a_late_dial_why(shared_daemon: DaemonProcess, cdp: Any, events: Any) -> None:
    session = await shared_daemon.create_session(idle_timeout_s=1)
    await events.wait(session, "session.closed")
    with pytest.raises(InvalidStatus) as refused:
        await cdp(session["connect_url"])
    assert b'"reason":"idle_timeout"' in bytes(refused.value.response.body or b"").replace(b" ", b"")


async def test_extending_moves_the_end(shared_daemon: DaemonProcess, cdp: Any, events: Any) -> None:
    session = await shared_daemon.create_session(lifetime_s=2)
    client = await cdp(session["connect_url"])
    answer = await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/extend", {"lifetime_s": 60})
    assert datetime.fromisoformat(answer.json["expires_at"]) > datetime.fromisoformat(session["expires_at"])
    page = await client.new_page()
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 2300))")
    assert not client.closed.is_set()
    assert "expires_at" in await events.wait(session, "session.extended")


async def test_a_session_can_be_asked_for_without_waiting(shared_daemon: DaemonProcess, events: Any) -> None:
    answer = await shared_daemon.request("POST", "/v1/sessions?wait=false", {})
    assert (answer.status, answer.json["status"]) == (202, "pending")
    await events.wait(answer.json, "session.ready", timeout_s=10)
    shown = await shared_daemon.request("GET", f"/v1/sessions/{answer.json['id']}")
    assert shown.json["status"] == "ready"


async def test_a_session_says_which_chromium_it_runs(shared_daemon: DaemonProcess) -> None:
    browser = (await shared_daemon.create_session())["browser"]
    assert browser["product"].startswith("HeadlessChrome/")
    assert browser["revision"].startswith("@")
