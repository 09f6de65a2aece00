from dataclasses import replace

from made_results import results

from side_by_side.tables import against_floor, failed, latencies, notes, slower_than, spread

CASE = "1 at a time"
FIGURES = {
    ("raw", CASE, "total"): [100.0, 110.0, 120.0],
    ("cloche-cold", CASE, "total"): [200.0, 220.0, 240.0],
    ("lightpanda", CASE, "total"): [20.0, 22.0, 24.0],
}


def rows(text: str) -> dict[str, list[str]]:
    """Cells by what stands in the first."""
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {cells[0]: cells[1:] for cells in found}


def test_a_loss_stands_in_the_same_row() -> None:
    made = results("pile", FIGURES)
    found = rows(latencies(made, CASE, {"total": "total"}, of_floor="total"))

    assert found[""] == ["total", "n", "failed", "total × raw", "slower than"]
    assert found["Cloche cold"] == ["220 / 238 / 240", "3", "0", "2.00", "raw Chromium, Lightpanda"]
    assert found["raw Chromium"][-2:] == ["", "Lightpanda"]
    assert found["Lightpanda"][-2:] == ["0.20", ""]


def test_medians_that_are_level_are_no_loss() -> None:
    made = results("pile", {("raw", CASE, "total"): [100.0], ("cloche-cold", CASE, "total"): [104.0]})

    assert slower_than(made, "cloche-cold", CASE, "total") == ""


def test_who_runs_elsewhere_is_shown_and_held_against_nobody() -> None:
    made = results("pile", FIGURES)
    made.peers["lightpanda"] = replace(made.peers["lightpanda"], is_remote=True)
    found = rows(latencies(made, CASE, {"total": "total"}, of_floor="total"))

    assert found["Lightpanda"] == ["22.0 / 23.8 / 24.0", "3", "0", "", ""]
    assert found["Cloche cold"][-1] == "raw Chromium"


def test_who_only_failed_keeps_its_row() -> None:
    made = results("pile", FIGURES)
    for _ in range(3):
        made.tried("cloche-warm", CASE)
        made.failed("cloche-warm", CASE, RuntimeError("no `luck`"))
    found = rows(latencies(made, CASE, {"total": "total"}, of_floor="total"))

    assert found["Cloche warm"] == ["–", "0", "**3 of 3**", "", ""]
    assert failed(made, "cloche-warm", CASE) == "**3 of 3**"
    assert notes(made, [CASE]).count("RuntimeError: no luck") == 3


def test_without_the_floor_there_is_nothing_to_be_held_against() -> None:
    made = results("pile", {("cloche-cold", CASE, "total"): [5.0]}, peers=["cloche-cold"])

    assert rows(latencies(made, CASE, {"total": "total"}, of_floor="total"))[""] == [
        *("total", "n", "failed", "slower than"),
    ]
    assert against_floor(made, "cloche-cold", CASE, "total") == ""


def test_aims_stand_in_the_row_they_are_about() -> None:
    made = results("lifecycle", {("raw", CASE, "total"): [100.0], ("cloche-warm", CASE, "total"): [150.0]})
    found = rows(latencies(made, CASE, {"total": "total"}, of_floor="total"))

    assert found[""][-2:] == ["aim", ""]
    assert "≤ 1 ×" in found["Cloche warm"][-2]
    assert "1.50 ×: **missed**" in found["Cloche warm"][-1]
    assert found["raw Chromium"][-2:] == ["", ""]


def test_how_sessions_came_to_be_is_told() -> None:
    made = results("lifecycle", {("cloche-warm", CASE, "started warm"): [1.0] * 19,
                                 ("cloche-warm", CASE, "started cold"): [1.0]})  # fmt: skip

    assert "sessions came to be as 19 warm, 1 cold" in notes(made, [CASE])


def test_no_samples_are_a_dash() -> None:
    assert spread(None) == "–"
