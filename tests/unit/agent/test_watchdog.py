from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.procfs import Process
from cloche.agent.watchdog import choose_surplus, is_over_memory


def guest(pid: int, started: int, rss_bytes: int = 0) -> Process:
    return Process(pid, "p", "S", 1, 1, 1, 0, started, rss_bytes)


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(-1, 25))
def test_the_newest_beyond_the_limit_are_chosen(starts: list[int], limit: int) -> None:
    guests = [guest(pid, started) for pid, started in enumerate(starts, start=2)]
    surplus = choose_surplus(guests, limit)
    spared = [one for one in guests if one not in surplus]
    assert len(spared) == min(len(guests), max(0, limit))
    assert not surplus or not spared or max(one.started for one in spared) <= min(one.started for one in surplus)


def test_the_shares_count_and_not_the_resident_sizes() -> None:
    # A pid that is not there has no shares to read, so its resident size stands in.
    gone = 2**22 + 1
    assert not is_over_memory([guest(gone, 1, 100), guest(gone, 2, 100)], 200)
    assert is_over_memory([guest(gone, 1, 100), guest(gone, 2, 101)], 200)
