import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloche.audit.model import AuditRecord
from cloche.browser.contract.state import NameValue, OriginState, StorageState, StoredCookie
from cloche.errors import ConflictError, DeniedError, InvalidError, JournalError, NotFoundError
from cloche.ids import PrincipalName, ProfileId, SessionId, new_profile_id, new_session_id
from cloche.profiles.model import NewProfile, ProfileForm
from cloche.sessions.audit import AuditWriter
from cloche.sessions.principal import Principal, Role
from cloche.sessions.profiles.service import Profiles
from cloche.testing.profile_store import ProfileWorld, in_pieces, new_keyring, profile_world
from cloche.vault.keys import Keyring

ANN = Principal(PrincipalName("ann"), Role.USER)
BOB = Principal(PrincipalName("bob"), Role.USER)
ADMIN = Principal(PrincipalName("admin"), Role.ADMIN)
PASSPHRASE = "correct horse battery"
STATE = StorageState(
    cookies=[StoredCookie(name="Id", value="1", domain="shop.example", path="/", httpOnly=True, sameSite="Lax")],
    origins=[OriginState(origin="https://shop.example", localStorage=[NameValue(name="a", value="b")])],
)


@dataclass
class Journal(AuditWriter):
    """Keeps what is noted; `settled` what was waited for."""

    is_full: bool = False
    records: list[AuditRecord] = field(default_factory=list)
    settled_records: int = 0

    def require(self) -> None:
        if self.is_full:
            raise JournalError("the journal is full")

    def note(self, record: AuditRecord) -> None:
        self.records.append(record)

    async def settled(self) -> None:
        await asyncio.sleep(0)
        self.settled_records = len(self.records)

    def last(self) -> tuple[str, str, str, str, str]:
        assert self.settled_records == len(self.records)
        one = self.records[-1]
        return one.kind, one.actor, one.owner, one.subject, one.outcome


@dataclass
class World:
    kept: ProfileWorld
    journal: Journal
    saved: list[tuple[Principal, SessionId]] = field(default_factory=list)
    saves_to: ProfileId | None = None
    rewrapped: list[Keyring] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.profiles = Profiles(
            self.kept.store, self.kept.keyring, self.journal, self.save_session, self.rewrap_artifacts
        )

    async def save_session(self, principal: Principal, session_id: SessionId) -> ProfileId:
        self.saved.append((principal, session_id))
        if self.saves_to is None:
            raise ConflictError("the session has no profile", reason="no_profile")
        return self.saves_to

    async def rewrap_artifacts(self, keyring: Keyring) -> tuple[int, int]:
        self.rewrapped.append(keyring)
        return 10, 1


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with profile_world(tmp_path / "x.db", tmp_path / "profiles") as kept:
        yield World(kept, Journal())


async def test_a_foreign_profile_and_one_that_never_was_are_the_same(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    await world.profiles.put_storage_state(ANN, mine.id, STATE)
    noted = len(world.journal.records)
    for profile_id in (mine.id, new_profile_id()):
        profiles = world.profiles
        for call in (
            profiles.get(BOB, profile_id),
            profiles.update(BOB, profile_id, name="x"),
            profiles.activate(BOB, profile_id),
            profiles.fork(BOB, profile_id, name="x"),
            profiles.delete(BOB, profile_id),
            profiles.revisions(BOB, profile_id),
            profiles.get_storage_state(BOB, profile_id),
            profiles.put_storage_state(BOB, profile_id, STATE),
        ):
            with pytest.raises(NotFoundError) as caught:
                await call
            assert caught.value.detail == "no such profile"
        with pytest.raises(NotFoundError):
            async with profiles.export(BOB, profile_id, passphrase=PASSPHRASE):
                pytest.fail("not theirs")
    assert len(world.journal.records) == noted
    assert (await world.profiles.list(BOB)).profiles == ()
    assert (await world.profiles.get(ANN, mine.id)).name == "work"


async def test_a_user_lists_the_own_and_an_admin_all(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="ann's"))
    theirs = await world.profiles.create(BOB, NewProfile(name="bob's"))
    await world.profiles.activate(ANN, mine.id)
    page = await world.profiles.list(ANN)
    assert ([one.id for one in page.profiles], page.active_id) == ([mine.id], mine.id)
    page = await world.profiles.list(ADMIN)
    assert ({one.id for one in page.profiles}, page.active_id) == ({mine.id, theirs.id}, None)
    own = await world.profiles.create(ADMIN, NewProfile(name="admin's"))
    await world.profiles.activate(ADMIN, own.id)
    assert (await world.profiles.list(ADMIN, limit=1)).active_id == own.id


