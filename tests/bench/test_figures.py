from figures import Samples, facts, table


def test_percentiles_lie_between_the_least_and_the_most() -> None:
    samples = Samples([float(value) for value in range(1, 102)])

    assert (samples.p50, samples.p95, samples.p99) == (51, 96, 100)


def test_of_one_figure_every_percentile_is_that_one() -> None:
    assert (Samples([7.0]).p50, Samples([7.0]).p99) == (7, 7)


def test_figures_are_shown_with_as_many_decimals_as_they_deserve() -> None:
    lines = table(["a", "b"], [[1.234, 12.34], [123.4, "x"]]).splitlines()

    assert lines[0] == "| a | b |"
    assert lines[2:] == ["| 1.23 | 12.3 |", "| 123 | x |"]


def test_the_machine_is_told_without_its_name_or_any_path() -> None:
    told = facts()

    assert {"cores", "kernel", "processor", "memory", "python", "chromium", "playwright", "cloche"} <= set(told)
    assert not [value for value in told.values() if "/" in value]
