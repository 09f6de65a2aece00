"""A browser that cannot start is told, and why."""

from dataclasses import replace
from pathlib import Path

from cloche.daemon.doctor import chromium
from cloche.daemon.doctor.check import DoctorSettings


def script(directory: Path, body: str, *, mode: int = 0o755) -> Path:
    path = directory / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return path


def test_a_missing_browser_is_named_with_its_package(settings: DoctorSettings) -> None:
    result = chromium.check(replace(settings, chromium_shell=Path("/nonexistent/chromium")))
    assert result.ok is False
    assert "apt-get install chromium-headless-shell" in result.mend


def test_a_browser_that_may_not_be_executed_is_not_a_missing_one(settings: DoctorSettings, tmp_path: Path) -> None:
    path = script(tmp_path, "true", mode=0o644)
    assert chromium.check(replace(settings, chromium_shell=path)).mend == f"chmod +x {path}"


def test_a_browser_that_dies_shows_its_last_words(settings: DoctorSettings, tmp_path: Path) -> None:
    path = script(tmp_path, "echo error while loading shared libraries >&2; exit 127")
    assert "shared libraries" in chromium.check(replace(settings, chromium_shell=path)).found
