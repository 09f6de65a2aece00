"""A session's end is answered before all of its sandbox is gone: a daemon that is killed in between leaves nothing."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloche.concurrency.tasks import spawn
from cloche.process.cgroup import CgroupKind
from cloche.testing import http
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_no_traces, live_ids, traces

Json = dict[str, Any]


@asynccontextmanager
async def in_the_way(daemon: DaemonProcess, session: Json) -> AsyncIterator[None]:
    """In the block the sandbox can be ended but not removed: a stranger sits in one of its control groups.

    Only version 1 has groups that somebody can be in without being in all of them, and so without being killed.
    """
    record = await asyncio.to_thread((daemon.run_dir / session["id"] / "sandbox.json").read_text)
    group = json.loads(record)["cgroup"]
    if group["kind"] != CgroupKind.V1:
        pytest.skip("needs control groups of version 1 (cloche doctor: limits)")
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    try:
        procs = Path(group["paths"]["memory"]) / "cgroup.procs"
        await asyncio.to_thread(procs.write_text, str(stranger.pid))
        yield
    finally:
        stranger.kill()
        await stranger.wait()


async def listed(daemon: DaemonProcess) -> dict[str, tuple[str, str]]:
    sessions = (await daemon.request("GET", "/v1/sessions")).json["sessions"]
    return {one["id"]: (one["status"], one["reason"]) for one in sessions}


async def test_one_killed_between_the_answer_and_the_removal_has_closed_its_sessions_and_leaves_nothing(
    daemon: DaemonProcess,
) -> None:
    sessions = [await daemon.create_session() for _ in range(2)]
    await daemon.request("POST", f"/v1/sessions/{sessions[1]['id']}/sleep")
    ids = {session["id"] for session in sessions}
    async with AsyncExitStack() as stack:
        for session in sessions:
            await stack.enter_async_context(in_the_way(daemon, session))
        for session in sessions:
            answer = await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
            assert (answer.status, answer.json["status"]) == (200, "closed")
        assert await asyncio.to_thread(live_ids, daemon) == ids, "it was answered before it was removed"
        await daemon.kill9()
    assert {Path(trace).name for trace in await asyncio.to_thread(traces, daemon)} >= ids
    await daemon.restart()
    await await_no_traces(daemon)
    assert await listed(daemon) == dict.fromkeys(ids, ("closed", "closed_by_user"))
    await daemon.create_session()


async def test_one_killed_in_the_middle_of_ends_has_ended_each_session_wholly_or_not_at_all(
    daemon: DaemonProcess,
) -> None:
    sessions = [await daemon.create_session() for _ in range(6)]

    async def end_after(delay_s: float, session: Json) -> http.Answer:
        await asyncio.sleep(delay_s)
        return await daemon.request("DELETE", f"/v1/sessions/{session['id']}")

    ending = [spawn(end_after(0.012 * number, session), name="ending") for number, session in enumerate(sessions)]
    await asyncio.sleep(0.04)
    await daemon.kill9()
    answers = await asyncio.gather(*ending, return_exceptions=True)
    await daemon.restart()
    found = await listed(daemon)
    closed = {id_ for id_, told in found.items() if told == ("closed", "closed_by_user")}
    answered = {one.json["id"] for one in answers if isinstance(one, http.Answer)}
    assert answered <= closed
    assert {told for id_, told in found.items() if id_ not in closed} <= {("ready", "")}
    assert await asyncio.to_thread(live_ids, daemon) == found.keys() - closed
    for session in sessions:
        if session["id"] not in closed:
            async with await CdpClient.connect(session["connect_url"]) as client:
                await client.send("Browser.getVersion")
            await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await await_no_traces(daemon)
