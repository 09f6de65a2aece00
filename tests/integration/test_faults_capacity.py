"""A hundred creates at once over the ceiling: exactly as many as there is room for, a clear 429 for the rest."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_no_traces

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
    assert Counter(answer.status_code for answer in answers) == {201: CEILING, 429: 100 - CEILING}
    owners = Counter(answer.json()["owner"] for answer in answers if answer.status_code == 201)
    assert max(owners.values()) <= QUOTA
    for answer in answers:
        if answer.status_code == 429:
            body = answer.json()
            assert body["code"] in ("busy", "quota_exceeded")
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
    assert {answer.json()["code"] for answer in others if answer.status_code == 429} == {"busy"}
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
