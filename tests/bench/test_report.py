import re
import sys
from pathlib import Path

import pytest
from made_results import results

import run
from side_by_side.report import BEGIN, END, draw, markdown, put_between, write_plots
from side_by_side.results import Results, load
from side_by_side.scenarios.every import SCENARIOS

ONE = "1 at a time"
STAGES = ("create", "connect", "page", "release", "total")


def lifecycle() -> Results:
    names = ("raw", "cloche-cold", "lightpanda")
    return results(
        "lifecycle",
        {(name, ONE, stage): [1.0 + place, 2.0 + place] for place, name in enumerate(names) for stage in STAGES},
        peers=names,
        rounds=2,
    )


def test_a_page_has_targets_what_was_compared_and_a_section_for_what_was_measured() -> None:
    made = lifecycle()
    made.skipped["browserless"] = "npm install it"
    made.broken["playwright"] = "RuntimeError: does not serve"
    text = markdown({"lifecycle": made}, SCENARIOS, "plots")

    assert re.findall("^###? .*", text, re.MULTILINE) == [
        "## Side by side",
        "### Targets",
        "### What is compared",
        "### Create, connect, load, release: 1 at a time",
    ]
    assert "- **Lightpanda**: what lightpanda is." in text
    assert "`browserless` was not here: npm install it" in text
    assert "`playwright` failed in `lifecycle`: `RuntimeError: does not serve`" in text
    assert "![1 at a time, ms, p50](plots/lifecycle-1.svg)" in text
    assert "Cloche at abcdef0" in text
    assert "rounds 2" in text


def test_every_scenario_can_be_rendered_without_any_figures() -> None:
    for scenario in SCENARIOS:
        empty = Results(scenario.name, {}, dict.fromkeys(scenario.options(run.parse([])), 1))
        assert scenario.render(empty).startswith(f"### {scenario.title}") or not empty.cases()


def test_only_the_marked_part_of_a_page_is_made_anew() -> None:
    page = f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n"

    assert put_between(page, "new\n") == f"before\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"
    assert put_between(put_between(page, "new"), "new") == put_between(page, "new")


@pytest.mark.parametrize("page", ["none", BEGIN, f"{END} {BEGIN}", f"{BEGIN} {BEGIN} {END}"])
def test_a_page_without_its_marks_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="marks"):
        put_between(page, "new")


def test_a_plot_is_small_runs_nothing_and_is_the_same_for_the_same_figures() -> None:
    (one,) = draw({"lifecycle": lifecycle()}, SCENARIOS).values()
    (other,) = draw({"lifecycle": lifecycle()}, SCENARIOS).values()

    assert one.render() == other.render()
    assert one.render().startswith("<svg")
    assert "<script" not in one.render()
    assert len(one.render()) < 20_000


def test_drawing_leaves_imports_alone() -> None:
    assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("pygal")]


def test_plots_of_scenarios_that_are_no_more_go(tmp_path: Path) -> None:
    (tmp_path / "old.svg").touch()
    write_plots(draw({"lifecycle": lifecycle()}, SCENARIOS), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["lifecycle-1.svg"]


def test_report_makes_the_page_and_its_plots_from_the_files(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Figures\n\n{BEGIN}\n{END}\n")
    (tmp_path / "lifecycle.json").write_text(lifecycle().to_json())
    run.main(["--report", "--out", str(tmp_path), "--page", str(page)])

    assert "## Side by side" in page.read_text()
    assert (tmp_path / "plots/lifecycle-1.svg").is_file()


def test_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no figures"):
        run.main(["--report", "--out", str(tmp_path)])


def test_the_page_and_its_plots_are_what_the_kept_figures_make() -> None:
    """Whoever changes figures or their rendering runs `bench/run --report`."""
    found = load(run.KEPT)
    assert found, "no figures are kept"
    page = run.PAGE.read_text()
    assert put_between(page, markdown(found, run.SECTIONS, run.PLOTS)) == page
    kept = {path.stem: path.read_text() for path in (run.PAGE.parent / run.PLOTS).glob("*.svg")}
    assert kept == {name: plot.render() + "\n" for name, plot in draw(found, run.SECTIONS).items()}
