"""What a check runs cannot hold it up, whatever it does."""

from pathlib import Path

from cloche.daemon.doctor.programs import MAX_OUTPUT, run


def test_output_and_exit_code_are_told() -> None:
    outcome = run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (outcome.code, outcome.output) == (3, "out\nerr")


def test_a_program_that_hangs_is_ended() -> None:
    outcome = run(["/bin/sh", "-c", "exec sleep 60"], timeout_s=0.1)
    assert (outcome.code, outcome.output) == (None, "no end within 0.1 s")


def test_a_program_that_is_not_there_says_so() -> None:
    assert run(["/nonexistent/program"]).output == "No such file or directory"


def test_output_has_a_limit() -> None:
    assert len(run(["/bin/sh", "-c", "yes | head -c 100000"]).output) <= MAX_OUTPUT


def test_our_environment_stays_with_us(tmp_path: Path) -> None:
    assert "PYTEST" not in run(["/usr/bin/env"]).output
