"""The browser of the light engine: there, executable, and able to start far enough to tell its version."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good
from cloche.daemon.doctor.programs import run

NAME: Final = "chromium"
MEANING: Final = "every session is a Chromium; the light engine is chromium-headless-shell"
PACKAGE: Final = "chromium-headless-shell"
INSTALL: Final = f"apt-get install {PACKAGE} (or set CLOCHE_CHROMIUM_SHELL to another build of it)"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a browser, and what mends it."""

    found: str
    mend: str


def check(settings: DoctorSettings) -> CheckResult:
    version = ask_version(settings.chromium_shell, PACKAGE, INSTALL)
    if isinstance(version, Trouble):
        return bad(NAME, MEANING, version.found, version.mend)
    return good(NAME, MEANING, f"{version} at {settings.chromium_shell}")


def ask_version(program: Path, package: str, install: str) -> str | Trouble:
    """Have a browser say its version."""
    if not program.is_file():
        return Trouble(f"{program} is not there", install)
    if not os.access(program, os.X_OK):
        return Trouble(f"{program} cannot be executed", f"chmod +x {program}")
    told = run([str(program), "--version"])
    if told.code != 0 or not told.output:
        how = told.output or f"ended with {told.code}"
        return Trouble(f"{program} does not start: {how}", f"apt-get install --reinstall {package}")
    return told.output.splitlines()[-1].strip()
