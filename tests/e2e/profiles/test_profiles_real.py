"""What a browser holds comes back: saved with a session, carried over a restart of the daemon, found by the next."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from cloche.sandbox.namespace.members import parent_of
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess

from .conftest import STATE_KEY, Person

Json = dict[str, Any]

ENGINES = [
    "shell",
    pytest.param(
        "chrome",
        marks=pytest.mark.skipif(
            not Path("/usr/lib/chromium/chromium").exists(), reason="needs chromium (cloche doctor: chrome)"
        ),
    ),
]
ATTRIBUTES = ("name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite")


async def fill(person: Person, session: Json) -> tuple[str, list[Json]]:
    """Leave something of every kind: two tabs, the second in front and scrolled. Returns its address and cookies."""
    url = person.home.url("localhost", "/pages/state.html")
    await person.do(session, "navigate", url=person.home.url("localhost", "/cookies/all"))
    await person.do(session, "navigate", url=url)
    await person.js(session, "keep('yes')")
    scrolled = person.home.url("localhost", "/pages/scroll.html")
    await person.do(session, "tabs", url=scrolled, activate=True)
    await person.js(session, "scrollTo(120, 2345), sessionStorage.second = 'tab'")
    await person.ask("POST", f"/sessions/{session['id']}/permissions", {"location": "allow", "camera": "deny"})
    return scrolled, (await person.ask("GET", f"/sessions/{session['id']}/cookies"))["cookies"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.promise("a-profile-comes-back")
async def test_everything_comes_back_after_a_save_and_a_restart_of_the_daemon(lasting: Person, engine: str) -> None:
    person = lasting
    profile_id = await person.new_profile()
    first = await person.start(profile_id, engine=engine)
    scrolled, cookies = await fill(person, first)
    await person.end(first)
    assert [data["revision"] for data in await person.events(first, "profile.saved")] == [1]

    await person.daemon.restart()
    session = await person.start(profile_id, engine=engine)
    assert session["profile"]["revision"] == 1
    told = (await person.ask("GET", f"/sessions/{session['id']}/cookies"))["cookies"]

    def facts(found: list[Json]) -> list[list[Any]]:
        return sorted([cookie[name] for name in ATTRIBUTES] for cookie in found)

    assert facts(told) == facts(cookies)
    tabs = await person.tabs_at(session, person.home.url("localhost", "/pages/state.html"), scrolled)
    assert [tab["active"] for tab in tabs] == [False, True]
    state_tab, scroll_tab = (tab["tab_id"] for tab in tabs)
    assert await person.wait(session, "[scrollX, scrollY].join() === '120,2345'", tab_id=scroll_tab)
    assert await person.js(session, "sessionStorage.second", tab_id=scroll_tab) == "tab"
    await person.wait(session, "window.kept && document.readyState === 'complete'", tab_id=state_tab)
    found = await person.js(session, "kept()", tab_id=state_tab)
    assert {name: found[name] for name in ("local", "session", "indexed", "workers", "caches")} == {
        "local": "yes",
        "session": "yes",
        "indexed": "yes",
        "workers": 1,
        "caches": ["kept"],
    }
    permissions = (await person.ask("GET", f"/sessions/{session['id']}/permissions"))["permissions"]
    assert (permissions["location"], permissions["camera"]) == ("allow", "deny")
    asked = "navigator.permissions.query({name: 'geolocation'}).then((answer) => answer.state)"
    assert await person.js(session, asked, tab_id=state_tab) == "granted"
    await person.end(session)
    (restored,) = await person.events(session, "profile.restored")
    assert (restored["revision"], restored["bytes"] > 10_000) == (1, True)


async def test_a_living_session_is_saved_and_goes_on_at_the_same_address(person: Person, cdp: Any) -> None:
    profile_id = await person.new_profile()
    session = await person.start(profile_id)
    scrolled, _ = await fill(person, session)
    client = await cdp(session["connect_url"])

    async def save() -> Json:
        return await person.ask("POST", f"/sessions/{session['id']}/profile/save", {})

    saved = await asyncio.gather(save(), save())
    assert sorted(one["revision"] for one in saved) == [1, 2]
    assert (await client.wait_closed()).reason == "browser_restarting"
    async with await CdpClient.connect(session["connect_url"]) as again:
        assert (await again.send("Browser.getVersion"))["product"]
    await person.tabs_at(session, person.home.url("localhost", "/pages/state.html"), scrolled)
    await person.wait(session, "sessionStorage.second === 'tab'")

    reader = await person.start(profile_id, profile={"id": profile_id, "save": True, "if_busy": "read_only"})
    assert (reader["profile"]["save"], reader["profile"]["revision"]) == (False, 2)
    refused = await person.start(profile_id, status=409)
    assert refused["reason"] == "profile_in_use"


async def test_what_is_deleted_under_a_session_stays_deleted(person: Person) -> None:
    profile_id = await person.new_profile()
    session = await person.start(profile_id)
    await person.ask("DELETE", f"/profiles/{profile_id}", status=409)
    await person.ask("DELETE", f"/profiles/{profile_id}?force=true")
    await person.end(session)
    assert [data["reason"] for data in await person.events(session, "profile.not_saved")] == ["profile_deleted"]
    await person.start(profile_id, status=404)


async def test_a_storage_state_serves_either_engine_and_a_directory_only_its_own(person: Person) -> None:
    profile_id = await person.new_profile()
    portable = {"id": profile_id, "save": True, "form": "storage_state"}
    session = await person.start(profile=portable)
    await person.do(session, "navigate", url=person.home.url("localhost", "/pages/state.html"))
    await person.js(session, "localStorage.kept = 'portable', document.cookie = 'plain=1'")
    await person.end(session)

    session = await person.start(profile={**portable, "form": "directory"})
    await person.do(session, "navigate", url=person.home.url("localhost", "/pages/state.html"))
    assert await person.js(session, "[localStorage.kept, document.cookie]") == ["portable", "plain=1"]
    await person.end(session)
    refused = await person.start(profile_id, engine="chrome", status=409)
    assert refused["reason"] == "profile_other_engine"


@pytest.mark.long
async def test_a_session_of_a_killed_daemon_saves_to_its_profile_at_its_end(lasting: Person) -> None:
    person = lasting
    profile_id = await person.new_profile()
    session, gone = await person.start(profile_id), await person.start()
    await person.do(session, "navigate", url=person.home.url("localhost", "/pages/state.html"))
    await person.js(session, "localStorage.kept = 'adopted'")
    await person.daemon.kill9()
    await person.daemon.restart()
    assert (await person.ask("GET", f"/profiles/{profile_id}"))["written_by"] == session["id"]
    await person.end(session)
    await person.end(gone)
    assert [data["revision"] for data in await person.events(session, "profile.saved")] == [1]
    assert (await person.ask("GET", f"/profiles/{profile_id}"))["written_by"] is None
    assert json.dumps(await person.events(gone, "profile.saved")) == "[]"


def who_has(key: bytes, daemon: DaemonProcess) -> list[str]:
    """The daemon's children, and theirs, in whose environment or arguments a key is, and its files that hold it."""
    parents = {pid: parent_of(pid) for path in Path("/proc").glob("[0-9]*") if (pid := int(path.name))}
    pids = [daemon.pid]
    for pid in pids:  # grows, as far as the sandboxes' innermost
        pids += [child for child, parent in parents.items() if parent == pid]
    assert len(pids) > 5, "a session has a browser of several processes"
    paths = [Path(f"/proc/{pid}/{name}") for pid in pids[1:] for name in ("environ", "cmdline")]
    paths += [path for path in daemon.directory.rglob("*") if path.is_file() and not path.is_symlink()]
    found = []
    for path in paths:
        with contextlib.suppress(OSError):  # a renderer comes and goes
            found += [str(path)] * (key in path.read_bytes())
    return found


async def test_no_child_of_the_daemon_and_no_file_has_the_state_key(person: Person) -> None:
    session = await person.start(await person.new_profile())
    assert await asyncio.to_thread(who_has, STATE_KEY.encode(), person.daemon) == []
    await person.end(session)
    assert STATE_KEY not in json.dumps(person.daemon.log)
