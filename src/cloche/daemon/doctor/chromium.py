"""The browser: there, executable, and able to start far enough to tell its version."""

import os
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good
from cloche.daemon.doctor.programs import run

NAME: Final = "chromium"
MEANING: Final = "every session is a Chromium; the light engine is chromium-headless-shell"
INSTALL: Final = "apt-get install chromium-headless-shell (or set CLOCHE_CHROMIUM_SHELL to another build of it)"


def check(settings: DoctorSettings) -> CheckResult:
    program = settings.chromium_shell
    if not program.is_file():
        return bad(NAME, MEANING, f"{program} is not there", INSTALL)
    if not os.access(program, os.X_OK):
        return bad(NAME, MEANING, f"{program} cannot be executed", f"chmod +x {program}")
    told = run([str(program), "--version"])
    if told.code != 0 or not told.output:
        how = told.output or f"ended with {told.code}"
        return bad(
            NAME, MEANING, f"{program} does not start: {how}", "apt-get install --reinstall chromium-headless-shell"
        )
    return good(NAME, MEANING, f"{told.output.splitlines()[-1].strip()} at {program}")
