"""Fonts: without one, pages render as boxes, and screenshots with them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good, warning

NAME: Final = "fonts"
MEANING: Final = "pages are drawn with the fonts of this machine; the sandbox sees them read-only"
DIRECTORIES: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".pfb"})


def check(_settings: DoctorSettings) -> CheckResult:
    return judge(DIRECTORIES)


def judge(directories: Iterable[Path]) -> CheckResult:
    count = sum(1 for folder in directories for path in folder.rglob("*") if path.suffix in SUFFIXES)
    if count == 0:
        return warning(NAME, MEANING, "there are none", "apt-get install fonts-liberation fonts-dejavu-core")
    return good(NAME, MEANING, f"{count} font files")
