"""Modes and owners of files."""

import grp
import os
import pwd
import stat
from collections.abc import Callable
from typing import Final

from cloche.agent.machine.beneath import Place, open_beneath
from cloche.agent.machine.problem import Problem, invalid

_MAX_ID: Final = (1 << 32) - 2
"""The one above means "stays" (chown(2))."""


def parse_mode(text: str) -> int:
    """Read `644`. Raises: Problem 400 for anything but octal digits up to 777: no set-id, no sticky bit."""
    if not 1 <= len(text) <= 4 or any(digit not in "01234567" for digit in text) or int(text, 8) > 0o777:
        raise invalid("must be octal, up to 777", "mode")
    return int(text, 8)


def set_permissions(place: Place, mode: int | None, owner: str, group: str) -> None:
    """Change mode, owner and group; None or empty stays as it is. A link at the end is refused, not followed.

    Only the sandbox's own user and group can be given, which is what the kernel lets its programs do as well.
    Raises: Problem 400 for a root, a link, or a name that nobody has; Problem 403 for somebody else's; OSError.
    """
    uid = _own(owner, lambda name: pwd.getpwnam(name).pw_uid, os.geteuid(), "owner")
    gid = _own(group, lambda name: grp.getgrnam(name).gr_gid, os.getegid(), "group")
    fd = open_beneath(place, os.O_PATH, follows=False)
    try:
        found = os.fstat(fd)
        if os.path.samestat(found, os.lstat(place.root)):
            raise Problem(400, "is_root", "the root itself stays as it is")
        if stat.S_ISLNK(found.st_mode):
            raise Problem(400, "is_a_link", "a symbolic link has no permissions of its own")
        # Not fchmod(2): it takes no O_PATH descriptor, and another cannot be had of a file that may not be read.
        opened = f"/proc/self/fd/{fd}"
        if mode is not None:
            os.chmod(opened, mode)
        if uid != -1 or gid != -1:
            os.chown(opened, uid, gid)
    finally:
        os.close(fd)


def _own(wanted: str, find: Callable[[str], int], own: int, field: str) -> int:
    if not wanted:
        return -1
    try:
        found = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= 10 else find(wanted)
    except (KeyError, UnicodeEncodeError):  # the second: half a surrogate pair, which JSON can say
        raise Problem(400, "no_such_user", f"there is no such {field}", field=field) from None
    if found > _MAX_ID:
        raise Problem(400, "no_such_user", f"there is no such {field}", field=field)
    if found != own:
        raise Problem(403, "not_permitted", f"only the session's own {field} can be given", field=field)
    return found
