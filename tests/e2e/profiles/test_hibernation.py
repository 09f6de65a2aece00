"""Hibernation of real sessions: nothing of one runs, all of it comes back, and no crash loses it."""

import asyncio
from pathlib import Path
from typing import Any

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import processes_of

from .conftest import Person

Json = dict[str, Any]


async def hibernate(person: Person, session: Json) -> Json:
    return await person.ask("POST", f"/sessions/{session['id']}/hibernate", {})


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
    groups = [str(path) for path in Path("/sys/fs/cgroup").rglob(f"*{session['id']}*")]
    return [*processes_of(directory).values(), *([directory] if directory.exists() else []), *groups]


async def test_a_hibernated_session_takes_nothing_and_comes_back_whole_to_whoever_comes(person: Person) -> None:
    session = await person.start(start_url=person.home.url("localhost", "/form"))
    urls = await leave(person, session)
    await person.tabs_at(session, *urls)
    before = await person.ask("GET", f"/sessions/{session['id']}")
    lying = await hibernate(person, session)
    assert lying["status"] == "hibernated"
    assert left_running(person, session) == []
    assert lying["usage"]["memory_bytes"] == 0
    assert (await person.ask("GET", "/profiles"))["profiles"] == []
    assert len(sealed_files(person)) == 1
    assert (await hibernate(person, session))["status"] == "hibernated"

    async with await CdpClient.connect(session["connect_url"]) as client:
        targets = (await client.send("Target.getTargets"))["targetInfos"]
        assert urls[1] in [target["url"] for target in targets]
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
