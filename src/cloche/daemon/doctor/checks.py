"""All checks, in the order in which a person would mend what they find."""

from collections.abc import Callable, Sequence
from typing import Final

from cloche.daemon.doctor import (
    bubblewrap,
    chrome,
    chromium,
    clock,
    control_groups,
    database,
    descriptors,
    directories,
    fonts,
    inotify,
    keys,
    port,
    python_version,
    shell,
    state_key,
    uid_range,
    user_namespaces,
)
from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad

Check = Callable[[DoctorSettings], CheckResult]

CHECKS: Final[tuple[Check, ...]] = (
    python_version.check,
    user_namespaces.check,
    bubblewrap.check,
    chromium.check,
    chrome.check,
    shell.check,
    fonts.check,
    control_groups.check,
    uid_range.check,
    directories.check_state,
    directories.check_run,
    descriptors.check,
    inotify.check,
    clock.check,
    database.check,
    keys.check,
    state_key.check,
    port.check,
)


def run_checks(settings: DoctorSettings, checks: Sequence[Check] = CHECKS) -> list[CheckResult]:
    """Run every check, some of which start a program and take a second. Blocks; never raises."""
    return [_guarded(check, settings) for check in checks]


def _guarded(check: Check, settings: DoctorSettings) -> CheckResult:
    name = check.__module__.rpartition(".")[2]
    try:
        return check(settings)
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide what the others find
        found = f"the check itself failed: {type(error).__name__}: {error}"
        return bad(name, "a check of this machine", found, "report this: a check should say what is wrong")
