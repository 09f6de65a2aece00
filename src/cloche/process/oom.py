"""Whom the kernel takes first when the whole machine is out of memory (proc_pid_oom_score_adj(5)).

A sandbox over its own limit is no matter of this: its control group's killer looks only inside the group. But when the
machine itself has no memory left, the largest score dies, and that must be a sandbox's browser and never the daemon.
"""

import os
from pathlib import Path
from typing import Final

DAEMON: Final = -900
"""Nearly never. Only a process with CAP_SYS_RESOURCE may go below what it was given."""
CHILD: Final = 0
"""Of the daemon's other children, which would inherit its own."""
SANDBOX: Final = 300
"""As if it took 30 % of the machine's memory more than it does. The same as Chromium's own least for renderers."""


def set_score(pid: int, score: int) -> bool:
    """Set a process's; what it forks from then on has the same. False: it is gone, or we may not.

    Written with CAP_SYS_RESOURCE, the process itself cannot go below it any more; without, as far as it was before.
    """
    try:
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(score))
    except OSError:
        return False
    return True


def get_score(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())
    except OSError:
        return None


def protect_daemon() -> bool:
    """Have this process taken last; what it spawns takes that back. True when it is in force."""
    own = get_score(os.getpid())
    return own is not None and (own <= DAEMON or set_score(os.getpid(), DAEMON))


def is_protected() -> bool:
    """Whether a child of this process would be taken later than an ordinary one."""
    own = get_score(os.getpid())
    return own is not None and own < CHILD
