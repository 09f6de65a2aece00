"""A tab's last snapshots."""

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.observing.store import MAX_CHARS, MAX_VIEWS, Snapshot, SnapshotStore, View, cursor_of


def snapshot(number: int, text: str = "- text: x") -> Snapshot:
    made = Snapshot(f"snap_{number:026d}", "about:blank", "", [text])
    made.add(View([text]))
    return made


def test_a_cursor_leads_back_to_where_its_page_ended() -> None:
    store = SnapshotStore()
    store.add(one := snapshot(1))
    assert store.at(cursor_of(one, 1, 7)) == (one, 1, 7)


def test_huge_snapshots_are_let_go_sooner_but_never_the_newest() -> None:
    store = SnapshotStore()
    big = "x" * (MAX_CHARS // 2 + 1)
    for number in (1, 2, 3):
        store.add(snapshot(number, big))
    assert store.get(snapshot(3).id)
    assert store.get(snapshot(2).id)
    with pytest.raises(ActionError) as gone:
        store.get(snapshot(1).id)
    assert gone.value.code is Failure.SNAPSHOT_NOT_FOUND


def test_of_what_was_made_of_a_snapshot_the_last_few_are_kept() -> None:
    store = SnapshotStore()
    store.add(one := snapshot(1))
    for _ in range(MAX_VIEWS):
        last = one.add(View([]))
    assert store.at(cursor_of(one, last, 0))[1] == last
    with pytest.raises(ActionError):
        store.at(cursor_of(one, 1, 0))
