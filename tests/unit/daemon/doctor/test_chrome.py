"""The second engine: its lack is told, and keeps nobody from using the first."""

from dataclasses import replace
from pathlib import Path

from cloche.daemon.doctor import chrome
from cloche.daemon.doctor.check import DoctorSettings


def test_a_machine_without_full_chromium_is_warned(settings: DoctorSettings) -> None:
    result = chrome.check(replace(settings, chromium=Path("/nonexistent/chromium")))
    assert result.ok is None
    assert "apt-get install chromium " in result.mend


def test_one_that_does_not_start_shows_why(settings: DoctorSettings, tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho error while loading shared libraries >&2; exit 127\n")
    program.chmod(0o755)
    result = chrome.check(replace(settings, chromium=program))
    assert (result.ok, "shared libraries" in result.found) == (None, True)


def test_its_version_is_told(settings: DoctorSettings) -> None:
    result = chrome.check(settings)
    assert result.ok is True
    assert "Chromium" in result.found
