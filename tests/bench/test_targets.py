import pytest
from made_results import results

from side_by_side.results import Peer, Results
from side_by_side.targets import TARGETS, judged

ONE = "1 at a time"
TEN = "10 at once"


def verdict(made: Results, aim: str) -> tuple[str, str]:
    """What stands in the rows of targets: measured, and met or not. `aim` names one."""
    (row,) = [row for row in judged({made.scenario: made}) if row[1] == aim]
    return str(row[2]), str(row[3])


def lifecycle(warm: float, raw: float, warm_total: float = 1.0, raw_total: float = 1.0) -> Results:
    return results(
        "lifecycle",
        {
            ("cloche-warm", ONE, "create"): [warm],
            ("raw", ONE, "create"): [raw],
            ("cloche-warm", ONE, "total"): [warm_total],
            ("raw", ONE, "total"): [raw_total],
        },
    )


@pytest.mark.parametrize(("warm", "said"), [(12.0, "met"), (12.1, "**missed**")])
def test_a_warm_create_is_held_against_its_milliseconds(warm: float, said: str) -> None:
    assert verdict(lifecycle(warm, 65), "≤ 12 ms")[1] == said


@pytest.mark.parametrize(("raw", "said"), [(50.0, ("5.00 ×", "met")), (49.0, ("4.90 ×", "**missed**"))])
def test_a_warm_create_is_held_against_a_raw_launch(raw: float, said: tuple[str, str]) -> None:
    assert verdict(lifecycle(10, raw), "≥ 5 × as quick") == said


@pytest.mark.parametrize(("total", "said"), [(100.0, "met"), (101.0, "**missed**")])
def test_a_whole_warm_life_is_held_against_a_raw_one(total: float, said: str) -> None:
    assert verdict(lifecycle(10, 65, total, 100), "≤ 1 ×")[1] == said


def test_the_tail_at_ten_is_held_against_its_own_median() -> None:
    values = [100.0] * 80 + [199.0] * 20
    assert verdict(results("lifecycle", {("cloche-warm", TEN, "total"): values}), "≤ 2 ×") == ("1.99 ×", "met")
    worse = [100.0] * 80 + [201.0] * 20
    assert verdict(results("lifecycle", {("cloche-warm", TEN, "total"): worse}), "≤ 2 ×")[1] == "**missed**"


def asleep(count: float, mib: float, cpu: float) -> Results:
    figures = {"sessions": [count], "memory": [mib], "cpu": [cpu]}
    return results("density", {("cloche-cold", "asleep", metric): values for metric, values in figures.items()})


def test_density_is_held_in_gigabytes_and_of_one_core() -> None:
    assert verdict(asleep(120, 11_400, 4.9), "≤ 12 GB") == ("12.0 GB", "met")
    assert verdict(asleep(120, 11_500, 4.9), "≤ 12 GB")[1] == "**missed**"
    assert verdict(asleep(120, 11_400, 4.9), "< 5 %")[1] == "met"
    assert verdict(asleep(120, 11_400, 5.0), "< 5 %")[1] == "**missed**"


def test_a_smaller_run_than_the_target_speaks_of_proves_nothing() -> None:
    assert verdict(asleep(119, 1, 0), "≤ 12 GB") == ("–", "not measured")
    assert verdict(asleep(119, 1, 0), "< 5 %") == ("–", "not measured")
    figures = {("cloche-cold", "fetch", "fetch"): [1.0], ("raw", "fetch", "fetch"): [1.0]}
    assert verdict(results("fetch", figures, fetch_mb=200), "≥ 0.85 ×")[1] == "not measured"


@pytest.mark.parametrize(("seconds", "said"), [(1.0, "met"), (1.17, "met"), (1.2, "**missed**")])
def test_a_fetch_is_held_as_speed(seconds: float, said: str) -> None:
    figures = {("cloche-cold", "fetch", "fetch"): [seconds], ("raw", "fetch", "fetch"): [1.0]}
    assert verdict(results("fetch", figures, fetch_mb=1024), "≥ 0.85 ×")[1] == said


def test_a_wake_and_a_round_trip_are_held_to_their_aims() -> None:
    assert verdict(results("wake", {("cloche-cold", "asleep", "first answer"): [40.0]}), "≤ 40 ms")[1] == "met"
    trip = {("cloche-cold", "round trip", "round trip"): [1.2], ("raw", "round trip", "round trip"): [1.0]}
    assert verdict(results("round-trip", trip), "≤ 1.3 ×") == ("1.20 ×", "met")
    assert verdict(results("round-trip", trip), "≤ 1.1 ×")[1] == "**missed**"


def soaked(ended: float, *grew: str) -> Results:
    made = Results("soak", {}, {})
    made.peers["cloche"] = Peer("Cloche", "")
    made.add("cloche", "readings", "sessions", ended, "")
    for kind in grew:
        made.add("cloche", "grew", kind, 1.0, "")
    return made


def test_zero_growth_needs_a_thousand_sessions_and_nothing_that_grew() -> None:
    assert verdict(soaked(1000), "zero growth") == ("1000 ended, nothing grew", "met")
    assert verdict(soaked(1000, "descriptors"), "zero growth") == ("1000 ended, grew: descriptors", "**missed**")
    assert verdict(soaked(999), "zero growth")[1] == "not measured"


def test_without_any_figures_nothing_is_met() -> None:
    assert {str(row[3]) for row in judged({})} == {"not measured"}
    assert len(judged({})) == len(TARGETS)
