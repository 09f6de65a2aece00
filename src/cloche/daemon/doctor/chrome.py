"""The browser of the engine `chrome`: sessions of the light engine do without it."""

from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good, warning
from cloche.daemon.doctor.chromium import Trouble, ask_version

NAME: Final = "chrome"
MEANING: Final = "sessions of the engine `chrome` (extensions, policies) are a full Chromium"
PACKAGE: Final = "chromium"
INSTALL: Final = f"apt-get install {PACKAGE} (or set CLOCHE_CHROMIUM to another build of it)"


def check(settings: DoctorSettings) -> CheckResult:
    version = ask_version(settings.chromium, PACKAGE, INSTALL)
    if isinstance(version, Trouble):
        return warning(NAME, MEANING, version.found, version.mend)
    return good(NAME, MEANING, f"{version} at {settings.chromium}")
