from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.process.pressure import HostReadings
from cloche.sessions.pressure.demand import Demand, Footprint
from cloche.sessions.pressure.judge import Judge, Resource, Shortage, Thresholds

MIB = 1 << 20
GIB = 1 << 30
ONE = Demand(Footprint(100 * MIB, 100), 1)
CALM = HostReadings(
    processors=2,
    load=1.0,
    cpu_some=5.0,
    cpu_full=0.0,
    memory_full=0.0,
    io_full=0.0,
    memory_total=8 * GIB,
    memory_available=6 * GIB,
    tasks_left=30_000,
)


def shortage(seen: HostReadings, demand: Demand = ONE, thresholds: Thresholds | None = None) -> Shortage | None:
    return Judge(thresholds or Thresholds()).shortage(seen, demand)


def test_a_calm_machine_is_short_of_nothing() -> None:
    judge = Judge(Thresholds())
    assert judge.shortage(CALM, ONE) is None
    assert judge.short == frozenset()


def test_what_is_not_known_is_not_short() -> None:
    assert shortage(HostReadings()) is None
    assert shortage(HostReadings(), thresholds=Thresholds(load=0.0, io_percent=1.0)) is None


def test_a_busy_small_box_with_many_browsers_is_not_short() -> None:
    # Everyone waits a little, and everyone gets along.
    assert shortage(replace(CALM, load=24.0, cpu_some=99.0, io_full=60.0, memory_full=1.5)) is None


def test_processors_are_short_when_tasks_wait_always_and_there_are_very_many() -> None:
    assert shortage(replace(CALM, load=64.0, cpu_some=90.0)) == Shortage(Resource.CPU)
    assert shortage(replace(CALM, load=64.0, cpu_some=89.9)) is None
    assert shortage(replace(CALM, load=63.9, cpu_some=100.0)) is None


def test_without_stall_information_the_load_decides_alone() -> None:
    assert shortage(replace(CALM, load=64.0, cpu_some=None, cpu_full=None)) == Shortage(Resource.CPU)
    assert shortage(replace(CALM, load=64.0), thresholds=Thresholds(cpu_percent=0)) == Shortage(Resource.CPU)


def test_without_a_threshold_for_the_load_stalls_decide_alone() -> None:
    assert shortage(replace(CALM, cpu_some=95.0), thresholds=Thresholds(load=0)) == Shortage(Resource.CPU)
    assert shortage(replace(CALM, cpu_some=100.0, load=None)) is None
    assert shortage(replace(CALM, load=900.0), thresholds=Thresholds(load=0, cpu_percent=0)) is None


def test_a_group_whose_quota_is_used_up_is_short_whatever_the_machine_does() -> None:
    assert shortage(replace(CALM, cpu_full=92.0)) == Shortage(Resource.CPU)


def test_memory_must_hold_the_reserve_and_all_that_is_on_its_way() -> None:
    # What is lacking is told up to where it counts as enough again, a quarter more than is needed.
    thresholds = Thresholds(memory_reserve_bytes=200 * MIB)
    enough = replace(CALM, memory_available=500 * MIB)
    assert shortage(enough, Demand(ONE.one, 3), thresholds) is None
    assert shortage(enough, Demand(ONE.one, 5), thresholds) == Shortage(Resource.MEMORY, 375 * MIB)
    assert shortage(enough, Demand(ONE.one, 0), thresholds) is None


def test_a_stall_for_memory_counts_only_where_little_is_left() -> None:
    stalled = replace(CALM, memory_full=45.0)
    assert shortage(stalled) is None
    assert shortage(replace(stalled, memory_available=2 * GIB - 1)) == Shortage(Resource.MEMORY, 100 * MIB)
    assert shortage(replace(stalled, memory_available=2 * GIB - 1, memory_full=19.0)) is None


def test_tasks_must_suffice_for_all_that_is_on_its_way() -> None:
    thresholds = Thresholds(pids_reserve=100)
    assert shortage(replace(CALM, tasks_left=200), ONE, thresholds) is None
    assert shortage(replace(CALM, tasks_left=150), ONE, thresholds) == Shortage(Resource.PIDS, 100)


def test_disks_count_only_when_asked_for() -> None:
    assert shortage(replace(CALM, io_full=100.0)) is None
    assert shortage(replace(CALM, io_full=80.0), thresholds=Thresholds(io_percent=75)) == Shortage(Resource.IO)


def test_of_several_what_can_be_given_up_is_told_first_and_all_are_known() -> None:
    judge = Judge(Thresholds(io_percent=50))
    seen = replace(CALM, memory_available=0, tasks_left=0, load=99.0, cpu_some=99.0, io_full=99.0)
    found = judge.shortage(seen, ONE)
    assert found is not None and found.resource is Resource.MEMORY
    assert judge.short == frozenset(Resource)


@pytest.mark.parametrize(
    ("high", "between", "calm"),
    [
        (replace(CALM, load=70.0, cpu_some=95.0), replace(CALM, load=60.0, cpu_some=95.0), replace(CALM, load=50.0)),
        (replace(CALM, cpu_full=95.0), replace(CALM, cpu_full=80.0), replace(CALM, cpu_full=70.0)),
        (
            replace(CALM, memory_available=300 * MIB),
            replace(CALM, memory_available=400 * MIB),
            replace(CALM, memory_available=450 * MIB),
        ),
        (replace(CALM, tasks_left=600), replace(CALM, tasks_left=700), replace(CALM, tasks_left=800)),
    ],
    ids=["load", "quota", "memory", "tasks"],
)
def test_what_was_short_stays_so_until_it_is_clearly_better(
    high: HostReadings, between: HostReadings, calm: HostReadings
) -> None:
    judge = Judge(Thresholds())
    assert judge.shortage(between, ONE) is None
    assert judge.shortage(high, ONE) is not None
    assert judge.shortage(between, ONE) is not None
    assert judge.shortage(calm, ONE) is None
    assert judge.shortage(between, ONE) is None


@given(
    st.builds(
        HostReadings,
        processors=st.integers(0, 512),
        load=st.none() | st.floats(0, 1e6),
        cpu_some=st.none() | st.floats(0, 100),
        cpu_full=st.none() | st.floats(0, 100),
        memory_full=st.none() | st.floats(0, 100),
        io_full=st.none() | st.floats(0, 100),
        memory_total=st.none() | st.integers(0, 1 << 45),
        memory_available=st.none() | st.integers(0, 1 << 45),
        tasks_left=st.none() | st.integers(0, 1 << 22),
    ),
    st.integers(0, 10_000),
)
def test_any_reading_is_judged_and_what_lacks_is_told(seen: HostReadings, sessions: int) -> None:
    found = shortage(seen, Demand(ONE.one, sessions))
    if found is not None and found.resource in {Resource.MEMORY, Resource.PIDS}:
        assert found.lacking > 0
