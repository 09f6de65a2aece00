"""Both Python clients against the served API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from cloche.client.aio import Client
from cloche.client.patience import Patience
from cloche.client.sync import SyncClient
from cloche.errors import (
    BusyError,
    CapacityError,
    DeniedError,
    GoneError,
    InvalidError,
    LostError,
    NoRoomError,
    NotFoundError,
    StartError,
    UnauthenticatedError,
)
from cloche.ids import SessionId, new_session_id
from cloche.sessions.model import EndReason
from cloche.testing.api import RunningApi, running_api


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def test_a_session_is_made_looked_at_extended_listed_and_closed(api: RunningApi) -> None:
    async with Client(api.url, api.user_key) as client:
        made = await client.sessions.create(labels={"team": "blue"}, lifetime_s=60)
        assert made.status == "ready" and made.connect_url and made.labels == {"team": "blue"}
        assert (await client.sessions.get(made.id)).connect_url == made.connect_url
        extended = await client.sessions.extend(made.id, lifetime_s=3600)
        assert extended.expires_at > made.expires_at
        assert (await client.sessions.sleep(made.id)).status == "sleeping"
        assert (await client.sessions.wake(made.id)).status == "ready"
        assert (await client.sessions.hibernate(made.id)).status == "hibernated"
        assert (await client.sessions.wake(made.id)).status == "ready"
        await client.sessions.create()
        page = await client.sessions.list(labels={"team": "blue"}, status="ready")
        assert [session.id for session in page.sessions] == [made.id]
        assert len([session async for session in client.sessions.iterate()]) == 2
        closed = await client.sessions.close(made.id)
        assert (closed.status, closed.reason, closed.connect_url) == ("closed", "closed_by_user", None)
        assert (await client.sessions.create(wait=False)).status == "pending"
        assert (await client.readiness()).ready


async def test_the_synchronous_client_does_the_same(api: RunningApi) -> None:
    def use() -> None:
        with SyncClient(api.url, api.user_key) as client:
            made = client.sessions.create(labels={"team": "blue"})
            assert client.sessions.get(made.id).id == made.id
            assert client.sessions.extend(made.id, lifetime_s=60).id == made.id
            assert client.sessions.sleep(made.id).status == "sleeping"
            assert client.sessions.hibernate(made.id).status == "hibernated"
            assert client.sessions.wake(made.id).status == "ready"
            assert [session.id for session in client.sessions.iterate(labels={"team": "blue"})] == [made.id]
            assert client.sessions.close(made.id).status == "closed"
            types = [event.type for event in client.sessions.events(made.id)]
            told = ["created", "ready", "extended", "asleep", "hibernated", "awake", "closed"]
            assert types == [f"session.{each}" for each in told]
            assert list(client.sessions.events(made.id, after=7)) == []
            assert client.readiness().ready

    await asyncio.to_thread(use)


async def test_keys_are_managed_with_an_admins_key(api: RunningApi) -> None:
    async with Client(api.url, api.admin_key) as client:
        made = await client.keys.create(principal="carol", name="laptop")
        assert made.secret.startswith("ck_") and made.role == "user"
        assert made.id in {key.id for key in (await client.keys.list()).keys}
        assert (await client.keys.revoke(made.id)).revoked_at is not None


async def test_events_arrive_as_they_happen_until_the_end(api: RunningApi) -> None:
    async with Client(api.url, api.user_key) as client:
        made = await client.sessions.create()
        seen: list[str] = []
        async with asyncio.timeout(10), aclosing(client.sessions.events(made.id)) as events:
            async for event in events:
                seen.append(event.type)
                if event.type == "session.ready":
                    await api.manager.end(SessionId(made.id), EndReason.IDLE_TIMEOUT)
        assert seen == ["session.created", "session.ready", "session.closed"]


async def test_problems_come_back_as_the_errors_they_were(api: RunningApi) -> None:
    async with Client(api.url, api.user_key) as client:
        made = await client.sessions.create()
        with pytest.raises(NotFoundError):
            await client.sessions.get(new_session_id())
        with pytest.raises(InvalidError) as invalid:
            await client.sessions.create(lifetime_s=-1)
        assert invalid.value.fields["field"] == "lifetime_s"
        with pytest.raises(DeniedError):
            await client.keys.list()
        await client.sessions.close(made.id)
        with pytest.raises(GoneError) as gone:
            await client.sessions.extend(made.id, lifetime_s=60)
        assert gone.value.fields["reason"] == "closed_by_user"
        api.manager.create_error = BusyError("full", retry_after_s=17)
        with pytest.raises(BusyError) as busy:
            await client.sessions.create()
        assert busy.value.retry_after_s == 17
        api.manager.create_error = StartError("no browser", reason="browser_missing")
        with pytest.raises(StartError) as failed:
            await client.sessions.create()
        assert failed.value.reason == "browser_missing"
    async with Client(api.url, "ck_wrong") as client:
        with pytest.raises(UnauthenticatedError):
            await client.sessions.list()
        with pytest.raises(UnauthenticatedError):
            await anext(client.sessions.events(made.id))


async def test_a_create_is_asked_again_when_told_so_and_when_the_server_says(
    api: RunningApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = NoRoomError("full", retry_after_s=17, reason="sessions", queued=3)
    refused: list[CapacityError] = []

    def there_is_room_now(_patience: Patience, refusal: CapacityError) -> float:
        refused.append(refusal)
        api.manager.create_error = None
        return 0.0

    def use() -> None:
        with SyncClient(api.url, api.user_key) as client:
            assert client.sessions.create(retry_for_s=20).status == "ready"

    async with Client(api.url, api.user_key) as client:
        api.manager.create_error = refusal
        with pytest.raises(NoRoomError) as caught:
            await client.sessions.create(retry_for_s=16)
        assert (caught.value.retry_after_s, caught.value.fields["queued"]) == (17, 3)
        monkeypatch.setattr(Patience, "pause_s", there_is_room_now)
        made = await client.sessions.create(retry_for_s=20, queue_timeout_s=1.5)
    assert (made.status, made.queue_position) == ("ready", None)
    assert api.manager.requests[-1].queue_timeout_s == 1.5
    api.manager.create_error = refusal
    await asyncio.to_thread(use)
    assert [error.retry_after_s for error in refused] == [17, 17]


async def test_a_server_that_is_not_ready_says_why_instead_of_failing(api: RunningApi) -> None:
    api.manager.not_ready = {"sandbox": "no bubblewrap"}
    async with Client(api.url) as client:
        assert (await client.readiness()).reasons == {"sandbox": "no bubblewrap"}


async def test_a_server_that_is_not_there_is_lost() -> None:
    async with Client("http://127.0.0.1:1") as client:
        with pytest.raises(LostError):
            await client.readiness()
