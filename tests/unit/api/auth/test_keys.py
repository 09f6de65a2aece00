"""The key store, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from cloche.api.auth import rows
from cloche.api.auth.keys import BELIEVED_S, LAST_USED_EVERY, KeyStore
from cloche.errors import InvalidError, NotFoundError
from cloche.ids import KeyId, new_key_id
from cloche.sessions.principal import NO_SCOPES, Role, Scope
from cloche.storage.database import Database


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    def build() -> Database:
        plain = create_engine(f"sqlite:///{tmp_path / 'keys.db'}")
        rows.keys.create(plain)
        plain.dispose()
        return Database(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'keys.db'}"))

    database = await asyncio.to_thread(build)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, clock)


async def test_a_key_verifies_as_its_principal(store: KeyStore) -> None:
    record, secret = await store.create(principal="alice", role=Role.USER, name="laptop")
    assert secret.startswith("ck_") and len(secret) >= 46
    principal = await store.verify(secret)
    assert principal is not None and principal.name == "alice" and principal.role is Role.USER
    assert (record.principal, record.name, record.revoked_at) == ("alice", "laptop", None)


@pytest.mark.parametrize("secret", ["", "ck_", "ck_" + "x" * 43, "x" * 10_000, "ck_\ud800"])
async def test_what_is_not_a_key_verifies_as_no_one(store: KeyStore, secret: str) -> None:
    await store.create(principal="alice", role=Role.USER)
    assert await store.verify(secret) is None


async def test_the_secret_itself_is_stored_nowhere(store: KeyStore, database: Database) -> None:
    _, secret = await store.create(principal="alice", role=Role.USER)
    async with database.read() as connection:
        found = (await connection.execute(select(rows.keys))).one()
    assert secret not in repr(found) and secret.removeprefix("ck_") not in repr(found)


async def test_a_revoked_key_is_useless_at_once_and_stays_listed(store: KeyStore, clock: Clock) -> None:
    record, secret = await store.create(principal="alice", role=Role.USER)
    revoked = await store.revoke(record.id)
    assert revoked.revoked_at == clock.time
    assert await store.verify(secret) is None
    clock.time += timedelta(days=1)
    assert (await store.revoke(record.id)).revoked_at == revoked.revoked_at
    assert [key.id for key in (await store.list()).keys] == [record.id]


async def test_a_revoked_key_is_useless_at_once_although_its_revoker_hung_up(
    store: KeyStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, secret = await store.create(principal="alice", role=Role.USER)
    assert await store.verify(secret)
    begin = database.begin

    @asynccontextmanager
    async def broken_off() -> AsyncIterator[AsyncConnection]:
        async with begin() as connection:
            yield connection
        raise asyncio.CancelledError

    monkeypatch.setattr(database, "begin", broken_off)
    with pytest.raises(asyncio.CancelledError):
        await store.revoke(record.id)
    assert await store.verify(secret) is None


async def test_an_unknown_key_cannot_be_revoked(store: KeyStore) -> None:
    with pytest.raises(NotFoundError):
        await store.revoke(new_key_id())


async def test_last_use_is_noted_at_most_once_a_minute(store: KeyStore, clock: Clock) -> None:
    _, secret = await store.create(principal="alice", role=Role.USER)
    first = clock.time
    await store.verify(secret)
    clock.time += LAST_USED_EVERY / 2
    await store.verify(secret)
    assert (await store.list()).keys[0].last_used_at == first
    clock.time += LAST_USED_EVERY
    await store.verify(secret)
    assert (await store.list()).keys[0].last_used_at == clock.time


async def test_listing_goes_page_by_page_newest_first(store: KeyStore) -> None:
    made = sorted([(await store.create(principal="alice", role=Role.USER))[0].id for _ in range(5)], reverse=True)
    found, cursor, pages = list[KeyId](), None, 0
    while pages == 0 or cursor is not None:
        page = await store.list(limit=2, cursor=cursor)
        found += [key.id for key in page.keys]
        cursor, pages = page.next_cursor, pages + 1
    assert found == made and pages == 3


@pytest.mark.parametrize("limit", [0, 201, -1])
async def test_a_page_has_a_sensible_size(store: KeyStore, limit: int) -> None:
    with pytest.raises(InvalidError):
        await store.list(limit=limit)


@pytest.mark.parametrize("principal", ["", "Alice", "a b", "a" * 65, "-a", "a\n"])
async def test_a_principal_needs_a_plain_name(store: KeyStore, principal: str) -> None:
    with pytest.raises(InvalidError):
        await store.create(principal=principal, role=Role.USER)


async def test_a_role_that_is_none_is_refused(store: KeyStore) -> None:
    with pytest.raises(InvalidError):
        await store.create(principal="alice", role="root")


async def test_a_key_has_the_scopes_it_was_made_with(store: KeyStore) -> None:
    plain, plain_secret = await store.create(principal="alice", role=Role.USER)
    scoped, scoped_secret = await store.create(principal="alice", role="user", scopes=["machine", Scope.MACHINE])
    assert plain.scopes == NO_SCOPES and scoped.scopes == {Scope.MACHINE}
    for secret, has_it in ((plain_secret, False), (scoped_secret, True)):
        principal = await store.verify(secret)
        assert principal is not None and principal.has(Scope.MACHINE) is has_it
    assert {key.id: key.scopes for key in (await store.list()).keys} == {plain.id: NO_SCOPES, scoped.id: scoped.scopes}
    assert (await store.revoke(scoped.id)).scopes == scoped.scopes


async def test_an_admin_may_everything_with_scopes_and_without(store: KeyStore) -> None:
    for scopes in ((), ("machine",)):
        _, secret = await store.create(principal="root", role=Role.ADMIN, scopes=scopes)
        principal = await store.verify(secret)
        assert principal is not None and principal.has(Scope.MACHINE) and principal.scopes == set(scopes)


@pytest.mark.parametrize("scopes", [["root"], [""], ["machine", "x"], ["Machine"]])
async def test_a_scope_that_is_none_is_refused(store: KeyStore, scopes: list[str]) -> None:
    with pytest.raises(InvalidError) as caught:
        await store.create(principal="alice", role=Role.USER, scopes=scopes)
    assert caught.value.fields["field"] == "scopes" and not await store.has_any()


async def test_a_scope_of_a_later_version_allows_nothing(store: KeyStore, database: Database) -> None:
    _, secret = await store.create(principal="alice", role=Role.USER)
    async with database.begin() as connection:
        await connection.execute(update(rows.keys).values(scopes=["everything"]))
    principal = await store.verify(secret)
    assert principal is not None and principal.scopes == NO_SCOPES


async def test_the_operators_key_is_made_once(store: KeyStore) -> None:
    assert not await store.has_any()
    first = await store.ensure_admin("a secret from the environment")
    assert await store.ensure_admin("a secret from the environment") == first
    principal = await store.verify("a secret from the environment")
    assert principal is not None and principal.role is Role.ADMIN
    assert await store.has_any()


async def test_the_operators_key_does_not_come_back_after_it_was_revoked(store: KeyStore) -> None:
    record = await store.ensure_admin("ck_0123456789abcdef")
    await store.revoke(record.id)
    with pytest.raises(InvalidError):
        await store.ensure_admin("ck_0123456789abcdef")
    assert not await store.has_any()


@pytest.mark.parametrize("secret", ["short", "x" * 300, "line\nbreak in the secret"])
async def test_a_poor_operators_key_is_refused(store: KeyStore, secret: str) -> None:
    with pytest.raises(InvalidError):
        await store.ensure_admin(secret)


async def test_a_users_key_cannot_become_the_operators(store: KeyStore) -> None:
    _, secret = await store.create(principal="alice", role=Role.USER)
    with pytest.raises(InvalidError):
        await store.ensure_admin(secret)


async def test_a_key_that_was_just_believed_is_refused_as_soon_as_it_is_revoked(store: KeyStore) -> None:
    record, secret = await store.create(principal="alice", role=Role.USER)
    for _ in range(3):
        assert await store.verify(secret) is not None
    await store.revoke(record.id)
    assert await store.verify(secret) is None


async def test_a_key_revoked_by_another_process_is_believed_for_a_moment_only(
    store: KeyStore, clock: Clock, database: Database
) -> None:
    record, secret = await store.create(principal="alice", role=Role.USER)
    assert await store.verify(secret) is not None
    await KeyStore(database, clock).revoke(record.id)
    clock.time += timedelta(seconds=BELIEVED_S)
    assert await store.verify(secret) is None


@pytest.mark.parametrize("name", ["cloche", "sandbox", "link"])
async def test_nobody_can_act_under_a_name_that_the_journal_has_for_itself(store: KeyStore, name: str) -> None:
    with pytest.raises(InvalidError):
        await store.create(principal=name, role=Role.USER)
