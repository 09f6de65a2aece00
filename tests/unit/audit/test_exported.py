import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.audit.bounds import bounded_data
from cloche.audit.chain import GENESIS, chained
from cloche.audit.exported import ExportWalk, line_of
from cloche.audit.journal import entry_of
from cloche.audit.model import AuditEvent, AuditRecord
from cloche.errors import InvalidError

AT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def lines(*records: AuditRecord) -> list[str]:
    made, hash_ = [], GENESIS
    for seq, record in enumerate(records, start=1):
        hash_ = chained(hash_, entry_of(seq, AT, record))
        kept = AuditRecord(kind=record.kind, actor=record.actor, data=bounded_data(record.data))
        made.append(line_of(AuditEvent(seq=seq, at=AT, record=kept, hash=hash_)))
    return made


def records(count: int) -> list[AuditRecord]:
    return [AuditRecord(kind="a.b", actor="ann", data={"number": number, "text": "ä\u2028"}) for number in range(count)]


def test_a_whole_export_holds_and_so_does_its_end() -> None:
    exported = lines(*records(5))
    found = ExportWalk().follow(exported)
    assert (found.rows, found.first_seq, found.last_seq, found.broken_at) == (5, 1, 5, None)
    assert ExportWalk().follow(exported[2:]).broken_at is None
    assert ExportWalk().follow([]).rows == 0


@given(
    st.dictionaries(st.text(max_size=4), st.one_of(st.floats(), st.integers(), st.booleans(), st.text()), max_size=4)
)
def test_whatever_was_written_down_can_be_followed_in_its_export(data: dict[str, float | int | bool | str]) -> None:
    assert ExportWalk().follow(lines(AuditRecord(kind="a.b", actor="ann", data=data))).broken_at is None


@pytest.mark.parametrize("name", ["at", "kind", "actor", "owner", "session_id", "subject", "outcome", "data", "hash"])
def test_a_changed_line_is_found(name: str) -> None:
    exported = lines(*records(5))
    changed = json.loads(exported[2])
    changed[name] = {"number": 7} if name == "data" else "0" * 64 if name == "hash" else changed[name] + "x"
    exported[2] = json.dumps(changed)
    assert ExportWalk().follow(exported).broken_at == 3


def test_lines_left_out_or_put_in_another_order_are_found() -> None:
    exported = lines(*records(5))
    assert ExportWalk().follow(exported[:2] + exported[3:]).broken_at == 3
    assert ExportWalk().follow([exported[0], exported[2], exported[1]]).broken_at == 2
    assert ExportWalk().follow([exported[0], exported[0]]).broken_at == 1


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", "null", "x", "[" * 9000, '{"seq": 1e999}', '{"seq": "a"}', "{" + " " * 70_000 + "}"]
)
def test_what_is_no_line_of_an_export_is_refused(line: str) -> None:
    with pytest.raises(InvalidError, match="line 2"):
        ExportWalk().follow([*lines(*records(1)), line])
