from hypothesis import given
from hypothesis import strategies as st

from cloche.egress.accounting import ByteBudget, Counters
from cloche.egress.policy import RefusalReason


def test_without_a_limit_everything_passes_and_is_counted_by_direction() -> None:
    counters = Counters()
    budget = ByteBudget(counters, None)
    assert (budget.take_in(5), budget.take_out(7)) == (5, 7)
    assert (counters.bytes_in, counters.bytes_out, counters.bytes_total) == (5, 7, 12)
    assert not budget.exhausted


def test_a_session_that_returns_goes_on_where_it_stopped() -> None:
    budget = ByteBudget(Counters(bytes_in=90, bytes_out=5), 100)
    assert (budget.take_in(50), budget.take_out(50)) == (5, 0)
    assert budget.exhausted


def test_a_limit_below_what_was_used_grants_nothing() -> None:
    assert ByteBudget(Counters(bytes_in=90), 50).take_out(1) == 0


@given(st.integers(0, 10_000), st.lists(st.tuples(st.booleans(), st.integers(0, 3_000)), max_size=30))
def test_exactly_the_limit_passes_both_ways_together(limit: int, asks: list[tuple[bool, int]]) -> None:
    counters = Counters()
    budget = ByteBudget(counters, limit)
    granted = [(budget.take_in if inward else budget.take_out)(count) for inward, count in asks]
    assert sum(granted) == counters.bytes_total == min(limit, sum(count for _, count in asks))
    assert budget.exhausted == (counters.bytes_total == limit)


def test_refusals_are_counted_by_reason() -> None:
    counters = Counters()
    for reason in (RefusalReason.HOST_DENIED, RefusalReason.HOST_DENIED, RefusalReason.PORT_NOT_ALLOWED):
        counters.count_refusal(reason)
    assert counters.refusals_total == 3
    assert counters.refusals == {RefusalReason.HOST_DENIED: 2, RefusalReason.PORT_NOT_ALLOWED: 1}
