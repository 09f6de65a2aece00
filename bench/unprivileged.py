"""Programs beside Cloche run as nobody when the bench is root: Chromium's own sandbox works, and nothing is trusted."""

import os
import tempfile
from pathlib import Path
from typing import Final

UID: Final = 65534


def as_nobody() -> list[str]:
    """What to put before a command."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--"]


def own_directory(prefix: str) -> Path:
    """Make a directory that such a program can write into. The caller removes it."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    give(directory)
    return directory


def give(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, UID, UID)


def environment(home: Path, **more: str) -> dict[str, str]:
    """All that it sees of ours."""
    return {"HOME": str(home), "TMPDIR": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | more
