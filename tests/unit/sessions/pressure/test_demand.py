from cloche.sessions.pressure.demand import (
    LEAST_MEMORY_BYTES,
    LEAST_TASKS,
    UNKNOWN_MEMORY_BYTES,
    UNKNOWN_TASKS,
    Demand,
    Footprint,
    footprint,
)

MIB = 1 << 20


def test_another_session_is_expected_to_be_like_those_that_live() -> None:
    assert footprint([200 * MIB, 400 * MIB, None], [90, None, 110]) == Footprint(300 * MIB, 100)


def test_without_a_reading_it_is_like_sessions_usually_are() -> None:
    assert footprint([], [None]) == Footprint(UNKNOWN_MEMORY_BYTES, UNKNOWN_TASKS) == Footprint()


def test_sessions_that_say_next_to_nothing_do_not_make_the_next_one_free() -> None:
    assert footprint([MIB, 0], [1]) == Footprint(LEAST_MEMORY_BYTES, LEAST_TASKS)


def test_what_is_on_its_way_adds_up() -> None:
    demand = Demand(Footprint(100, 10), 7)
    assert (demand.memory_bytes, demand.tasks) == (700, 70)
