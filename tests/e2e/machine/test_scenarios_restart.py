"""A browser that is stopped and started again: the replayed scenarios of restart and persistence.

S1   The user-data directory is downloaded, taken to another session, and all that the browser kept is there.
S2   Many clients connect right after a restart, and all get in.
S4   A client that held an address while the browser restarted works on the new browser; the old connection has ended.
S5   Stop, start and readiness are told in milliseconds, and the browser answers when they say so.
S6   A killed daemon comes back, and a client of its sessions works again.
S7   A program that never ends is ended at its timeout, and leaves nothing to the next.
S24  A restart starts the browser exactly once; one that cannot be done changes nothing.
S25  A start page is opened: a `data:` URL, and a bare host by https.
S36  Many restarts at once, again and again: each one succeeds.
"""

import asyncio
import io
import secrets
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cloche.client.aio import Client
from cloche.errors import ConflictError, InvalidError
from cloche.testing.cdp import CdpClient, CdpClosedError
from cloche.testing.daemon import DaemonProcess

from .stage import Json, Place, keep, kept, page_urls, works


async def version(daemon: DaemonProcess, session: Json) -> Json:
    found = await daemon.request("GET", f"/v1/sessions/{session['id']}/json/version")
    assert found.status == 200, found.body
    answer: Json = found.json
    return answer


async def browser_part(place: Place) -> Any:
    return next(part for part in (await place.machine.parts()).parts if part.name == "browser")


@pytest.mark.promise("a-stop-loses-nothing")
@pytest.mark.parametrize("engine", ["shell", "chrome"])
async def test_s1_all_that_a_browser_kept_goes_with_its_user_data_directory(
    engine: str, make_place: Any, cdp: Any, home: str, tmp_path: Path
) -> None:
    value = secrets.token_hex(16)
    old: Place = await make_place(engine=engine, egress={"private_hosts": [home]})
    async with await CdpClient.connect(old.connect_url) as client:
        page = await client.new_page(f"http://{home}/page")
        await client.new_page(f"http://{home}/form")
        await keep(page, value)
        # At once: nothing that was written before the stop may be lost by it.
        stopped = await old.machine.stop_browser()
    assert stopped.state == "stopped"
    assert (await browser_part(old)).state == "stopped"
    archive = b"".join([piece async for piece in old.machine.download("/profile", is_zip=True)])
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        names = opened.namelist()
        assert not [name for name in names if name.startswith("Singleton")]
        cookies = next(name for name in names if name.endswith("Default/Cookies"))
        (tmp_path / "Cookies").write_bytes(opened.read(cookies))
    with sqlite3.connect(tmp_path / "Cookies") as database:
        assert database.execute("select count(*) from cookies where name = 'kept'").fetchone() == (1,)
    database.close()

    new: Place = await make_place(engine=engine, egress={"private_hosts": [home]})
    await new.machine.stop_browser()
    await new.machine.upload("/profile", archive, is_zip=True, replace=True)
    started = await new.machine.start_browser()
    assert started.restored_tabs == 2, "the start page is not worth keeping"
    async with await CdpClient.connect(new.connect_url) as client:
        urls = await page_urls(client)
        assert {f"http://{home}/page", f"http://{home}/form"} <= set(urls)
        page = await client.new_page(f"http://{home}/page")
        assert await kept(page) == [value, value, value, 1]


async def test_s2_many_clients_get_in_right_after_a_restart(place: Place) -> None:
    for _ in range(3):
        await place.machine.restart_browser()
        clients = await asyncio.gather(*(CdpClient.connect(place.connect_url) for _ in range(10)))
        products = [(await client.send("Browser.getVersion"))["product"] for client in clients]
        assert len(set(products)) == 1
        await asyncio.gather(*(client.close() for client in clients))


async def test_s4_a_client_that_waited_across_a_restart_works_on_the_new_browser(
    shared_daemon: DaemonProcess, place: Place
) -> None:
    before = await version(shared_daemon, place.session)
    old = await CdpClient.connect(place.connect_url)
    page = await old.new_page("about:blank")
    pending = asyncio.ensure_future(page.evaluate("new Promise(() => {})", timeout_s=30))  # noqa: TID251
    await page.evaluate("1")
    restarting = asyncio.ensure_future(place.machine.restart_browser())  # noqa: TID251
    with pytest.raises(CdpClosedError) as told:
        await pending
    assert told.value.reason == "browser_restarting"
    # Both kinds of address were handed out before: the session's, and that of the browser which is gone.
    held = [place.connect_url, before["webSocketDebuggerUrl"]]
    clients = await asyncio.gather(*(CdpClient.connect(url) for url in held))
    await restarting
    after = await version(shared_daemon, place.session)
    assert after["webSocketDebuggerUrl"] != before["webSocketDebuggerUrl"]
    for client in clients:
        await works(client)
        await client.close()
    await old.close()


