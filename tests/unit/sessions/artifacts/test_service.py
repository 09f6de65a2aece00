"""Who may do what with artifacts, on a real store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cloche.artifacts.draft import Bounds, Draft, StoreLimits
from cloche.artifacts.keys import ArtifactKeys
from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.artifacts.store import ArtifactStore
from cloche.audit.model import AuditRecord
from cloche.errors import (
    DeniedError,
    InvalidError,
    JournalError,
    NotFoundError,
    QuotaError,
    TooLargeError,
)
from cloche.ids import PrincipalName, SessionId, new_artifact_id, new_session_id
from cloche.sessions.artifacts.service import Artifacts
from cloche.sessions.audit import AuditWriter
from cloche.sessions.model import Session
from cloche.sessions.principal import Principal, Role, Scope
from cloche.storage.database import Database
from cloche.testing.clock import FakeClock

ALICE = Principal(PrincipalName("alice"), Role.USER)
RELEASER = Principal(PrincipalName("alice"), Role.USER, frozenset({Scope.RELEASE}))
BOB = Principal(PrincipalName("bob"), Role.USER, frozenset({Scope.RELEASE}))
ADMIN = Principal(PrincipalName("root"), Role.ADMIN)
SESSION = new_session_id()
UPLOAD_BYTES = 5000


class Audit(AuditWriter):
    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.is_full = False
        self.settled_after = 0

    def require(self) -> None:
        if self.is_full:
            raise JournalError("the journal is full")

    def note(self, record: AuditRecord) -> None:
        self.records.append(record)

    async def settled(self) -> None:
        self.settled_after = len(self.records)

    def told(self) -> list[tuple[str, str, str]]:
        assert self.settled_after == len(self.records), "something was noted and not waited for"
        return [(record.kind, record.actor, record.outcome) for record in self.records]


async def session_of_alice(principal: Principal, session_id: SessionId) -> Session:
    if session_id != SESSION or not principal.may_use(ALICE.name):
        raise NotFoundError("no such session")
    return Session  # type: ignore[return-value]


@pytest.fixture
async def store(database: Database, clock: FakeClock, tmp_path: Path) -> ArtifactStore:
    limits = StoreLimits(retention_s=100, quarantine_retention_s=1000, max_total_bytes=20_000)
    store = ArtifactStore(database, tmp_path / "artifacts", ArtifactKeys(b"s" * 32, None), clock, limits)
    await store.start()
    return store


@pytest.fixture
def audit() -> Audit:
    return Audit()


@pytest.fixture
def artifacts(store: ArtifactStore, audit: Audit) -> Artifacts:
    return Artifacts(store, audit, session=session_of_alice, upload_bytes=UPLOAD_BYTES)


async def body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


Put = Callable[..., Awaitable[Artifact]]


@pytest.fixture
def put(store: ArtifactStore) -> Put:
    async def put(*, quarantined: bool = False, private: bool = False) -> Artifact:
        draft = Draft(
            owner=ALICE.name,
            session_id=SESSION,
            kind=ArtifactKind.DOWNLOAD,
            suggested_name="notes.txt",
            private=private,
            bounds=Bounds(max_file_bytes=3 if quarantined else 100),
        )
        return await store.add(draft, body(b"only text"))

    return put


async def read(artifacts: Artifacts, principal: Principal, artifact: Artifact, *, quarantined: bool = False) -> bytes:
    async with artifacts.open(principal, artifact.id, quarantined=quarantined) as content:
        return b"".join([piece async for piece in content.body])


async def test_an_owner_and_an_admin_see_it_and_nobody_else_learns_that_it_is_there(
    artifacts: Artifacts, put: Put
) -> None:
    artifact = await put()
    for principal in (ALICE, ADMIN):
        assert await artifacts.get(principal, artifact.id) == artifact
        assert await read(artifacts, principal, artifact) == b"only text"
        assert (await artifacts.list(principal)).artifacts == (artifact,)
        assert (await artifacts.list(principal, session_id=SESSION)).artifacts == (artifact,)
    assert (await artifacts.list(BOB)).artifacts == ()
    for call in (
        artifacts.get(BOB, artifact.id),
        artifacts.release(BOB, artifact.id),
        artifacts.delete(BOB, artifact.id),
        read(artifacts, BOB, artifact, quarantined=True),
        artifacts.list(BOB, session_id=SESSION),
        artifacts.get(ALICE, new_artifact_id()),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_lists_have_bounds_and_filters(artifacts: Artifacts, put: Put) -> None:
    ready, held = await put(), await put(quarantined=True)
    assert (await artifacts.list(ALICE, state=ArtifactState.QUARANTINED)).artifacts == (held,)
    assert (await artifacts.list(ALICE, kind=ArtifactKind.PDF)).artifacts == ()
    page = await artifacts.list(ALICE, limit=1)
    rest = await artifacts.list(ALICE, limit=1, cursor=page.next_cursor)
    assert {*page.artifacts, *rest.artifacts} == {ready, held} and rest.next_cursor is None
    for options in ({"limit": 0}, {"limit": 201}, {"cursor": "ses_1"}):
        with pytest.raises(InvalidError):
            await artifacts.list(ALICE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("principal", "may"), [(ALICE, False), (RELEASER, True), (ADMIN, True)])
async def test_release_needs_the_right(
    artifacts: Artifacts, put: Put, audit: Audit, principal: Principal, may: bool
) -> None:
    artifact = await put(quarantined=True)
    with pytest.raises(DeniedError) as quarantined:
        await read(artifacts, principal, artifact)
    assert quarantined.value.fields["reason"] == "quarantined"
    if may:
        assert await read(artifacts, principal, artifact, quarantined=True) == b"only text"
        released = await artifacts.release(principal, artifact.id)
        assert (released.state, released.decided_by) == (ArtifactState.RELEASED, principal.name)
        assert await read(artifacts, ALICE, artifact) == b"only text"
        assert ("artifact.released", principal.name, "ok") in audit.told()
        return
    for call in (artifacts.release(principal, artifact.id), read(artifacts, principal, artifact, quarantined=True)):
        with pytest.raises(DeniedError) as denied:
            await call
        assert denied.value.fields["reason"] == "release_not_allowed"
    assert ("artifact.released", principal.name, "denied") in audit.told()
    assert (await artifacts.get(principal, artifact.id)).state is ArtifactState.QUARANTINED


async def test_everything_is_written_down_before_it_is_confirmed(artifacts: Artifacts, put: Put, audit: Audit) -> None:
    artifact = await put()
    await read(artifacts, ALICE, artifact)
    uploaded = await artifacts.upload(ALICE, body(b"text"), file_name="up.txt")
    await artifacts.delete(ADMIN, artifact.id)
    assert audit.told() == [
        ("artifact.read", "alice", "ok"),
        ("artifact.uploaded", "alice", "ok"),
        ("artifact.deleted", "root", "ok"),
    ]
    assert [record.subject for record in audit.records] == [artifact.id, uploaded.id, artifact.id]
    assert {record.owner for record in audit.records} == {"alice"}
    assert audit.records[2].session_id == SESSION


async def test_nothing_is_done_that_cannot_be_written_down(artifacts: Artifacts, put: Put, audit: Audit) -> None:
    artifact = await put(quarantined=True)
    audit.is_full = True
    for call in (
        artifacts.release(ADMIN, artifact.id),
        artifacts.delete(ADMIN, artifact.id),
        artifacts.upload(ADMIN, body(b"text"), file_name="up.txt"),
        read(artifacts, ADMIN, artifact, quarantined=True),
    ):
        with pytest.raises(JournalError):
            await call
    assert (await artifacts.list(ADMIN)).artifacts == (artifact,)


async def test_the_journal_does_not_know_what_a_private_file_was(artifacts: Artifacts, put: Put, audit: Audit) -> None:
    artifact = await put(quarantined=True, private=True)
    await artifacts.release(ADMIN, artifact.id)
    await artifacts.delete(ALICE, artifact.id)
    assert artifact.sha256 and artifact.sha256 not in repr(audit.records)
    assert artifact.file_name not in repr(audit.records)


async def test_an_upload_is_judged_like_any_file(artifacts: Artifacts) -> None:
    good = await artifacts.upload(ALICE, body(b"te", b"xt"), file_name="../notes.txt", media_type="text/plain")
    assert (good.kind, good.state, good.file_name, good.session_id) == (
        ArtifactKind.UPLOAD,
        ArtifactState.READY,
        "notes.txt",
        None,
    )
    bad = await artifacts.upload(ALICE, body(b"#!/bin/sh\nrm -rf /\n"), file_name="notes.txt")
    assert bad.state is ArtifactState.QUARANTINED


async def test_an_upload_has_its_bounds_and_leaves_nothing_beyond_them(artifacts: Artifacts, tmp_path: Path) -> None:
    pieces_taken, closed = 0, False

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces_taken, closed
        try:
            while True:
                pieces_taken += 1
                yield b"x" * 1000
        finally:
            closed = True

    with pytest.raises(TooLargeError):
        await artifacts.upload(ALICE, endless(), file_name="a.txt")
    assert pieces_taken == 6 and closed
    for _ in range(4):
        await artifacts.upload(ALICE, body(b"x" * UPLOAD_BYTES), file_name="a.txt")
    with pytest.raises(QuotaError):
        await artifacts.upload(ALICE, body(b"x"), file_name="a.txt")
    assert len((await artifacts.list(ALICE)).artifacts) == 4
    assert len([path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]) == 4


async def test_of_two_that_delete_at_once_one_is_told_it_is_gone(artifacts: Artifacts, put: Put) -> None:
    artifact = await put()
    results = await asyncio.gather(*(artifacts.delete(ALICE, artifact.id) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [NotFoundError]
