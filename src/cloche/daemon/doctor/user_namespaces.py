"""The kernel's switches for user namespaces: bubblewrap and Chromium's own sandbox both need them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good

NAME: Final = "user_namespaces"
MEANING: Final = "sandboxes, and Chromium's own sandbox inside them, are made of user namespaces"

# sysctl: (what it must not be, or None for "at least 64", the value that mends it).
SWITCHES: Final[Mapping[str, tuple[int | None, int]]] = {
    "kernel.unprivileged_userns_clone": (0, 1),  # Debian's and Ubuntu's own patch
    "kernel.apparmor_restrict_unprivileged_userns": (1, 0),  # Ubuntu from 23.10 on
    "user.max_user_namespaces": (None, 28_633),  # user_namespaces(7)
}
FEWEST: Final = 64


def check(_settings: DoctorSettings) -> CheckResult:
    if not Path("/proc/self/ns/user").exists():
        mend = "boot a kernel with CONFIG_USER_NS (every Debian kernel has it)"
        return bad(NAME, MEANING, "this kernel has no user namespaces", mend)
    return judge({name: value for name in SWITCHES if (value := _read(name)) is not None})


def judge(values: Mapping[str, int]) -> CheckResult:
    """Judge the sysctls that this kernel has; a missing one forbids nothing."""
    wrong = [name for name, value in values.items() if _forbids(name, value)]
    found = ", ".join(f"{name}={value}" for name, value in values.items()) or "the kernel forbids nothing"
    if not wrong:
        return good(NAME, MEANING, found)
    commands = " && ".join(f"sysctl -w {name}={SWITCHES[name][1]}" for name in wrong)
    return bad(NAME, MEANING, found, f"{commands} (and the same in /etc/sysctl.d/cloche.conf to last)")


def _forbids(name: str, value: int) -> bool:
    forbidden = SWITCHES[name][0]
    return value < FEWEST if forbidden is None else value == forbidden


def _read(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", *name.split(".")).read_text())
    except (OSError, ValueError):
        return None
