"""What this host offers a sandbox: programs, own uids, control groups, fonts, and the root image. All blocking."""

import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from cloche.errors import StartError
from cloche.process.cgroup import CgroupRoot, detect
from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.engine import BrowserFiles, find_browser
from cloche.sandbox.namespace.image import Image, ensure_image
from cloche.sandbox.namespace.reasons import StartReason, start_error
from cloche.sandbox.namespace.runtime_dir import Stamp, remove_unused, stamp
from cloche.sandbox.namespace.shell import Shell, ensure_shell, find_busybox
from cloche.sandbox.namespace.uid_range import UidRange, holders, is_covered
from cloche.sandbox.spec import Engine

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What one sandbox will stand on."""

    image: Image
    browser: BrowserFiles
    shell: Shell | None
    """For the sessions that get one; None where this machine has none to give."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Absolute paths of bubblewrap and of two programs of util-linux."""

    bwrap: str
    setpriv: str
    prlimit: str


@dataclass(frozen=True, slots=True)
class _Built:
    """What has been built, and of what."""

    stamps: list[Stamp]
    image: Image
    shell: Shell | None

    def paths(self) -> list[Path]:
        return [self.image.path, *([self.shell.path] if self.shell is not None else [])]

    def is_there(self) -> bool:
        return all(path.is_dir() for path in self.paths())


class Host:
    """Looks once and remembers; looks again at what may be mended or upgraded while the daemon runs."""

    def __init__(self, config: NamespaceConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._cgroups: CgroupRoot | None = None
        self._built: _Built | None = None

    def cgroups(self) -> CgroupRoot:
        with self._lock:
            if self._cgroups is None:
                self._cgroups = detect()
                _log.info("limits_in_force", kind=str(self._cgroups.kind), why=self._cgroups.why)
            return self._cgroups

    def own_uids(self) -> UidRange | None:
        """The range, when the daemon is really root; None: every sandbox runs as the daemon's own user.

        Raises:
            StartError: uid_range_taken.
        """
        uids = self._config.uid_range
        if os.geteuid() != 0 or not _maps_cover(uids):
            return None
        others = holders(uids, _text("/etc/passwd"), _text("/etc/subuid"))
        if others:
            _log.error("uid_range_taken", first=uids.first, count=uids.count, holders=others[:5])
            raise start_error(StartReason.UID_RANGE_TAKEN)
        return uids

    def programs(self) -> Programs:
        """Find what a command line is made of. Raises StartError: bubblewrap_missing, spawn_failed."""
        bwrap = shutil.which(self._config.bwrap)
        if bwrap is None:
            raise start_error(StartReason.BUBBLEWRAP_MISSING)
        setpriv, prlimit = shutil.which("setpriv"), shutil.which("prlimit")
        if setpriv is None or prlimit is None:
            _log.error("util_linux_missing", mend="install util-linux")
            raise start_error(StartReason.SPAWN_FAILED)
        return Programs(bwrap, setpriv, prlimit)

    def ground(self, engine: Engine) -> Ground:
        """Find the browser and an image that fits it, building one where needed.

        Raises:
            StartError: chromium_missing, chromium_not_executable, image_missing, path_unreachable.
        """
        if engine not in self._config.engines:
            raise start_error(StartReason.CHROMIUM_MISSING)
        wanted = find_browser(self._config.engines[engine])
        with self._lock:
            browsers = sorted({wanted, *self._other_browsers(engine)}, key=lambda found: str(found.executable))
            busybox = find_busybox(self._config.busybox)
            # An upgraded browser may need libraries the image lacks.
            stamps = [stamp(found.executable) for found in browsers] + ([stamp(busybox)] if busybox else [])
            if self._built is None or self._built.stamps != stamps or not self._built.is_there():
                self._built = self._build(stamps, browsers, busybox)
            ground = Ground(self._built.image, wanted, self._built.shell)
        if os.geteuid() == 0:
            self._check_reachable(ground)
        return ground

    def shared_directories(self) -> tuple[str, ...]:
        return tuple(name for name in places.SHARED if Path(name).is_dir())

    def _other_browsers(self, engine: Engine) -> list[BrowserFiles]:
        found: list[BrowserFiles] = []
        for other, path in self._config.engines.items():
            if other is not engine:
                try:
                    found.append(find_browser(path))
                except StartError:
                    # Its own sessions will say so; it must not keep this engine from starting.
                    continue
        return found

    def _build(self, stamps: list[Stamp], browsers: list[BrowserFiles], busybox: Path | None) -> "_Built":
        runtime_dir = self._config.state_dir / "runtime"
        try:
            image = ensure_image(runtime_dir, browsers)
            built = _Built(stamps, image, _shell(runtime_dir, busybox))
            removed = remove_unused(runtime_dir, built.paths())
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            _log.error("image_not_built", exc_info=error)
            raise start_error(StartReason.IMAGE_MISSING) from error
        _log.info("image_ready", digest=image.digest, has_shell=built.shell is not None, removed=removed)
        return built

    def _check_reachable(self, ground: Ground) -> None:
        """A sandbox's own uid must be able to walk to what bubblewrap binds."""
        if self.own_uids() is None:
            return
        for path in (ground.image.path, ground.browser.directory, self._config.run_dir):
            if (closed := first_closed(path)) is not None:
                _log.error("path_unreachable", path=str(path), closed=str(closed), mend=f"chmod o+x {closed}")
                raise start_error(StartReason.PATH_UNREACHABLE)


def _shell(runtime_dir: Path, busybox: Path | None) -> Shell | None:
    """Find or build the shell. Without one sessions work, and those with `machine` run what is brought to them."""
    if busybox is None:
        return None
    try:
        return ensure_shell(runtime_dir, busybox)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        _log.warning("shell_not_built", busybox=str(busybox), exc_info=error)
        return None


def first_closed(path: Path) -> Path | None:
    """The first existing directory on the way to `path` that others may not pass; None when all is open."""
    for directory in reversed([path, *path.parents]):
        if directory.is_dir() and not directory.stat().st_mode & 0o001:
            return directory
    return None


def _maps_cover(uids: UidRange) -> bool:
    return is_covered(_text("/proc/self/uid_map"), uids) and is_covered(_text("/proc/self/gid_map"), uids)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except FileNotFoundError:
        return ""
