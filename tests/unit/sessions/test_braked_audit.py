from collections.abc import Iterator

import pytest

from cloche.audit.model import AuditRecord
from cloche.sessions.braked_audit import RATES, TELL_EVERY_S, BrakedAudit, braked
from cloche.testing.audit import NotingAudit
from cloche.testing.clock import FakeClock


class Fullable(NotingAudit):
    has_room = True


@pytest.fixture
def journal() -> Fullable:
    return Fullable()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def audit(journal: Fullable, clock: FakeClock) -> Iterator[BrakedAudit]:
    with braked(journal, clock) as opened:
        yield opened


def note(audit: BrakedAudit, kind: str, times: int = 1, *, owner: str = "ann") -> None:
    for _ in range(times):
        audit.note(AuditRecord(kind=kind, actor="sandbox", owner=owner))


@pytest.mark.parametrize("kind", ["egress.refused", "auth.failed", "read.observe", "devtools.attached"])
def test_what_anybody_can_cause_at_will_is_written_down_at_a_bounded_rate_and_counted(
    kind: str, audit: BrakedAudit, journal: Fullable, clock: FakeClock
) -> None:
    rate = next(rate for begins, rate in RATES.items() if kind.startswith(begins))
    note(audit, kind, rate.at_once + 30)
    assert len(journal.records) == rate.at_once
    clock.advance(TELL_EVERY_S)
    note(audit, "session.created")
    told = journal.records[rate.at_once]
    assert (told.kind, told.owner, told.data["count"]) == ("audit.held_back", "ann", 30)
    assert journal.kinds[rate.at_once + 1 :] == ["session.created"]
    clock.advance(3600)
    note(audit, kind, 2 * rate.at_once)
    assert journal.kinds[rate.at_once + 2 :] == [kind] * min(rate.at_once, rate.an_hour + round(rate.an_hour / 60))


def test_one_owners_flood_takes_nothing_from_another(audit: BrakedAudit, journal: Fullable) -> None:
    note(audit, "read.observe", RATES["read."].at_once + 1)
    note(audit, "read.observe", owner="bob")
    assert journal.records[-1].owner == "bob"


@pytest.mark.parametrize("kind", ["live.control", "live.link"])
def test_who_comes_and_goes_without_end_hides_nobodys_hands(kind: str, audit: BrakedAudit, journal: Fullable) -> None:
    note(audit, "live.joined", RATES["live."].at_once + 1)
    note(audit, kind)
    assert journal.records[-1].kind == kind


@pytest.mark.parametrize("kind", ["action.click", "read.get_cookies", "session.closed", "key.created", "artifact.read"])
def test_what_must_stand_is_never_held_back(kind: str, audit: BrakedAudit, journal: Fullable) -> None:
    journal.has_room = False
    note(audit, kind, 6000)
    assert len(journal.records) == 6000


def test_what_is_kept_for_the_ends_is_not_taken_by_looks(journal: Fullable, clock: FakeClock) -> None:
    journal.has_room = False
    with braked(journal, clock) as audit:
        note(audit, "read.observe", 3)
        note(audit, "session.closed")
        journal.has_room = True
    assert journal.kinds == ["session.closed", "audit.held_back"]


async def test_the_rest_is_the_journals_own(audit: BrakedAudit, journal: Fullable) -> None:
    audit.require()
    await audit.settled()
    assert journal.settled_at == [0]
