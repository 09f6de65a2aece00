from pathlib import Path

from made_results import results

from side_by_side.results import MOST_MESSAGES, Results, load, told


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    made = results("wake", {("raw", "asleep", "first answer"): [1.23456, 2.0]}, wakes=2)
    made.skipped["browserless"] = "npm install it"
    made.broken["lightpanda"] = "it said no"
    made.tried("raw", "asleep")
    made.failed("raw", "asleep", RuntimeError("one\n  two"))
    (tmp_path / "wake.json").write_text(made.to_json())

    back = load(tmp_path)["wake"]
    assert back.to_json() == made.to_json()
    assert back.values["raw", "asleep", "first answer"] == [1.235, 2.0]
    assert back.failures_of("raw", "asleep").messages == ["RuntimeError: one two"]
    assert (back.skipped, back.broken, back.options) == (made.skipped, made.broken, {"wakes": 2})


def test_counts_are_kept_whole_however_large() -> None:
    made = results("soak", {("raw", "readings", "rows"): [123_457.0, 1.23456]})

    assert Results.from_json(made.to_json()).values["raw", "readings", "rows"] == [123_457, 1.235]


def test_every_failure_is_counted_and_the_first_are_told() -> None:
    made = Results("x", {}, {})
    for number in range(20):
        made.tried("raw", "one")
        made.failed("raw", "one", ValueError(str(number)))

    assert (made.failures_of("raw", "one").tried, made.failures_of("raw", "one").failed) == (20, 20)
    assert len(made.failures_of("raw", "one").messages) == MOST_MESSAGES


def test_of_what_was_never_tried_there_are_no_samples_and_no_failures() -> None:
    made = results("x", {})

    assert made.samples("raw", "one", "create") is None
    assert made.failures_of("raw", "one").tried == 0
    assert made.cases() == []


def test_what_is_published_of_an_error_has_no_paths_and_no_secrets() -> None:
    error = RuntimeError("POST http://h:1/v1/x?token=s.e-c/ret of ck_12ab at /home/me/x.py\nsaid no")

    assert told(error) == "RuntimeError: POST http://h:1/v1/x?token=… of ck_… at … said no"
