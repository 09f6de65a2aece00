"""The audit journal over real HTTP, and what the doors write into it."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloche.audit.exported import ExportWalk
from cloche.client.aio import Client
from cloche.errors import DeniedError, InvalidError, JournalError
from cloche.testing.api import RunningApi, running_api
from cloche.testing.audit import JournalWorld, journal_in
from cloche.testing.daemon import DaemonProcess


@dataclass(frozen=True)
class Doors:
    api: RunningApi
    world: JournalWorld

    def client(self, key: str) -> Client:
        return Client(self.api.url, key)

    async def kinds(self) -> list[str]:
        return [row.entry.kind for row in await self.world.rows()]


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    async with (
        journal_in(tmp_path, max_events=60) as world,
        running_api(journal=world.journal, audit=world.reader) as api,
    ):
        yield Doors(api, world)


async def test_keys_are_written_down_before_the_answer_without_their_secret(doors: Doors) -> None:
    async with doors.client(doors.api.admin_key) as admin:
        made = await admin.keys.create(principal="carol", name="laptop", scopes=["machine"])
        assert await doors.kinds() == ["key.created"]
        await admin.keys.revoke(made.id)
        assert await doors.kinds() == ["key.created", "key.revoked"]
        (_, created) = (await admin.audit.list(kind="key.")).events
    assert (created.actor, created.owner, created.subject, created.outcome) == ("root", "carol", made.id, "ok")
    assert created.data == {"role": "user", "name": "laptop", "scopes": "machine"}
    assert made.secret not in created.model_dump_json()


async def test_a_user_sees_what_concerns_the_own_things_and_nothing_else(doors: Doors) -> None:
    await doors.world.wrote("session.created", owner="alice", actor="alice", session_id="ses_1")
    await doors.world.wrote("action.click", owner="alice", actor="root", session_id="ses_1")
    await doors.world.wrote("session.created", owner="mallory", actor="mallory", session_id="ses_2")
    await doors.world.wrote("auth.failed", owner="", actor="")
    async with doors.client(doors.api.user_key) as alice, doors.client(doors.api.admin_key) as admin:
        assert [event.seq for event in (await alice.audit.list()).events] == [2, 1]
        assert (await alice.audit.list(session_id="ses_2")).events == []
        assert [event.seq for event in (await admin.audit.list()).events] == [4, 3, 2, 1]
        with pytest.raises(DeniedError):
            await alice.audit.verify()
        with pytest.raises(DeniedError):
            async for _ in alice.audit.export():
                pass


async def test_pages_join_in_both_directions(doors: Doors) -> None:
    await doors.world.wrote(*["a.b"] * 7)
    async with doors.client(doors.api.admin_key) as admin:
        assert [event.seq async for event in admin.audit.iterate()] == [7, 6, 5, 4, 3, 2, 1]
        first = await admin.audit.list(limit=3)
        second = await admin.audit.list(limit=3, cursor=first.next_cursor)
        assert [event.seq for event in second.events] == [4, 3, 2]
        following = await admin.audit.list(limit=2, after=5)
        assert ([event.seq for event in following.events], following.next_cursor) == ([6, 7], None)


async def test_what_cannot_be_asked_is_refused(doors: Doors) -> None:
    wrong = ("limit=0", "limit=1001", "cursor=x", "cursor=-1", "cursor=3&after=3", "since=yesterday", "after=-1")
    async with doors.api.http(doors.api.admin_key) as admin:
        for query in wrong:
            answer = await admin.get(f"/v1/audit?{query}")
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), query


async def test_times_with_another_zone_are_understood(doors: Doors) -> None:
    await doors.world.wrote("a.b")
    async with doors.api.http(doors.api.admin_key) as admin:
        for since, count in (("2026-01-01T01:00:00%2B01:00", 1), ("2026-01-01T01:00:00Z", 0)):
            assert len((await admin.get(f"/v1/audit?since={since}")).json()["events"]) == count


async def test_an_export_is_json_lines_that_can_be_followed_without_a_server(doors: Doors) -> None:
    await doors.world.wrote(*["a.b"] * 30, data={"text": "ä\n", "share": 0.25})
    async with doors.client(doors.api.admin_key) as admin:
        exported = b"".join([piece async for piece in admin.audit.export()]).decode()
        found = ExportWalk().follow(exported.splitlines())
        assert (found.rows, found.broken_at) == (31, None)
        assert json.loads(exported.splitlines()[-1])["kind"] == "audit.exported"


async def test_a_verification_says_whether_the_chain_holds_and_is_written_down_itself(doors: Doors) -> None:
    await doors.world.wrote("a.b", "c.d")
    async with doors.client(doors.api.admin_key) as admin:
        found = await admin.audit.verify()
    assert (found.holds, found.rows, found.broken_at) == (True, 2, None)
    assert (await doors.kinds())[-1] == "audit.verified"


async def test_who_is_not_let_in_is_written_down_once_a_second_and_counted(doors: Doors) -> None:
    async with doors.api.http("ck_wrong") as stranger:
        for _ in range(5):
            assert (await stranger.get("/v1/sessions")).status_code == 401
        doors.api.clock.offset += doors.api.clock.offset.resolution * 2_000_000
        assert (await stranger.get("/v1/sessions")).status_code == 401
    await doors.world.journal.settled()
    told: list[Mapping[str, Any]] = [json.loads(row.entry.data) for row in await doors.world.rows()]
    assert [(data["address"], data["count"], data["door"]) for data in told] == [
        ("127.0.0.1", 1, "http"),
        ("127.0.0.1", 5, "http"),
    ]


async def test_a_journal_that_is_full_lets_nothing_new_be_done_and_still_be_read(doors: Doors) -> None:
    await doors.world.wrote(*["a.b"] * 60)
    async with doors.client(doors.api.admin_key) as admin, doors.api.http(doors.api.admin_key) as http:
        with pytest.raises(JournalError, match="full"):
            await admin.keys.create(principal="carol")
        answer = await http.post("/v1/keys", json={"principal": "carol"})
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["done"]) == (503, "audit_unavailable", False)
        assert len((await admin.audit.list(limit=1000)).events) == 60
        with pytest.raises(InvalidError):
            await admin.audit.list(limit=5000)
    async with doors.api.http(doors.api.admin_key) as http:
        assert "carol" not in (await http.get("/v1/keys")).text


async def test_a_journal_that_cannot_be_written_can_still_be_verified(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise JournalError("it could not be written", done=True)

    monkeypatch.setattr(doors.world.journal, "settled", fails)
    async with doors.client(doors.api.admin_key) as admin:
        assert (await admin.audit.verify()).holds
        with pytest.raises(JournalError):
            await admin.keys.create(principal="carol")


async def test_a_daemon_writes_down_a_session_and_vouches_for_its_journal(stub_daemon: DaemonProcess) -> None:
    session = (await stub_daemon.request("POST", "/v1/sessions", {})).json
    await stub_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    listed = (await stub_daemon.request("GET", f"/v1/audit?session_id={session['id']}")).json
    kinds = [event["kind"] for event in listed["events"]]
    assert kinds == ["session.closed", "session.closing", "session.close", "session.created"]
    found = (await stub_daemon.request("POST", "/v1/audit/verify")).json
    assert found["holds"] and found["rows"] >= 4


async def test_a_server_without_a_journal_says_so() -> None:
    async with running_api() as api, api.http(api.admin_key) as admin:
        answer = await admin.get("/v1/audit")
    assert (answer.status_code, answer.json()["reason"]) == (409, "audit_off")
