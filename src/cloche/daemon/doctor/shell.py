"""The shell of sessions made with `machine`: one static BusyBox, of which the sandbox gets a copy."""

import shutil
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good, warning
from cloche.daemon.doctor.programs import run
from cloche.sandbox.namespace.shell import find_busybox

NAME: Final = "shell"
MEANING: Final = "sessions made with `machine` have a shell and tools: those of this machine's BusyBox"
INSTALL: Final = "apt-get install busybox-static (or set CLOCHE_BUSYBOX to a static build of it)"


def check(settings: DoctorSettings) -> CheckResult:
    program = shutil.which(settings.busybox)
    if program is None:
        return warning(NAME, MEANING, f"{settings.busybox} is not installed; they have Python alone", INSTALL)
    if find_busybox(program) is None:
        return warning(NAME, MEANING, f"{program} needs libraries that a sandbox has not", INSTALL)
    tried = run([program, "sh", "-c", "echo it works"])
    if tried.output != "it works":
        return warning(NAME, MEANING, f"{program} has no shell: {tried.output}", INSTALL)
    return good(NAME, MEANING, f"{program}, and its shell works")
