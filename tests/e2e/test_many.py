"""Many sessions at once: each works, none knows of the others, and no more are admitted than there is room for."""

import asyncio
from collections import Counter
from typing import Any, Final

import httpx2
import pytest

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

SESSIONS: Final = 10
CEILING: Final = 5
CREATES: Final = 100


async def test_ten_sessions_made_at_once_all_work_and_are_apart(
    shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    here, everyone = 0, asyncio.Event()

    async def live(number: int) -> list[Any]:
        session = await shared_daemon.create_session(labels={"number": str(number)})
        async with await CdpClient.connect(session["connect_url"]) as client:
            page = await client.new_page(local_web.url("site.test", f"/cookies/set?number={number}"))
            await page.goto(local_web.url("site.test", "/storage"))
            nonlocal here
            here += 1
            if here == SESSIONS:
                everyone.set()
            # All have written by now: what one finds is what it wrote.
            async with asyncio.timeout(60):
                await everyone.wait()
            await page.goto(local_web.url("site.test", "/cookies"))
            cookies = await page.evaluate("JSON.parse(document.body.innerText)")
            await page.goto(local_web.url("site.test", "/storage"))
            return [session["id"], cookies, await page.evaluate("document.title")]

    found = await asyncio.gather(*(live(number) for number in range(SESSIONS)))
    assert len({session_id for session_id, *_ in found}) == SESSIONS
    assert [rest for _, *rest in found] == [[{"number": str(number)}, "visits 2"] for number in range(SESSIONS)]


@pytest.mark.promise("exact-admission")
async def test_of_a_hundred_creates_at_once_exactly_as_many_are_admitted_as_there_is_room_for(
    local_web: LocalWeb,
) -> None:
    settings = {"max_sessions": CEILING, "max_sessions_per_principal": CREATES}
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, **settings) as daemon:
        headers = {"authorization": f"Bearer {daemon.key}"}
        limits = httpx2.Limits(max_connections=CREATES)
        async with httpx2.AsyncClient(trust_env=False, timeout=60, headers=headers, limits=limits) as client:
            create = f"{daemon.base_url}/v1/sessions"
            answers = await asyncio.gather(*(client.post(create, json={}) for _ in range(CREATES)))
            assert Counter(answer.status_code for answer in answers) == {201: CEILING, 503: CREATES - CEILING}
            for refused in (answer for answer in answers if answer.status_code == 503):
                assert int(refused.headers["retry-after"]) >= 1
                assert (refused.json()["code"], refused.json()["retryable"]) == ("busy", True)
            # Refused before anything was started or written.
            assert len((await client.get(f"{create}?limit=200")).json()["sessions"]) == CEILING
            assert len(list(daemon.run_dir.glob("ses_*"))) == CEILING
            assert (await client.get(f"{daemon.base_url}/readyz")).status_code == 503
            # A place that is given back is there for the next.
            first = next(answer.json() for answer in answers if answer.status_code == 201)
            await client.delete(f"{create}/{first['id']}")
            assert (await client.post(create, json={})).status_code == 201


async def test_a_users_quota_is_its_own(local_web: LocalWeb) -> None:
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, max_sessions_per_principal=1) as daemon:
        keys = {}
        for name in ("ada", "grace"):
            made = await daemon.request("POST", "/v1/keys", {"principal": name})
            keys[name] = made.json["secret"]
        answers = await asyncio.gather(
            *(daemon.request("POST", "/v1/sessions", {}, key=key) for key in keys.values() for _ in range(2))
        )
        assert sorted(answer.status for answer in answers) == [201, 201, 429, 429]
        assert {answer.json["code"] for answer in answers if answer.status == 429} == {"quota_exceeded"}
        owned = {answer.json["owner"]: answer.json for answer in answers if answer.status == 201}
        assert set(owned) == {"ada", "grace"}
        # One's session does not exist for the other.
        for verb, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/health")):
            seen = await daemon.request(verb, f"/v1/sessions/{owned['ada']['id']}{path}", key=keys["grace"])
            assert seen.status == 404
        listed = (await daemon.request("GET", "/v1/sessions", key=keys["grace"])).json["sessions"]
        assert [session["owner"] for session in listed] == ["grace"]
