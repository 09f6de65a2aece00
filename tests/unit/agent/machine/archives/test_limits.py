import pytest

from cloche.agent.machine.archives.limits import FREE_BYTES, MAX_ENTRIES, MAX_RATIO, MAX_TOTAL_BYTES, Tally, check_ratio
from cloche.agent.machine.problem import Problem


def refusal(tally: Tally, size: int) -> str:
    with pytest.raises(Problem) as raised:
        tally.count(size)
    return f"{raised.value.status} {raised.value.code}"


def test_the_entries_are_counted() -> None:
    tally = Tally()
    for _ in range(MAX_ENTRIES):
        tally.count(0)
    assert refusal(tally, 0) == "400 too_many_entries"


def test_the_bytes_of_all_are_added_up() -> None:
    tally = Tally(1 << 60)
    tally.count(MAX_TOTAL_BYTES)
    assert refusal(tally, 1) == "400 too_large"


def test_what_the_file_system_cannot_take_is_another_refusal() -> None:
    tally = Tally(free_bytes=100)
    tally.count(100)
    assert refusal(tally, 1) == "507 storage_full"


def test_what_unpacks_to_too_much_is_refused_only_past_what_is_free() -> None:
    check_ratio(FREE_BYTES, 0)
    check_ratio(FREE_BYTES + 10 * MAX_RATIO, 10)
    with pytest.raises(Problem):
        check_ratio(FREE_BYTES + 10 * MAX_RATIO + 1, 10)
