"""Named pools: who may, what is kept of them, and what a session of one is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cloche.audit.model import AuditRecord
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.policy import EgressPolicy
from cloche.errors import (
    ClocheError,
    ConflictError,
    DeniedError,
    InternalError,
    InvalidError,
    JournalError,
    NotFoundError,
    QuotaError,
    StartError,
)
from cloche.ids import ProfileId, new_session_id
from cloche.sandbox.driver import Observation
from cloche.sandbox.spec import Engine
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.audit import AuditWriter
from cloche.sessions.egress_policy import EgressCeiling
from cloche.sessions.model import (
    EgressOptions,
    ProfileUse,
    SessionRequest,
    SessionStatus,
    Viewport,
)
from cloche.sessions.pool import named as module
from cloche.sessions.pool import rows
from cloche.sessions.pool.keeper import PoolSettings
from cloche.sessions.pool.model import Acquire, NewPool, Pool
from cloche.testing.cancelling import cancelled_at
from cloche.testing.session_world import ADMIN, ANN, BOB, World

from .conftest import Make, asleep, until

PHONE = Viewport(width=400)
PROXY = "socks5://user:secret-word@203.0.113.9:1080"


@dataclass
class Journal(AuditWriter):
    is_full: bool = False
    records: list[AuditRecord] = field(default_factory=list)
    settled_records: int = 0

    def require(self) -> None:
        if self.is_full:
            raise JournalError("the journal is full")

    def note(self, record: AuditRecord) -> None:
        self.records.append(record)

    async def settled(self) -> None:
        self.settled_records = len(self.records)


@pytest.fixture
async def world(make_world: Make, chromium: None) -> World:
    """None wait but those of named pools."""
    world = make_world(pool=PoolSettings(size=0, settle_s=0), audit=Journal())
    world.manager.begin_pool()
    return world


def journal(world: World) -> Journal:
    assert isinstance(world.audit, Journal)
    return world.audit


async def names(world: World) -> list[str]:
    """Of all pools that somebody made."""
    return [one.record.name for one in (await world.pools.list(ANN))[1:]]


async def made(world: World, name: str = "blue", size: int = 1, **request: Any) -> Pool:
    return await world.pools.create(ADMIN, NewPool(name=name, size=size, request=SessionRequest(**request)))


async def filled(world: World, name: str = "blue", size: int = 1, **request: Any) -> set[str]:
    """A pool whose sandboxes all stand still: which they are."""
    before = asleep(world)
    await made(world, name, size, **request)
    await until(lambda: len(asleep(world) - before) == size)
    return asleep(world) - before


# --- making and looking ---------------------------------------------------------------------------------------------


async def test_a_pool_is_made_listed_and_filled(world: World) -> None:
    pool = await made(world, "blue", 2, viewport=PHONE, labels={"team": "blue"})
    assert (pool.record.name, pool.record.size, pool.stock.ready, pool.hit_rate) == ("blue", 2, 0, None)
    await made(world, "amber", 0)
    await until(lambda: len(asleep(world)) == 2)

    assert [one.record.name for one in await world.pools.list(ANN)] == ["default", "amber", "blue"]
    seen = await world.pools.get(ANN, "blue")
    assert (seen.stock.ready, seen.stock.building, seen.stock.wanted, seen.in_use) == (2, 0, 2, 0)
    flags = [world.driver.host.sandboxes[id_].spec.agent_config.browser for id_ in asleep(world)]  # type: ignore[index]
    assert all(browser is not None and "--window-size=400,800" in browser.args for browser in flags)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a" * 64, "a/b", "ä", "a\n"])
async def test_what_is_no_name_is_refused(world: World, name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await made(world, name)
    assert caught.value.fields["field"] == "name"
    assert await names(world) == []


@pytest.mark.parametrize("name", ["a", "0", "a-b", "a" * 63])
async def test_what_is_a_name_is_taken(world: World, name: str) -> None:
    assert (await made(world, name, 0)).record.name == name


async def test_a_name_is_taken_once(world: World) -> None:
    await made(world, size=0)
    with pytest.raises(ConflictError) as caught:
        await made(world, size=1)
    assert caught.value.fields["reason"] == "pool_exists"
    assert (await world.pools.get(ANN, "blue")).record.size == 0


async def test_of_two_that_take_a_name_at_once_one_has_it(world: World) -> None:
    done = await asyncio.gather(made(world, size=0), made(world, size=0), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["ConflictError", "Pool"]


async def test_there_is_an_end_to_how_many_there_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_POOLS", 2)
    await made(world, "a", 0)
    await made(world, "b", 0)
    with pytest.raises(ConflictError) as caught:
        await made(world, "c", 0)
    assert caught.value.fields["reason"] == "too_many_pools"


@pytest.mark.parametrize("size", [-1, 9])
async def test_a_size_the_server_does_not_allow_is_refused(world: World, size: int) -> None:
    with pytest.raises(InvalidError) as caught:
        await made(world, size=size)
    assert caught.value.fields["field"] == "size"
    await made(world, size=0)
    with pytest.raises(InvalidError):
        await world.pools.update(ADMIN, "blue", size=size)


@pytest.mark.parametrize(
    ("request_", "error", "field_"),
    [
        ({"engine": Engine.CHROME}, InvalidError, "engine"),
        ({"start_url": "file:///etc/passwd"}, InvalidError, "start_url"),
        ({"profile": ProfileUse(id=ProfileId("prf_x"))}, InvalidError, "options.profile"),
        ({"egress": EgressOptions(upstream="gopher://x")}, InvalidError, "egress.upstream"),
        ({"egress": EgressOptions(private_hosts=("10.0.0.1:80",))}, DeniedError, "egress.private_hosts"),
    ],
)
async def test_options_that_no_session_could_have_are_refused(
    make_world: Make, chromium: None, request_: dict[str, Any], error: type[ClocheError], field_: str
) -> None:
    world = make_world(pool=PoolSettings(size=0), ceiling=EgressCeiling((), EgressPolicy()))
    await made(world, "other", 0)
    with pytest.raises(error) as caught:
        await made(world, **request_)
    assert caught.value.fields["field"] == field_
    with pytest.raises(error):
        await world.pools.update(ADMIN, "other", request=SessionRequest(**request_))
    assert (await world.pools.get(ADMIN, "other")).record.request == SessionRequest()


async def test_only_an_admin_changes_pools(world: World) -> None:
    await made(world, size=0)
    noted = len(journal(world).records)
    for call in (
        world.pools.create(ANN, NewPool(name="red", size=0, request=SessionRequest())),
        world.pools.update(ANN, "blue", size=1),
        world.pools.delete(ANN, "blue"),
        world.pools.flush(ANN, "blue"),
    ):
        with pytest.raises(DeniedError):
            await call
    assert (await world.pools.get(ANN, "blue")).record.size == 0
    assert await names(world) == ["blue"]
    assert len(journal(world).records) == noted


async def test_what_is_not_there_is_not_found(world: World) -> None:
    for call in (
        world.pools.get(ANN, "none"),
        world.pools.update(ADMIN, "none", size=1),
        world.pools.delete(ADMIN, "none"),
        world.pools.flush(ADMIN, "none"),
        world.pools.acquire(ANN, "none", Acquire()),
        world.pools.release(ANN, "none", new_session_id()),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_what_is_done_to_pools_is_written_down_before_it_is_told(world: World) -> None:
    await made(world, size=0)
    await world.pools.update(ADMIN, "blue", size=1, request=SessionRequest(egress=EgressOptions(upstream=PROXY)))
    await world.pools.flush(ADMIN, "blue")
    with pytest.raises(InvalidError):
        await world.pools.update(ADMIN, "blue", size=99)
    await world.pools.delete(ADMIN, "blue")
    told = [(one.kind, one.actor, one.subject, one.outcome, dict(one.data)) for one in journal(world).records]
    assert told == [
        ("pool.create", "admin", "blue", "ok", {"size": 0}),
        ("pool.update", "admin", "blue", "ok", {"size": 1, "options": True}),
        ("pool.flush", "admin", "blue", "ok", {}),
        ("pool.update", "admin", "blue", "invalid_request", {"size": 99}),
        ("pool.delete", "admin", "blue", "ok", {}),
    ]
    assert journal(world).settled_records == len(told)


async def test_nothing_is_changed_that_cannot_be_written_down(world: World) -> None:
    await made(world, size=0)
    journal(world).is_full = True
    for call in (made(world, "red"), world.pools.update(ADMIN, "blue", size=3), world.pools.delete(ADMIN, "blue")):
        with pytest.raises(JournalError):
            await call
    assert await names(world) == ["blue"]
    assert (await world.pools.get(ANN, "blue")).record.size == 0


async def test_a_change_is_made_whole_or_not_at_all_whoever_goes_away(world: World) -> None:
    step = 0
    while await cancelled_at(made(world, f"pool-{step}", 0), step):
        await world.pools.settled()
        async with world.database.read() as connection:
            stored = [row["name"] for row in await rows.every(connection)]
        assert await names(world) == sorted(stored)
        step += 1
    assert step >= 1
    assert (await world.pools.get(ANN, f"pool-{step}")).record.size == 0


# --- taking ---------------------------------------------------------------------------------------------------------


async def test_a_session_is_made_of_one_that_waits_and_another_takes_its_place(world: World) -> None:
    (waiting,) = await filled(world, viewport=PHONE, labels={"team": "blue", "tier": "1"}, idle_timeout_s=50)
    session = await world.pools.acquire(ANN, "blue", Acquire(labels={"tier": "2", "run": "7"}, lifetime_s=90))

    assert (session.id, session.owner, session.status) == (waiting, "ann", SessionStatus.READY)
    assert session.options.pool == "blue"
    assert session.options.viewport == PHONE
    assert session.options.labels == {"team": "blue", "tier": "2", "run": "7"}
    assert (session.options.idle_timeout_s, session.options.lifetime_s) == (50, 90)
    (created,) = [one for one in journal(world).records if one.kind == "session.created"]
    assert (created.owner, created.data["pool"]) == ("ann", "blue")
    await until(lambda: len(asleep(world)) == 1)
    seen = await world.pools.get(BOB, "blue")
    assert (seen.stock.hits, seen.stock.misses, seen.hit_rate, seen.in_use) == (1, 0, 1.0, 1)
    assert (await world.manager.get(ANN, session.id)).options.pool == "blue"
    async with world.database.read() as connection:
        from cloche.sessions import rows as session_rows

        stored = await session_rows.get(connection, session.id)
    assert stored is not None
    assert stored.options.pool == "blue"


async def test_when_none_waits_a_session_is_built_at_once(world: World) -> None:
    await made(world, size=0)
    session = await world.pools.acquire(ANN, "blue", Acquire())
    assert session.status is SessionStatus.READY
    assert (await world.pools.get(ANN, "blue")).hit_rate == 0.0


async def test_one_that_is_being_filled_is_not_waited_for(world: World) -> None:
    world.driver.holds["start"] = asyncio.Event()
    await made(world)
    await world.driver.reached["start"].wait()
    assert (await world.pools.get(ANN, "blue")).stock.building == 1
    cold = spawn(world.pools.acquire(ANN, "blue", Acquire()), name="cold")
    await until(lambda: world.driver.calls["start"] == 2)
    world.driver.holds.pop("start").set()
    assert (await cold).status is SessionStatus.READY


async def test_without_waiting_it_comes_back_pending(world: World) -> None:
    await made(world, size=0)
    session = await world.pools.acquire(ANN, "blue", Acquire(), wait=False)
    assert (session.status, session.options.pool) == (SessionStatus.PENDING, "blue")
    await until(lambda: world.manager._runners[session.id].session.status is SessionStatus.READY)


async def test_sandboxes_of_a_pool_are_for_it_alone(world: World) -> None:
    waiting = await filled(world)
    await filled(world, "red")
    session = await world.ready()
    assert session.options.pool is None
    assert waiting <= asleep(world), "a create that names no pool takes none of them"
    assert (await world.pools.acquire(ANN, "blue", Acquire())).id in waiting


async def test_who_acquires_has_the_quota_and_the_rights_of_any_create(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=0, settle_s=0), limits=AdmissionLimits(20, 1))
    world.manager.begin_pool()
    (machine,) = await filled(world, machine=True)
    with pytest.raises(DeniedError) as caught:
        await world.pools.acquire(ANN, "blue", Acquire())
    assert caught.value.fields["reason"] == "machine_not_allowed"
    assert machine in asleep(world)
    assert (await world.pools.acquire(ADMIN, "blue", Acquire())).id == machine

    await made(world, "red", 0)
    await world.pools.acquire(ANN, "red", Acquire())
    with pytest.raises(QuotaError):
        await world.pools.acquire(ANN, "red", Acquire())


@pytest.mark.parametrize(
    "asked", [Acquire(labels={"": "x"}), Acquire(start_url="file:///x"), Acquire(lifetime_s=0)], ids=str
)
async def test_what_no_session_could_have_is_refused_and_takes_nothing(world: World, asked: Acquire) -> None:
    waiting = await filled(world)
    with pytest.raises(InvalidError):
        await world.pools.acquire(ANN, "blue", asked)
    assert asleep(world) == waiting


async def test_an_upstream_proxy_is_kept_sealed_and_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = list[EgressPolicy]()
    make = world.manager.make_runner

    def watched(session: Any, token_hash: str, policy: EgressPolicy, warm: Any = None) -> Any:
        policies.append(policy)
        return make(session, token_hash, policy, warm)

    monkeypatch.setattr(world.manager._creation, "_make_runner", watched)
    pool = await made(world, size=0, egress=EgressOptions(upstream=PROXY))
    session = await world.pools.acquire(ANN, "blue", Acquire())
    async with world.database.read() as connection:
        (row,) = await rows.every(connection)

    assert policies[0].upstream is not None
    assert (policies[0].upstream.username, policies[0].upstream.password) == ("user", "secret-word")
    for shown in (repr(pool), repr(dict(row)), repr(session), repr(journal(world).records)):
        assert "secret-word" not in shown
    assert session.options.egress.upstream == pool.record.request.egress.upstream == "socks5://203.0.113.9:1080"


async def test_a_proxy_that_cannot_be_opened_any_more_lets_nobody_out_without_it(
    world: World, make_world: Make
) -> None:
    await made(world, size=0, egress=EgressOptions(upstream=PROXY))
    other = make_world(pool=PoolSettings(size=0), key=b"o" * 32)
    await other.pools.load()
    with pytest.raises(InternalError):
        await other.pools.acquire(ANN, "blue", Acquire())


# --- giving back ----------------------------------------------------------------------------------------------------


async def test_a_released_session_has_ended_and_its_sandbox_is_used_by_nobody(world: World) -> None:
    await filled(world)
    session = await world.pools.acquire(ANN, "blue", Acquire())
    released = await world.pools.release(ANN, "blue", session.id)

    assert (released.status, released.reason) == (SessionStatus.CLOSED, "closed_by_user")
    assert session.id not in world.driver.host.sandboxes
    await until(lambda: len(asleep(world)) == 1)
    assert (await world.pools.acquire(ANN, "blue", Acquire())).id != session.id
    assert (await world.pools.release(ANN, "blue", session.id)).status is SessionStatus.CLOSED, "again is the same"


async def test_only_who_may_end_a_session_releases_it_and_only_to_where_it_came_from(world: World) -> None:
    await made(world, size=0)
    await made(world, "red", 0)
    session, plain = await world.pools.acquire(ANN, "blue", Acquire()), await world.ready()
    with pytest.raises(NotFoundError):
        await world.pools.release(BOB, "blue", session.id)
    for name, session_id in (("red", session.id), ("blue", plain.id)):
        with pytest.raises(ConflictError) as caught:
            await world.pools.release(ANN, name, session_id)
        assert caught.value.fields["reason"] == "not_from_pool"
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
    assert (await world.pools.release(ADMIN, "blue", session.id)).status is SessionStatus.CLOSED


# --- changing -------------------------------------------------------------------------------------------------------


async def test_a_smaller_pool_lets_some_go_and_a_larger_one_builds_more(world: World) -> None:
    waiting = await filled(world, size=2)
    await world.pools.update(ADMIN, "blue", size=1)
    await until(lambda: len(asleep(world)) == 1)
    assert asleep(world) < waiting
    await world.pools.update(ADMIN, "blue", size=3)
    await until(lambda: len(asleep(world)) == 3)


async def test_options_that_are_applied_later_change_without_a_flush(world: World) -> None:
    waiting = await filled(world, labels={"a": "1"})
    await world.pools.update(ADMIN, "blue", request=SessionRequest(labels={"b": "2"}, lifetime_s=60))
    session = await world.pools.acquire(ANN, "blue", Acquire())
    assert {session.id} == waiting
    assert (session.options.labels, session.options.lifetime_s) == ({"b": "2"}, 60)


async def test_sandboxes_of_another_shape_are_replaced_and_what_was_counted_stays(world: World) -> None:
    await filled(world)
    await world.pools.acquire(ANN, "blue", Acquire())
    await until(lambda: len(asleep(world)) == 1)
    (old,) = asleep(world)
    changed = await world.pools.update(ADMIN, "blue", request=SessionRequest(viewport=PHONE))
    assert (changed.stock.ready, changed.stock.hits) == (0, 1)
    await until(lambda: len(asleep(world)) == 1 and old not in asleep(world))

    session = await world.pools.acquire(ANN, "blue", Acquire())
    assert session.options.viewport == PHONE
    assert world.measured()['cloche_pool_takes_total{outcome="hit",pool="blue"}'] == 2
    assert world.measured()['cloche_pool_discarded_total{reason="reshaped"}'] == 1


async def test_a_flush_replaces_all_that_wait(world: World) -> None:
    waiting = await filled(world, size=2)
    kept = await filled(world, "red")
    assert await world.pools.flush(ADMIN, "blue") == 2
    await until(lambda: len(asleep(world)) == 3 and not waiting & asleep(world))
    assert kept <= asleep(world)


@pytest.mark.parametrize("how", ["flush", "reshape", "delete"])
async def test_one_that_is_being_built_meanwhile_goes_as_well(world: World, how: str) -> None:
    world.driver.holds["start"] = asyncio.Event()
    await made(world)
    await world.driver.reached["start"].wait()
    (half,) = world.driver.host.sandboxes
    match how:
        case "flush":
            assert await world.pools.flush(ADMIN, "blue") == 0
        case "reshape":
            await world.pools.update(ADMIN, "blue", request=SessionRequest(viewport=PHONE))
        case _:
            await world.pools.delete(ADMIN, "blue")
    world.driver.holds.pop("start").set()
    await until(lambda: half not in world.driver.host.sandboxes)
    if how != "delete":
        await until(lambda: len(asleep(world)) == 1)
    else:
        assert world.driver.host.sandboxes == {}


async def test_of_a_deleted_pool_nothing_stays_but_its_sessions(world: World) -> None:
    await filled(world, size=2)
    session = await world.pools.acquire(ANN, "blue", Acquire())
    await until(lambda: len(asleep(world)) == 2)
    await world.pools.delete(ADMIN, "blue")
    await until(lambda: set(world.driver.host.sandboxes) == {session.id})

    assert not [name for name in world.measured() if 'pool="blue"' in name]
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
    with pytest.raises(NotFoundError):
        await world.pools.acquire(ANN, "blue", Acquire())
    assert await names(world) == []
    await made(world, size=0)
    assert (await world.pools.get(ANN, "blue")).stock.hits == 0, "one of the same name is another"


async def test_who_acquires_while_it_is_deleted_gets_a_session_and_no_series_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(world)
    thaw, go_on = world.driver.thaw, asyncio.Event()
    reached = asyncio.Event()

    async def slowly(sandbox: Any) -> Observation:
        reached.set()
        await go_on.wait()
        return await thaw(sandbox)

    monkeypatch.setattr(world.driver, "thaw", slowly)
    coming = spawn(world.pools.acquire(ANN, "blue", Acquire()), name="coming")
    await reached.wait()
    await world.pools.delete(ADMIN, "blue")
    go_on.set()
    session = await coming

    assert (session.status, session.options.pool) == (SessionStatus.READY, "blue")
    await until(lambda: set(world.driver.host.sandboxes) == {session.id})
    assert not [name for name in world.measured() if 'pool="blue"' in name]


async def test_a_pool_that_cannot_be_built_does_not_keep_others_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, tried = world.driver.create, []

    async def fail_for_phones(spec: Any) -> Any:
        if "--window-size=400,800" in spec.agent_config.browser.args:
            tried.append(spec.session_id)
            raise StartError("no such browser", reason="exec_failed")
        return await create(spec)

    monkeypatch.setattr(world.driver, "create", fail_for_phones)
    await made(world, "broken", 4, viewport=PHONE)
    await until(lambda: len(tried) == 1)
    await made(world, size=2)
    await until(lambda: len(asleep(world)) == 2)
    assert len(tried) == 1, "its next try comes later"
    world.clock.advance(1.1)
    await until(lambda: len(tried) == 2)


# --- the daemon's stop and start ------------------------------------------------------------------------------------


async def test_pools_survive_a_restart_and_fill_again(world: World, make_world: Make) -> None:
    before = await filled(world, size=2, viewport=PHONE, labels={"a": "1"}, egress=EgressOptions(upstream=PROXY))
    record = (await world.pools.get(ANN, "blue")).record
    session = await world.pools.acquire(ANN, "blue", Acquire())
    await until(lambda: len(asleep(world)) == 2)
    await world.hand_over()
    assert set(world.driver.host.sandboxes) == {session.id}, "what nobody has taken went"

    later = make_world(pool=PoolSettings(size=0, settle_s=0))
    await later.recover()
    await later.pools.load()
    later.manager.begin_pool()
    await until(lambda: len(asleep(later)) == 2)
    pool = await later.pools.get(ANN, "blue")
    assert pool.record == record
    assert (pool.in_use, pool.stock.hits) == (1, 0)
    again = await later.pools.acquire(ANN, "blue", Acquire())
    assert again.id not in before
    assert (await later.pools.release(ANN, "blue", session.id)).status is SessionStatus.CLOSED


async def test_a_daemon_that_stops_while_it_fills_leaves_nothing(world: World) -> None:
    world.driver.holds["start"] = asyncio.Event()
    await made(world, size=2)
    await world.driver.reached["start"].wait()
    await world.manager.drain()
    assert world.driver.host.sandboxes == {}


async def test_a_pool_that_todays_settings_forbid_is_listed_and_not_filled(world: World, make_world: Make) -> None:
    await made(world, size=1, egress=EgressOptions(private_hosts=("10.0.0.1:80",)))
    await made(world, "red", size=2)
    await world.hand_over()

    later = make_world(pool=PoolSettings(size=0, settle_s=0, most=1), ceiling=EgressCeiling((), EgressPolicy()))
    await later.pools.load()
    later.manager.begin_pool()
    await until(lambda: len(asleep(later)) == 1)
    _, blue, red = await later.pools.list(ANN)
    assert (blue.record.size, blue.stock.wanted, red.record.size, red.stock.wanted) == (1, 0, 2, 1)
    with pytest.raises(DeniedError):
        await later.pools.acquire(ANN, "blue", Acquire())
    assert (await later.pools.update(ADMIN, "blue", request=SessionRequest())).record.size == 1
    assert (await later.pools.update(ADMIN, "red", request=SessionRequest())).record.size == 2, "as it was stored"


async def test_a_row_that_cannot_be_read_does_not_stand_in_the_way(world: World, make_world: Make) -> None:
    await made(world, size=0)
    await made(world, "red", 0)
    async with world.database.begin() as connection:
        await connection.execute(rows.pools.update().where(rows.pools.c.name == "blue").values(options={"engine": 7}))
    later = make_world(pool=PoolSettings(size=0))
    await later.pools.load()
    assert await names(later) == ["red"]
    with pytest.raises(ConflictError):
        await made(later, size=0)


async def cancelled(world: World) -> None:
    coming = spawn(world.pools.acquire(ANN, "blue", Acquire()), name="coming")
    await asyncio.sleep(0)
    await cancel_and_wait(coming)


async def closed(world: World) -> None:
    session = await world.pools.acquire(ANN, "blue", Acquire(), wait=False)
    await world.manager.close(ANN, session.id)


@pytest.mark.parametrize("leave", [cancelled, closed], ids=lambda f: f.__name__)
async def test_who_goes_away_leaves_no_sandbox_that_is_nobodys(
    world: World, leave: Callable[[World], Awaitable[None]]
) -> None:
    await filled(world)
    await leave(world)
    await world.manager._creation.settled()
    await until(lambda: len(asleep(world)) == 1)
    listed = {one.id for one in (await world.manager.list(ANN)).sessions if one.closed_at is None}
    assert set(world.driver.host.sandboxes) == listed | asleep(world)
    assert replace((await world.pools.get(ANN, "blue")), in_use=0).stock.hits == 1
