"""The interpreter: Cloche uses asyncio.TaskGroup, asyncio.timeout and pidfds, which Python has from 3.11 on."""

import sys
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good

NAME: Final = "python_version"
MEANING: Final = "Cloche runs on Python 3.11 or newer"


def check(_settings: DoctorSettings) -> CheckResult:
    return judge(sys.version_info[:3])


def judge(version: tuple[int, int, int]) -> CheckResult:
    found = "Python {}.{}.{}".format(*version)
    if version < (3, 11):
        return bad(NAME, MEANING, found, "apt-get install python3.11, then remove .venv and run script/bootstrap")
    return good(NAME, MEANING, found)
