"""Who is told that something has changed."""

import asyncio

import pytest

from cloche.audit.model import AuditRecord
from cloche.concurrency.event_bus import FellBehindError, Subscription
from cloche.ids import PrincipalName
from cloche.sessions.news import BOUND, Change, News, OverheardAudit, changes_of
from cloche.sessions.principal import Principal, Role

ALICE = Principal(PrincipalName("alice"), Role.USER)
MALLORY = Principal(PrincipalName("mallory"), Role.USER)
ROOT = Principal(PrincipalName("root"), Role.ADMIN)


class KeptRecords:
    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.asked = 0

    def require(self) -> None:
        self.asked += 1

    def note(self, record: AuditRecord) -> None:
        self.records.append(record)

    async def settled(self) -> None:
        self.asked += 1


async def told(subscription: Subscription[Change], count: int) -> list[Change]:
    async with asyncio.timeout(5):
        return [await anext(aiter(subscription)) for _ in range(count)]


async def test_an_owner_and_an_admin_are_told_and_others_are_not():
    news = News()
    with news.follow(ALICE) as own, news.follow(MALLORY) as foreign, news.follow(ROOT) as all_:
        news.publish("alice", Change("session", "ses_1", "session.ready"))
        assert await told(own, 1) == await told(all_, 1) == [Change("session", "ses_1", "session.ready")]
        assert not foreign.has_waiting


async def test_what_belongs_to_nobody_is_told_to_admins_alone():
    news = News()
    with news.follow(ALICE) as own, news.follow(ROOT) as all_:
        news.publish("", Change("audit", "", "auth.failed"))
        assert all_.has_waiting and not own.has_waiting


async def test_a_listener_that_has_left_is_told_nothing():
    news = News()
    with news.follow(ALICE) as own:
        pass
    news.publish("alice", Change("key", "key_1", "key.created"))
    assert not own.has_waiting


async def test_who_does_not_read_is_told_to_look_again():
    news = News()
    with news.follow(ALICE) as own:
        for number in range(BOUND + 1):
            news.publish("alice", Change("session", f"ses_{number}", "session.ready"))
        with pytest.raises(FellBehindError):
            await told(own, 1)


async def test_a_record_is_noted_first_and_then_told():
    kept, news = KeptRecords(), News()
    audit = OverheardAudit(kept, news)
    record = AuditRecord(kind="profile.renamed", actor="alice", owner="alice", subject="prf_1")
    with news.follow(ALICE) as own:
        audit.require()
        audit.note(record)
        await audit.settled()
        assert kept.records == [record] and kept.asked == 2
        assert await told(own, 2) == [
            Change("profile", "prf_1", "profile.renamed"),
            Change("audit", "", "profile.renamed"),
        ]


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("session.created", {"session", "audit"}),
        ("live.joined", {"session", "audit"}),
        ("artifact.released", {"artifact", "audit"}),
        ("key.revoked", {"key", "audit"}),
        ("action.click", {"audit"}),
        ("auth.failed", {"audit"}),
    ],
)
def test_records_say_what_list_has_changed(kind: str, changed: set[str]):
    record = AuditRecord(kind=kind, actor="alice", owner="alice", session_id="ses_1", subject="art_1")
    assert {change.kind for change in changes_of(record)} == changed
