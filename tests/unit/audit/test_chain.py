import hashlib
import hmac
import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from cloche.audit.chain import (
    GENESIS,
    Entry,
    SegmentFacts,
    Tip,
    canonical,
    chained,
    data_text,
    is_hash,
    row_mac,
    same,
    segment_mac,
    time_text,
    tip_mac,
)

KEY = b"k" * 32
ENTRY = Entry(7, "2026-01-02T03:04:05.000006+00:00", "key.revoked", "root", "ann", "", "key_1", "ok", '{"n":1}')

texts = st.text(st.characters(), max_size=8)
entries = st.builds(Entry, st.integers(0, 2**53), *[texts] * 8)


def test_a_row_is_hashed_as_the_reference_page_says_so_that_another_program_can_follow_it() -> None:
    canonical_text = (
        '["cloche/audit/1",7,"2026-01-02T03:04:05.000006+00:00","key.revoked","root","ann","","key_1","ok",'
        '"{\\"n\\":1}"]'
    )
    assert canonical(ENTRY) == canonical_text.encode()
    assert chained(GENESIS, ENTRY) == hashlib.sha256(bytes(32) + canonical_text.encode()).hexdigest()


def test_a_mac_is_over_the_hash_and_says_what_it_is_for() -> None:
    hash_ = chained(GENESIS, ENTRY)
    assert row_mac(KEY, hash_) == hmac.digest(KEY, b"cloche/audit/row/1" + bytes.fromhex(hash_), "sha256").hex()
    tip = Tip(7, hash_, 0)
    segment = SegmentFacts(7, 1, 7, GENESIS, hash_, "", "")
    assert len({row_mac(KEY, hash_), tip_mac(KEY, tip), segment_mac(KEY, segment)}) == 3


@given(entries, entries)
def test_two_entries_are_the_same_bytes_only_when_they_are_the_same(one: Entry, other: Entry) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


@given(entries, st.integers(0, 7), texts)
def test_whatever_is_moved_from_one_field_to_the_next_gives_other_bytes(entry: Entry, at: int, moved: str) -> None:
    fields = list(entry)
    there = [*fields]
    there[at + 1] = moved + str(fields[at + 1])
    changed = Entry(*there)  # type: ignore[arg-type]
    assert (canonical(changed) == canonical(entry)) == (moved == "")


@given(entries)
def test_the_bytes_are_ascii_and_json_of_the_very_fields(entry: Entry) -> None:
    read = json.loads(canonical(entry).decode("ascii"))
    assert read == ["cloche/audit/1", *entry]


@given(st.dictionaries(texts, st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), texts), max_size=6))
def test_data_is_the_same_text_whatever_the_order_it_was_put_together_in(data: dict[str, object]) -> None:
    again = dict(reversed(list(data.items())))
    assert data_text(data) == data_text(again) == data_text(json.loads(data_text(data)))


def test_every_row_depends_on_the_one_before() -> None:
    first = chained(GENESIS, ENTRY)
    assert chained(first, ENTRY) != first


def test_times_are_all_of_one_length_so_that_texts_sort_as_they_do() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    assert time_text(at) == "2026-01-02T00:00:00.000000+00:00"
    assert time_text(at) < time_text(at.replace(microsecond=1)) < time_text(at.replace(second=1))


def test_only_sixty_four_lower_hex_digits_are_a_hash() -> None:
    assert is_hash(GENESIS) and not is_hash("0" * 63) and not is_hash("G" * 64) and not is_hash("A" * 64)


def test_texts_nobody_could_have_signed_are_compared_all_the_same() -> None:
    assert same("ab", "ab") and not same("ab", "äb") and not same("\ud800", "ab")