async def test_s5_stop_start_and_readiness_are_told(shared_daemon: DaemonProcess, place: Place) -> None:
    for _ in range(3):
        stopped = await place.machine.stop_browser()
        assert stopped.stop_ms > 0
        answer = await shared_daemon.request("GET", f"/v1/sessions/{place.session['id']}/json/version")
        assert (answer.status, answer.json["reason"]) == (409, "browser_stopped")
        started = await place.machine.start_browser()
        assert started.start_ms > 0
        assert (await version(shared_daemon, place.session))["Browser"] == started.browser["product"]
    restarted = await place.machine.restart_browser()
    assert restarted.total_ms >= restarted.start_ms
    assert (await browser_part(place)).restarts == 0, "what is asked for is no crash"


async def test_s6_a_killed_daemon_comes_back_and_so_does_its_machine(daemon: DaemonProcess) -> None:
    session = await daemon.create_session(machine=True)
    async with Client(daemon.base_url, daemon.key) as client:
        spawned = await client.sessions.machine(session["id"]).spawn(["sh", "-c", "echo before; read line; echo $line"])
    await daemon.kill9()
    await daemon.restart()
    async with Client(daemon.base_url, daemon.key) as client:
        machine = client.sessions.machine(session["id"])
        async with asyncio.timeout(30):
            await machine.restart_browser()
        await machine.write_stdin(spawned.process_id, b"after\n")
        printed = b"".join([piece.data async for piece in machine.output(spawned.process_id)])
        assert printed == b"before\nafter\n"
    async with await CdpClient.connect(session["connect_url"]) as browser:
        await works(browser)


async def test_s7_a_program_that_never_ends_is_ended_and_leaves_nothing_to_the_next(place: Place) -> None:
    run = await place.machine.exec(["sh", "-c", "echo begun; sleep 1000 & wait"], timeout_sec=1)
    assert (run.timed_out, run.stdout) == (True, b"begun\n")
    names = [process["name"] for process in (await place.machine.parts()).processes]
    assert "sleep" not in names
    assert (await place.machine.exec(["echo", "next"])).stdout == b"next\n"


@pytest.mark.promise("a-restart-is-undone")
async def test_s24_a_restart_is_one_start_and_one_that_fails_changes_nothing(
    shared_daemon: DaemonProcess, place: Place, events: Any
) -> None:
    last = await events.last_id(place.session)
    await place.machine.restart_browser(flags=["--window-size=801,601"])
    seen = await events.until(place.session, lambda all_: all_[-1]["type"] == "browser.ready", after=last)
    assert [event["type"] for event in seen if event["type"] == "browser.ready"] == ["browser.ready"]

    before = await version(shared_daemon, place.session)
    for wrong in ({"flags": ["window-size=1,1"]}, {"flags": ["--no-sandbox"]}, {"extensions": ["/workspace/none"]}):
        with pytest.raises(InvalidError):
            await place.machine.restart_browser(**wrong)  # type: ignore[arg-type]
    answer = await shared_daemon.request(
        "POST", f"/v1/sessions/{place.session['id']}/browser/restart", {"strategy": "prefer_nothing"}
    )
    assert answer.status == 400
    assert await version(shared_daemon, place.session) == before, "what is refused stops nothing"

    # What keeps a browser from starting is found out after the stop: then all of it is undone.
    await place.machine.write_file("/workspace/new/marker", b"a profile to be")
    async with await CdpClient.connect(place.connect_url) as client:
        await client.new_page("data:text/html,<title>kept</title>")
    with pytest.raises(ConflictError) as failed:
        await place.machine.restart_browser(flags=["--version"], profile="/workspace/new")
    told = failed.value.fields
    assert (told["reason"], told["phase"], told["rolled_back"]) == ("restart_failed", "start", True)
    assert (await place.machine.file_info("/workspace/new/marker")).size_bytes == 15
    async with await CdpClient.connect(place.connect_url) as client:
        assert "data:text/html,<title>kept</title>" in await page_urls(client)
        await works(client)
    await place.machine.stop_browser()
    started = await place.machine.restart_browser()
    assert started.start_ms > 0, "stopped is no reason not to restart"
    async with await CdpClient.connect(place.connect_url) as client:
        await works(client)


async def test_s25_a_start_page_is_a_data_url_or_a_bare_host(place: Place) -> None:
    await place.machine.restart_browser(start_url="data:text/html,<title>shown</title>")
    async with await CdpClient.connect(place.connect_url) as client:
        assert await page_urls(client) == ["data:text/html,<title>shown</title>"]
    await place.machine.restart_browser(start_url="site.test")
    async with await CdpClient.connect(place.connect_url) as client:
        # Its certificate is not trusted: what counts is where the browser went.
        assert [url for url in await page_urls(client) if url.startswith(("https://site.test", "chrome-error:"))]


async def test_s36_restarts_at_once_all_succeed_ten_times_over(place: Place) -> None:
    for _ in range(10):
        done = await asyncio.gather(*(place.machine.restart_browser() for _ in range(5)))
        assert all(one.start_ms > 0 for one in done)
    async with await CdpClient.connect(place.connect_url) as client:
        await works(client)
