"""The daemon is killed while sessions are coming up: after the restart every sandbox is listed, or gone."""

import asyncio
import contextlib
import http.client
import random
from pathlib import Path

import pytest

from cloche.concurrency.tasks import spawn
from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.traces import await_no_traces, live_ids

ROUNDS = 6
CREATES = 3
SLOWEST_START_S = 0.25
"""About how long a start takes here: kills later than that meet a session that is ready."""


async def create_and_kill(daemon: DaemonProcess, moments: random.Random) -> None:
    """Begin some creates a little apart, and kill the daemon at some moment of their starts."""
    creates = []
    for _ in range(CREATES):
        creates.append(spawn(_create(daemon), name="create"))
        await asyncio.sleep(moments.uniform(0, SLOWEST_START_S / CREATES))
    await asyncio.sleep(moments.uniform(0, SLOWEST_START_S))
    await daemon.kill9()
    await asyncio.gather(*creates)


async def _create(daemon: DaemonProcess) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):  # the daemon is killed under it
        await daemon.request("POST", "/v1/sessions", {})


@pytest.mark.promise("a-half-start-orphans-nothing")
async def test_a_kill_at_any_moment_of_a_create_orphans_nothing(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser) as daemon:
        for round_ in range(ROUNDS):
            await create_and_kill(daemon, random.Random(round_))
            await daemon.start()
            listed = (await daemon.request("GET", "/v1/sessions?limit=200")).json["sessions"]
            ready = {session["id"] for session in listed if session["status"] == "ready"}
            assert {session["status"] for session in listed} <= {"ready", "closed", "failed"}
            assert live_ids(daemon) == ready
            for id_ in ready:
                answer = await daemon.request("GET", f"/v1/sessions/{id_}/json/list")
                assert answer.status == 200, "what is listed as ready is whole"
                await daemon.request("DELETE", f"/v1/sessions/{id_}")
            await await_no_traces(daemon)


async def test_a_daemon_killed_again_and_again_keeps_its_session_and_its_clients_way_in(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser) as daemon:
        session = await daemon.create_session()
        daemon.settings["http_bind"] = daemon.base_url.removeprefix("http://")
        for _ in range(2):
            await daemon.kill9()
            await daemon.start()
            again = await daemon.request("GET", f"/v1/sessions/{session['id']}")
            assert (again.json["status"], again.json["connect_url"]) == ("ready", session["connect_url"])
            assert (await daemon.request("GET", f"/v1/sessions/{session['id']}/json/list")).status == 200
        # Counted once: the ceiling still has room for all the others, and the place comes back.
        await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
        await await_no_traces(daemon)


async def test_sessions_outlive_a_planned_restart_where_they_are_told_to(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser, stop_sessions="false", max_sessions=1) as daemon:
        session = await daemon.create_session()
        assert await daemon.terminate() == 0
        assert live_ids(daemon) == {session["id"]}
        daemon.settings["stop_sessions"] = "true"
        await daemon.start()
        assert (await daemon.request("GET", f"/v1/sessions/{session['id']}")).json["status"] == "ready"
        assert (await daemon.request("POST", "/v1/sessions", {})).status == 503, "an adopted session has its place"


@pytest.mark.promise("lease-ends-it")
async def test_a_sandbox_whose_daemon_never_comes_back_ends_itself_with_its_lease(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser, lease_s=2) as daemon:
        session = await daemon.create_session()
        await daemon.kill9()
        # No one is told: the directory stays for the next daemon, the processes end.
        await await_no_processes(daemon)
        await daemon.start()
        ended = await daemon.request("GET", f"/v1/sessions/{session['id']}")
        assert (ended.json["status"], ended.json["reason"]) == ("failed", "sandbox_lost")
        await await_no_traces(daemon)


async def await_no_processes(daemon: DaemonProcess) -> None:
    async with asyncio.timeout(10):
        while await asyncio.to_thread(processes_of, daemon.directory):
            await asyncio.sleep(0.1)
