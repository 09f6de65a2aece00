"""Hibernation of real sessions: nothing of one runs, all of it comes back, and no crash loses it."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cloche.concurrency.tasks import spawn
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.traces import control_groups

from .conftest import Person

Json = dict[str, Any]


async def hibernate(person: Person, session: Json) -> Json:
    """Once the tabs that it came with have opened: until then it is at work."""
    async with asyncio.timeout(20):
        while True:
            answer = await person.daemon.request("POST", f"/v1/sessions/{session['id']}/hibernate", timeout_s=60)
            told: Json = answer.json
            if answer.status == 200:
                return told
            assert (told["reason"], told["users"]) == ("session_in_use", 0)
            await asyncio.sleep(0.05)


async def status(person: Person, session: Json) -> str:
    return str((await person.ask("GET", f"/sessions/{session['id']}"))["status"])


async def until_status(person: Person, session: Json, wanted: str) -> None:
    async with asyncio.timeout(20):
        while await status(person, session) != wanted:
            await asyncio.sleep(0.05)


async def leave(person: Person, session: Json) -> tuple[str, str]:
    """Leave something of every kind: two tabs, the second in front and scrolled. Returns their addresses."""
    url = person.home.url("localhost", "/pages/state.html")
    await person.do(session, "navigate", url=person.home.url("localhost", "/cookies/all"))
    await person.do(session, "navigate", url=url)
    await person.js(session, "keep('yes')")
    scrolled = person.home.url("localhost", "/pages/scroll.html")
    await person.do(session, "tabs", url=scrolled, activate=True)
    await person.js(session, "scrollTo(120, 2345), sessionStorage.second = 'tab'")
    return url, scrolled


async def ask_who_may_die(daemon: DaemonProcess, session: Json, verb: str) -> None:
    with suppress(OSError):  # killed before it answered
        await daemon.request("POST", f"/v1/sessions/{session['id']}/{verb}", timeout_s=10)


async def until_at(session: Json, *urls: str) -> None:
    """Wait until there are tabs whose windows would show these, also of those whose page could not be reached."""
    async with asyncio.timeout(5), await CdpClient.connect(session["connect_url"]) as client:
        while True:
            targets = (await client.send("Target.getTargets"))["targetInfos"]
            if {*urls} <= {target["url"] for target in targets}:
                return
            await asyncio.sleep(0.02)


async def found(person: Person, session: Json, urls: tuple[str, str]) -> None:
    """All of what was left is there."""
    tabs = await person.tabs_at(session, *urls)
    assert [tab["active"] for tab in tabs] == [False, True]
    state_tab, scroll_tab = (tab["tab_id"] for tab in tabs)
    assert await person.wait(session, "[scrollX, scrollY].join() === '120,2345'", tab_id=scroll_tab)
    assert await person.js(session, "sessionStorage.second", tab_id=scroll_tab) == "tab"
    await person.wait(session, "window.kept && document.readyState === 'complete'", tab_id=state_tab)
    kept = await person.js(session, "kept()", tab_id=state_tab)
    assert {name: kept[name] for name in ("local", "session", "indexed")} == {
        "local": "yes",
        "session": "yes",
        "indexed": "yes",
    }


def sealed_files(person: Person) -> list[Path]:
    return sorted((person.daemon.state_dir / "profiles").glob("*/*.sealed"))


def left_running(person: Person, session: Json) -> list[Any]:
    """Processes of its sandbox, its run directory, its control groups."""
    directory = person.daemon.run_dir / session["id"]
    groups = [str(path) for path in control_groups() if session["id"] in path.name]
    return [*processes_of(directory).values(), *([directory] if directory.exists() else []), *groups]


async def nothing_is_left(person: Person, session: Json) -> None:
    """Its processes are gone by now, and the rest soon."""
    assert not await asyncio.to_thread(processes_of, person.daemon.run_dir / session["id"])
    async with asyncio.timeout(10):
        while await asyncio.to_thread(left_running, person, session):
            await asyncio.sleep(0.02)


async def test_a_hibernated_session_takes_nothing_and_comes_back_whole_to_whoever_comes(person: Person) -> None:
    session = await person.start(start_url=person.home.url("localhost", "/form"))
    urls = await leave(person, session)
    await person.tabs_at(session, *urls)
    before = await person.ask("GET", f"/sessions/{session['id']}")
    lying = await hibernate(person, session)
    assert lying["status"] == "hibernated"
    await nothing_is_left(person, session)
    assert lying["usage"]["memory_bytes"] == 0
    assert (await person.ask("GET", "/profiles"))["profiles"] == []
    assert len(sealed_files(person)) == 1
    assert (await hibernate(person, session))["status"] == "hibernated"

    async with await CdpClient.connect(session["connect_url"]) as client:
        targets = (await client.send("Target.getTargets"))["targetInfos"]
        assert sorted(target["url"] for target in targets if target["type"] == "page") == sorted(urls)
    await found(person, session, urls)
    after = await person.ask("GET", f"/sessions/{session['id']}")
    assert (after["status"], after["expires_at"]) == ("ready", before["expires_at"])
    for name in ("actions", "egress_bytes_in", "egress_connections", "cpu_seconds"):
        assert after["usage"][name] >= before["usage"][name], name
    assert sealed_files(person) == []
    await person.end(session)
    (hibernated,) = await person.events(session, "session.hibernated")
    (awake,) = await person.events(session, "session.awake")
    assert (hibernated["reason"], hibernated["bytes"] > 1_000, awake["hibernated"]) == ("by_hand", True, True)


async def test_a_saving_session_hibernates_into_its_profile_which_nobody_else_writes(person: Person) -> None:
    profile_id = await person.new_profile()
    session = await person.start(profile_id)
    urls = await leave(person, session)
    await hibernate(person, session)
    shown = await person.ask("GET", f"/profiles/{profile_id}")
    assert (shown["revision"], shown["written_by"]) == (1, session["id"])
    refused = await person.start(profile_id, status=409)
    assert refused["reason"] == "profile_in_use"
    # An action is somebody who comes, too.
    assert (await person.do(session, "evaluate", expression="sessionStorage.second"))["value_json"] == '"tab"'
    await found(person, session, urls)
    await person.end(session)
    assert (await person.ask("GET", f"/profiles/{profile_id}"))["revision"] == 2

    forced = await person.start(profile_id)
    await hibernate(person, forced)
    await person.ask("DELETE", f"/profiles/{profile_id}?force=true")
    lost = await person.daemon.request("POST", f"/v1/sessions/{forced['id']}/wake")
    assert (lost.status, lost.json["reason"]) == (410, "snapshot_lost")
    assert await status(person, forced) == "failed"


async def test_by_itself_and_out_again_by_a_machine_call_and_ended_where_it_lies(person: Person) -> None:
    session = await person.start(standby={"after_s": 1, "hibernate_after_s": 1})
    assert session["standby"] == {"after_s": 1, "hibernate_after_s": 1}
    await until_status(person, session, "hibernated")
    assert (await person.ask("GET", f"/sessions/{session['id']}/health"))["status"] == "healthy"
    assert await status(person, session) in {"ready", "sleeping"}
    await until_status(person, session, "hibernated")
    ended = await person.end(session)
    assert (ended["status"], sealed_files(person)) == ("closed", [])
    for verb in ("hibernate", "wake"):
        await person.ask("POST", f"/sessions/{session['id']}/{verb}", {}, status=410)


async def test_a_snapshot_that_was_changed_is_not_taken_and_the_session_stays(person: Person) -> None:
    session = await person.start()
    await hibernate(person, session)
    (file,) = sealed_files(person)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20] + bytes(20))
    refused = await person.ask("POST", f"/sessions/{session['id']}/wake", {}, status=409)
    assert (refused["reason"], await status(person, session)) == ("profile_damaged", "hibernated")
    await nothing_is_left(person, session)
    file.write_bytes(whole)
    await person.ask("POST", f"/sessions/{session['id']}/wake", {})
    assert await status(person, session) == "ready"


async def test_somebody_who_comes_while_it_is_sealed_is_served_where_it_is(person: Person) -> None:
    session = await person.start()
    urls = await leave(person, session)
    await person.tabs_at(session, *urls)
    falling = spawn(person.daemon.request("POST", f"/v1/sessions/{session['id']}/hibernate"), name="falling")
    await asyncio.sleep(0.05)
    served = await person.do(session, "evaluate", expression="location.pathname")
    assert served["value_json"] == '"/pages/scroll.html"', (
        "never lost, whichever of the two was first, nor on a blank page"
    )
    assert (await falling).status in {200, 409}
    await found(person, session, urls)


async def test_tabs_come_back_that_were_still_loading_or_could_not_be_reached(person: Person) -> None:
    session = await person.start()
    slow, nowhere = person.home.url("localhost", "/hang"), "http://www.blocked.test/"
    await person.daemon.request("POST", f"/v1/sessions/{session['id']}/navigate", {"url": nowhere})
    async with await CdpClient.connect(session["connect_url"]) as client:
        await client.send("Target.createTarget", {"url": slow})
    await hibernate(person, session)
    await person.ask("POST", f"/sessions/{session['id']}/wake", {})
    await until_at(session, nowhere, slow)
    await person.end(session)


@pytest.mark.promise("a-hibernated-session-survives")
async def test_no_crash_of_the_daemon_at_any_moment_loses_a_session(lasting: Person) -> None:
    """Killed with some asleep, some hibernated, one being laid down and one being brought back; again and again."""
    person, daemon = lasting, lasting.daemon
    sessions = [await person.start(lifetime_s=3000) for _ in range(4)]
    asleep, lying, falling, rising = sessions
    left = {session["id"]: await leave(person, session) for session in sessions}
    for session in sessions:
        await person.tabs_at(session, *left[session["id"]])
    await person.ask("POST", f"/sessions/{asleep['id']}/sleep", {})
    for session in (lying, rising):
        await hibernate(person, session)
    for pause_s in (0.0, 0.1, 0.25, 0.5):
        begun = [
            spawn(ask_who_may_die(daemon, session, verb), name=verb)
            for session, verb in ((falling, "hibernate"), (rising, "wake"))
        ]
        await asyncio.sleep(pause_s)
        await daemon.kill9()
        await asyncio.wait(begun)
        await daemon.restart()
        for session in sessions:
            assert await status(person, session) in {"ready", "sleeping", "hibernated"}, pause_s
    for session in sessions:
        await person.ask("POST", f"/sessions/{session['id']}/wake", {})
        if session is lying:
            await found(person, session, left[session["id"]])
            continue
        await until_at(session, *left[session["id"]])  # adopted, or on its way when the daemon was killed
    assert sealed_files(person) == []
    assert len(list(daemon.run_dir.glob("ses_*"))) == len(sessions)
    for session in sessions:
        await person.end(session)


async def test_hibernated_sessions_wait_for_the_next_daemon_also_where_the_others_end(lasting: Person) -> None:
    person = lasting
    session, running = await person.start(), await person.start()
    urls = await leave(person, session)
    await person.tabs_at(session, *urls)
    await hibernate(person, session)
    await person.daemon.restart()
    assert [await status(person, one) for one in (session, running)] == ["hibernated", "closed"]
    await found(person, session, urls)
    await person.end(session)
    assert sealed_files(person) == []
