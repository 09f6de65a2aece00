from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.restart_budget import FIRST_DELAY_S, MAX_DELAY_S, RestartBudget


@given(st.integers(0, 5), st.floats(0.1, 100), st.lists(st.tuples(st.floats(0, 50), st.floats(0, 1)), max_size=40))
def test_no_window_ever_holds_more_restarts_than_the_limit(
    limit: int, window_s: float, crashes: list[tuple[float, float]]
) -> None:
    budget, now, allowed = RestartBudget(limit, window_s), 0.0, []
    for pause, jitter in crashes:
        now += pause
        delay = budget.spend(now, jitter)
        if delay is not None:
            assert FIRST_DELAY_S / 2 <= delay <= MAX_DELAY_S
            allowed.append(now)
        assert len([at for at in allowed if at > now - window_s]) <= limit


def test_delays_double_up_to_their_limit() -> None:
    budget = RestartBudget(limit=9, window_s=100)
    assert [budget.spend(0.0, 1.0) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_quiet_window_gives_the_whole_budget_back() -> None:
    budget = RestartBudget(limit=1, window_s=10)
    assert budget.spend(0, 1) == FIRST_DELAY_S
    assert budget.spend(9.9, 1) is None
    assert budget.spend(10, 1) == FIRST_DELAY_S


def test_a_huge_budget_does_not_overflow_the_delay() -> None:
    budget = RestartBudget(limit=5000, window_s=1e9)
    assert [budget.spend(0, 1) for _ in range(3000)][-1] == MAX_DELAY_S
