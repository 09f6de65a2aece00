"""Every check runs on a real machine and says what it found; one that breaks hides nothing."""

import os
from pathlib import Path

import pytest

from cloche.daemon.doctor import checks
from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good
from cloche.daemon.doctor.from_settings import doctor_settings
from cloche.daemon.settings import Settings


def settings_in(directory: Path) -> DoctorSettings:
    return DoctorSettings(
        state_dir=directory / "state",
        run_dir=Path("/run"),
        http_bind="127.0.0.1:0",
        database_url=f"sqlite:///{directory / 'state/cloche.db'}",
        chromium_shell=Path("/usr/lib/chromium/chromium-headless-shell"),
    )


def test_each_check_says_what_it_means_and_what_it_found(tmp_path: Path) -> None:
    results = checks.run_checks(settings_in(tmp_path))
    assert len({result.name for result in results}) == len(checks.CHECKS)
    for result in results:
        assert result.meaning, result
        assert result.found, result
        assert (result.ok is True) == (result.mend == ""), result


def test_this_machine_can_run_what_the_tests_need(tmp_path: Path) -> None:
    wanted = {"python_version", "user_namespaces", "bubblewrap", "chromium", "fonts"}
    results = {result.name: result for result in checks.run_checks(settings_in(tmp_path))}
    assert not [results[name] for name in wanted if results[name].ok is not True]


def test_the_doctor_changes_nothing(tmp_path: Path) -> None:
    checks.run_checks(settings_in(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_check_that_breaks_is_a_finding_and_the_rest_go_on(tmp_path: Path) -> None:
    def broken(_settings: DoctorSettings) -> CheckResult:
        raise RuntimeError("no such luck")

    def fine(_settings: DoctorSettings) -> CheckResult:
        return good("fine", "all is well", "nothing")

    first, second = checks.run_checks(settings_in(tmp_path), [broken, fine])
    assert first.ok is False
    assert "no such luck" in first.found
    assert second.ok is True


def test_the_doctor_looks_where_the_daemon_is_set_to(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOCHE_STATE_DIR", str(tmp_path))
        patch.setenv("CLOCHE_UID_RANGE", "5000:10")
        patch.setenv("CLOCHE_ADMIN_KEY", "ck_something")
        seen = doctor_settings(Settings())
    assert seen.database_url == f"sqlite:///{tmp_path}/cloche.db"
    assert (seen.first_uid, seen.uid_count, seen.has_admin_key) == (5000, 10, True)
