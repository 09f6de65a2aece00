"""Where a Chromium really lies: the directory to bind into the sandbox, and the program in it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.reasons import StartReason, start_error

# A Chromium comes with its data files in a directory of its own, and that directory is bound whole.
_SHARED: Final = frozenset({"/", "/bin", "/usr/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/opt", "/tmp"})  # noqa: S108
_DEBIAN_DIR: Final = Path("/usr/lib/chromium")


@dataclass(frozen=True, slots=True)
class BrowserFiles:
    """A Chromium as it is installed."""

    executable: Path

    @property
    def directory(self) -> Path:
        return self.executable.parent

    @property
    def path_inside(self) -> str:
        return f"{places.BROWSER}/{self.executable.name}"


def find_browser(path: Path) -> BrowserFiles:
    """Resolve what the settings name.

    Debian's /usr/bin/chromium-headless-shell and /usr/bin/chromium are shell scripts; the first does not even exec,
    so that a TERM would leave the browser behind. Links are followed to where the data files lie.

    Raises:
        StartError: chromium_missing or chromium_not_executable.
    """
    real = Path(os.path.realpath(path))
    if str(real.parent) in _SHARED and (_DEBIAN_DIR / real.name).is_file():
        real = _DEBIAN_DIR / real.name
    if not real.is_file() or str(real.parent) in _SHARED:
        raise start_error(StartReason.CHROMIUM_MISSING)
    if not os.access(real, os.X_OK):
        raise start_error(StartReason.CHROMIUM_NOT_EXECUTABLE)
    return BrowserFiles(real)
