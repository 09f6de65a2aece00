"""bubblewrap must be there, new enough, and really able to build a sandbox."""

import os
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cloche.daemon.doctor import bubblewrap
from cloche.daemon.doctor.check import DoctorSettings


def script(directory: Path, body: str, *, mode: int = 0o755) -> Path:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return path


def test_a_missing_bubblewrap_is_named_with_its_package(settings: DoctorSettings) -> None:
    result = bubblewrap.check(replace(settings, bubblewrap="no-such-bwrap"))
    assert (result.ok, result.mend) == (False, "apt-get install bubblewrap")


def test_an_old_bubblewrap_is_not_enough(settings: DoctorSettings, tmp_path: Path) -> None:
    result = bubblewrap.check(replace(settings, bubblewrap=str(script(tmp_path, "echo bubblewrap 0.4.1"))))
    assert result.ok is False
    assert "older" in result.found


def test_a_bubblewrap_that_cannot_build_says_why(settings: DoctorSettings, tmp_path: Path) -> None:
    refused = '[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit\necho "bwrap: No permissions" >&2\nexit 1'
    result = bubblewrap.check(replace(settings, bubblewrap=str(script(tmp_path, refused)), first_uid=os.geteuid()))
    assert result.ok is False
    assert "cannot build a sandbox: bwrap: No permissions" in result.found
    assert result.mend


@given(st.text(max_size=50))
def test_whatever_bubblewrap_says_of_its_version_is_read_or_refused(text: str) -> None:
    number = bubblewrap.parse_version(text)
    assert number is None or (number[0] >= 0 and number[1] >= 0)
