"""A hundred creates at once over the ceiling: exactly as many as there is room for, a clear 429 or 503 for the rest."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_no_traces
from cloche.testing.watching import events_until

CEILING = 6
QUOTA = 4


@pytest.fixture(scope="module")
def _small_daemon(stub_browser: Path) -> Iterator[DaemonProcess]:
    settings = {"max_sessions": CEILING, "max_sessions_per_principal": QUOTA}
    with DaemonProcess(chromium_shell=stub_browser, **settings) as daemon:
        yield daemon


@pytest.fixture
async def users(_small_daemon: DaemonProcess) -> dict[str, str]:
    """Two users' keys."""
    found = {}
    for name in ("ann", "bob"):
        found[name] = (await _small_daemon.request("POST", "/v1/keys", {"principal": name})).json["secret"]
    return found


async def create_at_once(daemon: DaemonProcess, keys: list[str]) -> list[httpx2.Response]:
    """One create for each key, all on their way before the first is answered."""
    limits = httpx2.Limits(max_connections=len(keys))
    async with httpx2.AsyncClient(base_url=daemon.base_url, limits=limits, timeout=30, trust_env=False) as client:
        creates = [client.post("/v1/sessions", json={}, headers={"authorization": f"Bearer {key}"}) for key in keys]
        return await asyncio.gather(*creates)


async def close(daemon: DaemonProcess, answers: list[httpx2.Response]) -> None:
    made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    await asyncio.gather(*(daemon.request("DELETE", f"/v1/sessions/{id_}") for id_ in made))
    await await_no_traces(daemon)


async def count_by_status(daemon: DaemonProcess) -> Counter[str]:
    listed = await daemon.request("GET", "/v1/sessions?limit=200")
    return Counter(session["status"] for session in listed.json["sessions"])


async def test_a_hundred_creates_at_once_admit_exactly_the_ceiling(
    _small_daemon: DaemonProcess, users: dict[str, str]
) -> None:
    answers = await create_at_once(_small_daemon, [users["ann"], users["bob"]] * 50)
    counted = Counter(answer.status_code for answer in answers)
    assert (counted[201], counted[429] + counted[503]) == (CEILING, 100 - CEILING)
    owners = Counter(answer.json()["owner"] for answer in answers if answer.status_code == 201)
    assert max(owners.values()) <= QUOTA
    for answer in answers:
        if answer.status_code != 201:
            body = answer.json()
            code, reason = ("busy", "sessions") if answer.status_code == 503 else ("quota_exceeded", "quota")
            assert (body["code"], body["reason"]) == (code, reason)
            assert body["retryable"] is True
            assert int(answer.headers["retry-after"]) == body["retry_after_s"] >= 1
    assert (await count_by_status(_small_daemon))["ready"] == CEILING
    assert (await _small_daemon.request("GET", "/readyz")).json["reasons"].keys() == {"capacity"}
    await close(_small_daemon, answers)


async def test_after_they_are_closed_there_is_room_for_as_many_again(
    _small_daemon: DaemonProcess, users: dict[str, str]
) -> None:
    answers = await create_at_once(_small_daemon, [users["ann"], users["bob"]] * CEILING)
    assert sum(answer.status_code == 201 for answer in answers) == CEILING
    await close(_small_daemon, answers)
    assert (await _small_daemon.request("GET", "/readyz")).status == 200


async def test_a_principal_meets_its_own_quota_before_the_servers_ceiling(
    _small_daemon: DaemonProcess, users: dict[str, str]
) -> None:
    answers = await create_at_once(_small_daemon, [users["ann"]] * 30)
    assert Counter(answer.status_code for answer in answers) == {201: QUOTA, 429: 30 - QUOTA}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 429} == {"quota_exceeded"}
    others = await create_at_once(_small_daemon, [users["bob"]] * 10)
    assert sum(answer.status_code == 201 for answer in others) == CEILING - QUOTA
    assert {answer.json()["code"] for answer in others if answer.status_code != 201} == {"busy"}
    assert {answer.status_code for answer in others} == {201, 503}
    await close(_small_daemon, answers + others)


async def test_starts_that_fail_give_their_places_back(_small_daemon: DaemonProcess, users: dict[str, str]) -> None:
    for _ in range(QUOTA + 1):
        answer = await _small_daemon.request("POST", "/v1/sessions", {"user_agent": "crash"}, key=users["ann"])
        assert answer.status == 502
    answers = await create_at_once(_small_daemon, [users["ann"]] * 10)
    assert sum(answer.status_code == 201 for answer in answers) == QUOTA
    await close(_small_daemon, answers)


async def test_refused_creates_leave_no_row_behind(_small_daemon: DaemonProcess, users: dict[str, str]) -> None:
    before = (await count_by_status(_small_daemon)).total()
    answers = await create_at_once(_small_daemon, [users["bob"]] * 40)
    await close(_small_daemon, answers)
    assert (await count_by_status(_small_daemon)).total() == before + QUOTA


