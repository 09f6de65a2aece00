from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.policy import RefusalReason
from cloche.egress.refusals import MAX_KINDS, Refusal, RefusalWindow

DENIED = Refusal("a.test", 80, RefusalReason.HOST_DENIED, "a.test")


def test_the_first_of_a_kind_is_told_at_once() -> None:
    window = RefusalWindow()
    assert window.record(DENIED) == DENIED
    assert window.flush() == []


def test_repetitions_are_told_as_one_number_when_the_window_ends() -> None:
    window = RefusalWindow()
    assert [window.record(DENIED) for _ in range(4)] == [DENIED, None, None, None]
    assert window.flush() == [Refusal("a.test", 80, RefusalReason.HOST_DENIED, "a.test", count=3)]


def test_a_new_window_begins_anew() -> None:
    window = RefusalWindow()
    window.record(DENIED)
    window.flush()
    assert window.record(DENIED) == DENIED


def test_another_port_or_reason_is_another_kind() -> None:
    window = RefusalWindow()
    others = [
        DENIED,
        Refusal("a.test", 81, RefusalReason.HOST_DENIED),
        Refusal("a.test", 80, RefusalReason.PORT_NOT_ALLOWED),
    ]
    assert [window.record(refusal) for refusal in others] == others


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(list(RefusalReason))), max_size=600))
def test_a_flood_is_told_in_few_events_that_add_up(flood: list[tuple[int, RefusalReason]]) -> None:
    window = RefusalWindow()
    told = [window.record(Refusal(f"{number}.test", 80, reason)) for number, reason in flood]
    events = [event for event in told if event is not None] + window.flush()
    assert sum(event.count for event in events) == len(flood)
    assert len(events) <= 2 * (MAX_KINDS + len(RefusalReason))
