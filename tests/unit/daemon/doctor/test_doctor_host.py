"""Checks of what the machine has: programs, kernel switches, fonts, user ids, limits."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.daemon.doctor import (
    bubblewrap,
    chromium,
    clock,
    control_groups,
    descriptors,
    fonts,
    inotify,
    python_version,
    uid_range,
    user_namespaces,
)
from cloche.daemon.doctor.check import DoctorSettings
from cloche.process.cgroup_none import NoCgroupRoot
from cloche.sandbox.namespace.uid_range import UidRange

UIDS = UidRange(5000, 100)


def settings(**changes: object) -> DoctorSettings:
    base: dict[str, object] = {
        "state_dir": Path("/tmp"),
        "run_dir": Path("/tmp"),
        "http_bind": "127.0.0.1:0",
        "database_url": "sqlite:////tmp/none.db",
        "chromium_shell": Path("/usr/lib/chromium/chromium-headless-shell"),
    }
    return DoctorSettings(**(base | changes))  # type: ignore[arg-type]


def script(directory: Path, body: str, *, mode: int = 0o755) -> Path:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(("version", "ok"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 14, 1), True)])
def test_python_older_than_3_11_is_refused(version: tuple[int, int, int], ok: bool) -> None:
    assert python_version.judge(version).ok is ok


def test_a_missing_bubblewrap_is_named_with_its_package() -> None:
    result = bubblewrap.check(settings(bubblewrap="no-such-bwrap"))
    assert (result.ok, result.mend) == (False, "apt-get install bubblewrap")


def test_an_old_bubblewrap_is_not_enough(tmp_path: Path) -> None:
    result = bubblewrap.check(settings(bubblewrap=str(script(tmp_path, "echo bubblewrap 0.4.1"))))
    assert result.ok is False
    assert "older" in result.found


def test_a_bubblewrap_that_cannot_build_says_why(tmp_path: Path) -> None:
    refused = '[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit\necho "bwrap: No permissions" >&2\nexit 1'
    result = bubblewrap.check(settings(bubblewrap=str(script(tmp_path, refused)), first_uid=os.geteuid()))
    assert result.ok is False
    assert "cannot build a sandbox: bwrap: No permissions" in result.found
    assert result.mend


@given(st.text(max_size=50))
def test_whatever_bubblewrap_says_of_its_version_is_read_or_refused(text: str) -> None:
    number = bubblewrap.parse_version(text)
    assert number is None or (number[0] >= 0 and number[1] >= 0)


@pytest.mark.parametrize(
    ("values", "mend"),
    [
        ({"kernel.unprivileged_userns_clone": 0}, "kernel.unprivileged_userns_clone=1"),
        ({"kernel.apparmor_restrict_unprivileged_userns": 1}, "kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"user.max_user_namespaces": 0}, "user.max_user_namespaces=28633"),
    ],
)
def test_each_kernel_switch_is_mended_by_its_own_command(values: dict[str, int], mend: str) -> None:
    result = user_namespaces.judge(values)
    assert result.ok is False
    assert f"sysctl -w {mend}" in result.mend


def test_switches_a_kernel_does_not_have_forbid_nothing() -> None:
    assert user_namespaces.judge({}).ok is True


def test_a_missing_browser_is_named_with_its_package() -> None:
    result = chromium.check(settings(chromium_shell=Path("/nonexistent/chromium")))
    assert result.ok is False
    assert "apt-get install chromium-headless-shell" in result.mend


def test_a_browser_that_may_not_be_executed_is_told_from_a_missing_one(tmp_path: Path) -> None:
    path = script(tmp_path, "true", mode=0o644)
    assert chromium.check(settings(chromium_shell=path)).mend == f"chmod +x {path}"


def test_a_browser_that_dies_shows_its_last_words(tmp_path: Path) -> None:
    path = script(tmp_path, "echo error while loading shared libraries >&2; exit 127")
    assert "shared libraries" in chromium.check(settings(chromium_shell=path)).found


def test_no_fonts_is_a_warning(tmp_path: Path) -> None:
    assert fonts.judge([tmp_path]).ok is None
    (tmp_path / "a.ttf").touch()
    assert fonts.judge([tmp_path]).ok is True


def test_without_control_groups_the_reason_is_passed_on() -> None:
    result = control_groups.judge(NoCgroupRoot("nothing is mounted"))
    assert result.ok is None
    assert "nothing is mounted" in result.found


def test_user_ids_that_someone_has_are_refused() -> None:
    whole = "0 0 4294967295\n"
    assert uid_range.judge(UIDS, maps=[whole], passwd="", subuid="").ok is True
    taken = uid_range.judge(UIDS, maps=[whole], passwd="ann:x:5050:5050::/home/ann:/bin/sh\n", subuid="")
    assert (taken.ok, "ann" in taken.found) == (False, True)


def test_user_ids_that_a_container_does_not_map_are_a_warning() -> None:
    assert uid_range.judge(UIDS, maps=["0 100000 1000\n"], passwd="", subuid="").ok is None


def test_a_low_limit_on_open_files_is_a_warning_with_the_number_that_would_do() -> None:
    result = descriptors.judge(1024, 64)
    assert result.ok is None
    assert "19456" in result.mend
    assert descriptors.judge(-1, 64).ok is True


def test_a_low_limit_on_inotify_is_a_warning() -> None:
    assert inotify.judge(128, 64).ok is None
    assert inotify.judge(1024, 64).ok is True


@pytest.mark.parametrize(("year", "ok"), [(1970, False), (2027, True), (2077, False)])
def test_a_clock_that_cannot_be_right_is_told(year: int, ok: bool) -> None:
    assert clock.judge(datetime(year, 1, 1, tzinfo=UTC)).ok is ok