@pytest.mark.promise("waiting-is-fair")
async def test_who_waits_is_served_in_turn_and_one_who_asks_for_much_holds_up_nobody(
    _small_daemon: DaemonProcess, users: dict[str, str]
) -> None:
    """Ann waits for two, and then the admin for one: that one is second, and not third."""
    held = await create_at_once(_small_daemon, [users["bob"]] * QUOTA)
    first = await create_at_once(_small_daemon, [users["ann"]] * (CEILING - QUOTA))
    waiting = [await queued(_small_daemon, users["ann"]) for _ in range(2)]
    admin = await queued(_small_daemon, _small_daemon.key)
    assert [session["queue_position"] for session in (*waiting, admin)] == [1, 2, 2]
    for answer in held[:2]:
        await _small_daemon.request("DELETE", f"/v1/sessions/{answer.json()['id']}")
    for session in (waiting[0], admin):
        await until_ready(_small_daemon, session["id"])
    last = (await _small_daemon.request("GET", f"/v1/sessions/{waiting[1]['id']}")).json
    assert (last["status"], last["queue_position"]) == ("pending", 1)
    gone = await _small_daemon.request("DELETE", f"/v1/sessions/{waiting[1]['id']}")
    assert (gone.json["status"], gone.json["queue_position"]) == ("closed", None)
    for session in (waiting[0], admin):
        await _small_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await close(_small_daemon, held + first)


async def test_a_client_that_hangs_up_leaves_the_queue_and_its_turn_goes_to_the_next(
    _small_daemon: DaemonProcess, users: dict[str, str]
) -> None:
    held = await create_at_once(_small_daemon, [users["bob"]] * QUOTA + [users["ann"]] * (CEILING - QUOTA))
    headers = {"authorization": f"Bearer {_small_daemon.key}"}
    async with httpx2.AsyncClient(base_url=_small_daemon.base_url, headers=headers, trust_env=False) as client:
        asking = spawn(client.post("/v1/sessions", json={"queue_timeout_s": 60}, timeout=30), name="asking")
        await until_waiting(_small_daemon, 1)
        await cancel_and_wait(asking)
    await until_waiting(_small_daemon, 0)
    next_ = await queued(_small_daemon, users["ann"])
    await _small_daemon.request("DELETE", f"/v1/sessions/{held[0].json()['id']}")
    await until_ready(_small_daemon, next_["id"])
    assert (await count_by_status(_small_daemon))["ready"] == CEILING
    await _small_daemon.request("DELETE", f"/v1/sessions/{next_['id']}")
    await close(_small_daemon, held)


async def test_a_daemon_that_stops_sends_away_who_waits(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser, max_sessions=1) as daemon:
        await daemon.create_session()
        headers = {"authorization": f"Bearer {daemon.key}"}
        async with httpx2.AsyncClient(base_url=daemon.base_url, headers=headers, trust_env=False) as client:
            asking = spawn(client.post("/v1/sessions", json={"queue_timeout_s": 60}, timeout=30), name="asking")
            await until_waiting(daemon, 1)
            stopping = spawn(daemon.terminate(), name="stopping")
            refused = await asking
            assert await stopping == 0
    assert (refused.status_code, refused.json()["reason"]) == (503, "stopping")


async def test_a_daemon_that_is_killed_forgets_who_waited_and_says_so(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser, max_sessions=1) as daemon:
        held = await daemon.create_session()
        waiting = await queued(daemon, daemon.key)
        await events_until(daemon, waiting["id"], "session.queued")
        await daemon.kill9()
        await daemon.restart()
        found = (await daemon.request("GET", f"/v1/sessions/{waiting['id']}")).json
        assert (found["status"], found["reason"], found["queue_position"]) == ("failed", "sandbox_lost", None)
        assert (await daemon.request("GET", f"/v1/sessions/{held['id']}")).json["status"] == "ready"
        assert (await daemon.request("POST", "/v1/sessions", {})).status == 503
        await daemon.request("DELETE", f"/v1/sessions/{held['id']}")
        assert (await daemon.request("POST", "/v1/sessions", {})).status == 201


async def queued(daemon: DaemonProcess, key: str) -> dict[str, Any]:
    """A session that waits for its place."""
    made = await daemon.request("POST", "/v1/sessions?wait=false", {"queue_timeout_s": 60}, key=key)
    assert (made.status, made.json["status"]) == (202, "pending")
    session: dict[str, Any] = made.json
    return session


async def until_ready(daemon: DaemonProcess, session_id: str) -> None:
    async with asyncio.timeout(10):
        while (await daemon.request("GET", f"/v1/sessions/{session_id}")).json["status"] != "ready":
            await asyncio.sleep(0.02)


async def until_waiting(daemon: DaemonProcess, count: int) -> None:
    async with asyncio.timeout(10):
        while f"cloche_admission_queue_length {count}.0" not in (await daemon.request("GET", "/metrics")).body.decode():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("reason", "settings"), [("memory", {"memory_reserve_bytes": 1 << 50}), ("pids", {"pids_reserve": 1 << 30})]
)
async def test_a_machine_that_is_short_refuses_though_there_are_places(
    stub_browser: Path, reason: str, settings: dict[str, int]
) -> None:
    async with DaemonProcess(chromium_shell=stub_browser, **settings) as daemon:
        refused = await daemon.request("POST", "/v1/sessions", {})
        assert (refused.status, refused.json["code"], refused.json["reason"]) == (503, "busy", reason)
        assert int(refused.headers["retry-after"]) == refused.json["retry_after_s"] >= 1
        ready = await daemon.request("GET", "/readyz")
        assert (ready.status, list(ready.json["reasons"])) == (503, ["capacity"])
        assert (
            f'cloche_admission_short{{resource="{reason}"}} 1.0'
            in (await daemon.request("GET", "/metrics")).body.decode()
        )
        assert (await daemon.request("GET", "/v1/sessions")).json["sessions"] == []
