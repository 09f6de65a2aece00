from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import ConflictError
from cloche.sessions.machine import TRANSITIONS, advance
from cloche.sessions.model import FINAL_STATUSES, SessionStatus

LEGAL = {
    ("pending", "ready"),
    ("pending", "closing"),
    ("pending", "failed"),
    ("ready", "sleeping"),
    ("ready", "hibernated"),
    ("ready", "closing"),
    ("ready", "failed"),
    ("sleeping", "ready"),
    ("sleeping", "hibernated"),
    ("sleeping", "closing"),
    ("sleeping", "failed"),
    ("hibernated", "ready"),
    ("hibernated", "closing"),
    ("hibernated", "failed"),
    ("closing", "closed"),
    ("closing", "failed"),
}


@pytest.mark.parametrize("current", SessionStatus)
@pytest.mark.parametrize("wanted", SessionStatus)
def test_exactly_the_drawn_steps_are_allowed(current: SessionStatus, wanted: SessionStatus) -> None:
    if (str(current), str(wanted)) in LEGAL:
        assert advance(current, wanted) is wanted
        return
    with pytest.raises(ConflictError) as caught:
        advance(current, wanted)
    assert caught.value.fields["status"] == str(current)


def test_every_status_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(SessionStatus)


def test_the_final_statuses_are_those_without_a_way_out() -> None:
    assert {status for status, ways in TRANSITIONS.items() if not ways} == FINAL_STATUSES


@given(st.lists(st.sampled_from(SessionStatus), max_size=30))
def test_no_sequence_of_wishes_leaves_the_table(wishes: list[SessionStatus]) -> None:
    status, path = SessionStatus.PENDING, [SessionStatus.PENDING]
    for wish in wishes:
        try:
            status = advance(status, wish)
        except ConflictError:
            continue
        path.append(status)

    assert all((str(a), str(b)) in LEGAL for a, b in pairwise(path))
    # Once ended, always ended; and nothing is pending twice.
    assert all(step not in FINAL_STATUSES for step in path[:-1])
    assert path.count(SessionStatus.PENDING) == 1


def test_every_live_status_can_end() -> None:
    for status in set(SessionStatus) - FINAL_STATUSES:
        reached, frontier = set[SessionStatus](), {status}
        while frontier:
            reached |= frontier
            frontier = {n for s in frontier for n in TRANSITIONS[s]} - reached
        assert reached >= FINAL_STATUSES, status
