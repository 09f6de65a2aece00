"""Which kernel limits hold a session: cgroup v2, v1, or neither."""

from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, good, warning
from cloche.process.cgroup import CgroupKind, CgroupRoot, detect

NAME: Final = "control_groups"
MEANING: Final = "control groups limit what a session's processes take together, and end them all at once"


def check(_settings: DoctorSettings) -> CheckResult:
    return judge(detect())


def judge(root: CgroupRoot) -> CheckResult:
    if root.kind is CgroupKind.NONE:
        mend = "run the daemon as root, or as a systemd service with Delegate=yes (systemd-run --user -p Delegate=yes)"
        found = f"none; rlimits and the agent's watchdog hold the limits instead ({root.why})"
        return warning(NAME, MEANING, found, mend)
    return good(NAME, MEANING, f"{root.kind} in force ({root.why})")
