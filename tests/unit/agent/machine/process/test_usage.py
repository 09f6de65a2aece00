import os

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.process.usage import Share, Usage, memory_bytes
from cloche.agent.procfs import TICKS_PER_SECOND, Process, proportional_bytes, read_process


def process(pid: int, ticks: int, state: str = "S") -> Process:
    return Process(pid, "x", state, 1, 1, 1, ticks, 1, 0)


def test_the_first_question_is_answered_since_the_start() -> None:
    assert Share(100.0).ask(102.0, 1.0) == 50.0
    assert Share(100.0).ask(100.125, 0.0625) == 50.0
    assert Share(100.0).ask(100.0, 0.0) == 0.0


def test_later_ones_since_the_last_that_was_long_enough_ago() -> None:
    share = Share(0.0)
    assert share.ask(10.0, 0.0) == 0.0
    assert share.ask(11.0, 1.0) == 100.0
    assert round(share.ask(11.1, 1.1)) == 100  # since 10, not since a moment ago
    assert share.ask(12.0, 1.0) == 0.0
    assert share.ask(13.0, 4.0) == 300.0


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), max_size=20))
def test_a_share_is_never_below_zero_nor_above_what_was_spent_in_the_shortest_time(
    steps: list[tuple[float, float]],
) -> None:
    share, now, spent = Share(0.0), 0.0, 0.0
    for took, used in steps:
        now, spent = now + took, spent + used * took
        assert 0 <= share.ask(now, spent) <= 500.001


def test_time_of_those_who_run_and_of_those_who_were_waited_for_adds_up_and_never_shrinks() -> None:
    usage = Usage(lambda: 10.0)
    running = [process(1, 2 * TICKS_PER_SECOND), process(2, TICKS_PER_SECOND)]
    assert usage.measure(running)[0] == 3.0
    assert usage.measure(running[:1])[0] == 3.0  # one has ended unwaited
    usage.ended(3.5)
    assert usage.measure([])[0] == 3.5
    assert usage.measure([process(3, TICKS_PER_SECOND)])[0] == 4.5


def test_memory_is_that_of_the_living() -> None:
    ours = read_process(os.getpid())
    assert ours is not None
    assert memory_bytes([]) == 0
    assert memory_bytes([ours._replace(state="Z")]) == 0
    assert memory_bytes([ours]) > 1_000_000
    gone = process(1 << 22, 0)._replace(rss_bytes=4096)
    assert memory_bytes([gone]) == proportional_bytes(gone) == 4096