async def test_an_admin_forks_to_the_own_name(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    fork = await world.profiles.fork(ADMIN, mine.id, name="copy")
    assert fork.owner == ADMIN.name
    assert world.journal.last() == ("profile.forked", "admin", "ann", mine.id, "ok")
    assert world.journal.records[-1].data == {"to": fork.id}


async def test_what_is_done_is_in_the_journal_before_its_caller_hears_of_it(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    assert world.journal.last() == ("profile.created", "ann", "ann", mine.id, "ok")
    await world.profiles.update(ADMIN, mine.id, name="play")
    assert world.journal.last() == ("profile.updated", "admin", "ann", mine.id, "ok")
    await world.profiles.activate(ANN, mine.id)
    assert world.journal.last() == ("profile.activated", "ann", "ann", mine.id, "ok")
    await world.profiles.put_storage_state(ANN, mine.id, STATE)
    assert world.journal.last() == ("profile.state_written", "ann", "ann", mine.id, "ok")
    assert await world.profiles.get_storage_state(ANN, mine.id) == STATE
    assert world.journal.last() == ("profile.state_read", "ann", "ann", mine.id, "ok")
    async with world.profiles.export(ANN, mine.id, passphrase=PASSPHRASE) as body:
        assert world.journal.last() == ("profile.exported", "ann", "ann", mine.id, "ok")
        file = b"".join([piece async for piece in body])
    copy = await world.profiles.import_file(BOB, in_pieces(file), passphrase=PASSPHRASE, name="copy")
    assert world.journal.last() == ("profile.imported", "bob", "bob", copy.id, "ok")
    assert await world.profiles.get_storage_state(BOB, copy.id) == STATE
    await world.profiles.delete(ANN, mine.id, force=True)
    assert world.journal.last() == ("profile.deleted", "ann", "ann", mine.id, "ok")
    assert PASSPHRASE not in str(world.journal.records)


async def test_what_is_refused_is_in_the_journal_too(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    await world.kept.store.take(mine.id, new_session_id(), writes=True)
    for call in (
        world.profiles.delete(ANN, mine.id),
        world.profiles.put_storage_state(ANN, mine.id, STATE),
        world.profiles.get_storage_state(ANN, mine.id),
    ):
        with pytest.raises(ConflictError):
            await call
    with pytest.raises(InvalidError):
        await world.profiles.create(ANN, NewProfile(name=""))
    told = [(one.kind, one.subject, one.outcome) for one in world.journal.records[1:]]
    assert told == [
        ("profile.deleted", mine.id, "conflict"),
        ("profile.state_written", mine.id, "conflict"),
        ("profile.state_read", mine.id, "conflict"),
        ("profile.created", "", "invalid_request"),
    ]


async def test_with_a_full_journal_nothing_is_done(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    world.saves_to = mine.id
    world.journal.is_full = True
    profiles = world.profiles
    for call in (
        profiles.create(ANN, NewProfile(name="x")),
        profiles.update(ANN, mine.id, name="x"),
        profiles.activate(ANN, mine.id),
        profiles.fork(ANN, mine.id, name="x"),
        profiles.delete(ANN, mine.id),
        profiles.get_storage_state(ANN, mine.id),
        profiles.put_storage_state(ANN, mine.id, STATE),
        profiles.import_file(ANN, in_pieces(b"x"), passphrase=PASSPHRASE, name="x"),
        profiles.save_session(ANN, new_session_id()),
        profiles.rekey(ADMIN),
    ):
        with pytest.raises(JournalError):
            await call
    with pytest.raises(JournalError):
        async with profiles.export(ANN, mine.id, passphrase=PASSPHRASE):
            pytest.fail("nobody would know")
    assert (await profiles.list(ANN)).profiles == (mine,) and world.saved == [] and world.rewrapped == []


async def test_a_session_s_profile_is_saved_by_whoever_runs_it(world: World) -> None:
    mine, session_id = await world.profiles.create(ANN, NewProfile(name="work")), new_session_id()
    with pytest.raises(ConflictError) as caught:
        await world.profiles.save_session(ANN, session_id)
    assert caught.value.fields["reason"] == "no_profile"
    world.saves_to = mine.id
    assert await world.profiles.save_session(ANN, session_id) == mine
    assert world.saved == [(ANN, session_id)] * 2


async def test_what_is_no_storage_state_is_told_as_damage(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    for data in (b"no json", b"[]", b'{"cookies":3}'):
        await world.kept.store.put_state(mine.id, data)
        with pytest.raises(ConflictError) as caught:
            await world.profiles.get_storage_state(ANN, mine.id)
        assert caught.value.fields["reason"] == "profile_damaged"


async def test_revisions_are_shown_newest_first(world: World) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    for _ in range(2):
        saved = await world.profiles.put_storage_state(ANN, mine.id, STATE)
    assert (saved.revision, saved.form) == (2, ProfileForm.STORAGE_STATE)
    assert [one.revision for one in await world.profiles.revisions(ANN, mine.id)] == [2, 1]


async def test_an_admin_wraps_all_keys_under_the_new_state_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = await world.profiles.create(ANN, NewProfile(name="work"))
    old = world.kept.keyring.current
    assert old is not None
    new = new_keyring(old.current)

    async def reload() -> Keyring:
        world.kept.keyring.current = new
        return new

    monkeypatch.setattr(world.kept.keyring, "reload", reload)
    with pytest.raises(DeniedError):
        await world.profiles.rekey(ANN)
    rekeyed = await world.profiles.rekey(ADMIN)
    assert (rekeyed.key_id, rekeyed.rewrapped, rekeyed.unreadable) == (new.key_id, 11, 1)
    assert rekeyed.previous_key_ids == (old.key_id,)
    assert world.rewrapped == [new]
    assert world.journal.last() == ("profile.rekeyed", "admin", "", "", "ok")
    world.kept.keyring.current = Keyring(new.current)
    await world.profiles.put_storage_state(ANN, mine.id, STATE)


async def test_without_a_state_key_there_is_nothing_to_wrap(world: World) -> None:
    with pytest.raises(ConflictError) as caught:
        await world.profiles.rekey(ADMIN)  # its source is none, and is read again
    assert caught.value.fields["reason"] == "profiles_off"
    with pytest.raises(ConflictError):
        await world.profiles.list(ANN)
