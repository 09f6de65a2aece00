"""Every check runs on a real machine and says what it found; one that breaks hides nothing."""

import os

import pytest

from cloche.daemon.doctor import checks
from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good


@pytest.mark.promise("doctor-says-how-to-mend")
def test_each_check_says_what_it_means_and_what_it_found(settings: DoctorSettings) -> None:
    results = checks.run_checks(settings)
    assert len({result.name for result in results}) == len(checks.CHECKS)
    for result in results:
        assert result.meaning, result
        assert result.found, result
        assert (result.ok is True) == (result.mend == ""), result


def test_this_machine_can_run_what_the_tests_need(settings: DoctorSettings) -> None:
    wanted = {"python_version", "user_namespaces", "bubblewrap", "chromium", "fonts"}
    results = {result.name: result for result in checks.run_checks(settings)}
    assert not [results[name] for name in wanted if results[name].ok is not True]


@pytest.mark.promise("doctor-changes-nothing")
def test_the_doctor_changes_nothing(settings: DoctorSettings) -> None:
    checks.run_checks(settings)
    assert os.listdir(settings.state_dir) == []


def test_a_check_that_breaks_is_a_finding_and_the_rest_go_on(settings: DoctorSettings) -> None:
    def broken(_settings: DoctorSettings) -> CheckResult:
        raise RuntimeError("no such luck")

    def fine(_settings: DoctorSettings) -> CheckResult:
        return good("fine", "all is well", "nothing")

    first, second = checks.run_checks(settings, [broken, fine])
    assert first.ok is False
    assert "no such luck" in first.found
    assert second.ok is True
