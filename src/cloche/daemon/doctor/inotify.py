"""inotify instances: Chromium takes some in each session, and the default of 128 for a user is soon used up."""

import os
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good, warning

NAME: Final = "inotify"
MEANING: Final = "Chromium watches files with inotify; the kernel limits the instances of one user"
SYSCTL: Final = "fs.inotify.max_user_instances"
PER_SESSION: Final = 4


def check(settings: DoctorSettings) -> CheckResult:
    if os.geteuid() == 0:
        return good(NAME, MEANING, "each session has a user of its own, and so a limit of its own")
    return judge(int(Path("/proc/sys", *SYSCTL.split(".")).read_text()), settings.max_sessions)


def judge(limit: int, max_sessions: int) -> CheckResult:
    wanted = max_sessions * PER_SESSION
    found = f"{SYSCTL}={limit}; {max_sessions} sessions of one user take up to {wanted}"
    if limit >= wanted:
        return good(NAME, MEANING, found)
    return warning(NAME, MEANING, found, f"sysctl -w {SYSCTL}={wanted}")
