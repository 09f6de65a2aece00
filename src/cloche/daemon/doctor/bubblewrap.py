"""bubblewrap: there, new enough, and able to build the walls of a sandbox here and now."""

import os
import re
import shutil
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good
from cloche.daemon.doctor.programs import run
from cloche.sandbox.namespace.uid_range import UidRange, is_covered

NAME: Final = "bubblewrap"
MEANING: Final = "bubblewrap builds the sandbox that every session runs in"

OLDEST: Final = (0, 8)
"""The first with --disable-userns (its release notes); Debian 12 has it."""

# The walls of a sandbox without its furniture: if these stand, the rest is files.
WALLS: Final = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup",
    "--uid",
    "1000",
    "--gid",
    "1000",
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/",
    "/",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--",
    "/bin/true",
)


def check(settings: DoctorSettings) -> CheckResult:
    program = shutil.which(settings.bubblewrap)
    if program is None:
        return bad(NAME, MEANING, f"{settings.bubblewrap} is not installed", "apt-get install bubblewrap")
    version = run([program, "--version"])
    if (number := parse_version(version.output)) is None:
        return bad(
            NAME, MEANING, f"{program} does not tell its version: {version.output}", "apt-get install bubblewrap"
        )
    found = f"{program} {number[0]}.{number[1]}"
    if number < OLDEST:
        return bad(NAME, MEANING, f"{found} is older than 0.8", "apt-get install bubblewrap (Debian 12 or newer)")
    tried = run([*_become(settings), program, *WALLS])
    if tried.code != 0:
        # seccomp and AppArmor in containers, and a chroot anywhere (user_namespaces(7)), refuse it too.
        mend = "see the check user_namespaces; in a container allow user namespaces (--security-opt seccomp=unconfined)"
        return bad(NAME, MEANING, f"{found} cannot build a sandbox: {tried.output}", mend)
    return good(NAME, MEANING, f"{found}, and it can build a sandbox")


def parse_version(text: str) -> tuple[int, int] | None:
    """Read `bubblewrap 0.8.0`."""
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _become(settings: DoctorSettings) -> list[str]:
    """As root a sandbox starts as a user of its own, so this is what has to work."""
    uids = UidRange(settings.first_uid, settings.uid_count)
    if os.geteuid() != 0 or not is_covered(Path("/proc/self/uid_map").read_text(), uids):
        return []
    user = str(settings.first_uid)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]
