"""The limit on open files: a session takes some ten in the daemon, and each of its connections two."""

import resource
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good, warning

NAME: Final = "descriptors"
MEANING: Final = "each session takes some ten file descriptors in the daemon, and each of its connections two"
PER_SESSION: Final = 300
RESERVE: Final = 256


def check(settings: DoctorSettings) -> CheckResult:
    return judge(resource.getrlimit(resource.RLIMIT_NOFILE)[1], settings.max_sessions)


def judge(hard_limit: int, max_sessions: int) -> CheckResult:
    wanted = max_sessions * PER_SESSION + RESERVE
    found = f"at most {hard_limit} open files; {max_sessions} busy sessions take up to {wanted}"
    if hard_limit == resource.RLIM_INFINITY or hard_limit >= wanted:
        return good(NAME, MEANING, found)
    mend = f"ulimit -Hn {wanted} (systemd: LimitNOFILE={wanted}), or set CLOCHE_MAX_SESSIONS lower"
    return warning(NAME, MEANING, found, mend)
