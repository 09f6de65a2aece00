"""The user ids that sessions get, one each, when the daemon is root."""

import os
from pathlib import Path
from typing import Final

from cloche.daemon.doctor.check import CheckResult, DoctorSettings, bad, good, warning
from cloche.sandbox.namespace.uid_range import UidRange, holders, is_covered

NAME: Final = "uid_range"
MEANING: Final = "as root, the daemon gives each session a user id of its own, so that none can touch another's files"


def check(settings: DoctorSettings) -> CheckResult:
    uids = UidRange(settings.first_uid, settings.uid_count)
    if os.geteuid() != 0:
        mend = "run the daemon as root; without, user namespaces still keep sessions apart"
        return warning(NAME, MEANING, "the daemon is not root: sessions share its user id", mend)
    maps = [_read(f"/proc/self/{name}_map") for name in ("uid", "gid")]
    return judge(uids, maps=maps, passwd=_read("/etc/passwd"), subuid=_read("/etc/subuid"))


def judge(uids: UidRange, *, maps: list[str], passwd: str, subuid: str) -> CheckResult:
    span = f"{uids.first}–{uids.first + uids.count - 1}"
    if not all(is_covered(text, uids) for text in maps):
        mend = "set CLOCHE_UID_RANGE=first:count to ids this container maps (see /proc/self/uid_map)"
        return warning(NAME, MEANING, f"{span} is not mapped here: sessions share the daemon's user id", mend)
    if others := holders(uids, passwd, subuid):
        found = f"{span} belongs to {', '.join(others[:5])} as well"
        return bad(NAME, MEANING, found, "set CLOCHE_UID_RANGE=first:count to ids that nobody has")
    return good(NAME, MEANING, f"{span}, one for each session")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
