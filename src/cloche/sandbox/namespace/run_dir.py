"""A sandbox's directory on the host, and the record in it that a restarted daemon reads.

    <run>/                      0711: passed through, not listed
        .lock                   held while a uid is chosen
        <session id>/           0750, owner: the daemon, group: the sandbox's own uid — this is the reservation
            link/               bound read-only into the sandbox; the host listens on link/agent.sock
            guest.sock          listening; not visible inside, so nothing in there can replace what the daemon dials
            sandbox.json        the record, written whole or not at all; 0600, holds no secret

Every function blocks for about a millisecond.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloche.errors import InvalidError, StartError
from cloche.ids import SessionId, parse_session_id
from cloche.sandbox.namespace.reasons import StartReason, start_error
from cloche.sandbox.namespace.uid_range import UidRange, pick

_MAX_SOCKET_PATH: Final = 107  # sun_path is 108 bytes with its final zero (unix(7))
_MAX_RECORD_BYTES: Final = 64 * 1024
_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class RunDir:
    """The paths of one sandbox."""

    path: Path

    @property
    def link_dir(self) -> Path:
        return self.path / "link"

    @property
    def link_socket(self) -> Path:
        return self.path / "link" / "agent.sock"

    @property
    def guest_socket(self) -> Path:
        return self.path / "guest.sock"

    @property
    def record(self) -> Path:
        return self.path / "sandbox.json"


def reserve(root: Path, session_id: SessionId, uids: UidRange | None) -> tuple[RunDir, int | None]:
    """Make the directory of a sandbox, and with `uids` choose a host uid that no other directory holds.

    Raises:
        StartError: no uid is free, the path is too long, or the file system refuses; nothing is left then.
    """
    run_dir = RunDir(root / session_id)
    if len(os.fsencode(run_dir.link_socket)) > _MAX_SOCKET_PATH:
        raise start_error(StartReason.RUN_DIR_PATH_TOO_LONG)
    with refusals_named(), _locked(root):
        uid = None
        if uids is not None and (uid := pick(uids, session_id, _taken(root))) is None:
            raise start_error(StartReason.UID_RANGE_EXHAUSTED)
        _make(run_dir, uid)
    return run_dir, uid


def remove(run_dir: RunDir) -> None:
    """Remove the directory, and so free its uid; nothing happens when it is gone."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(run_dir.path)


def listen(run_dir: RunDir) -> socket.socket:
    """Bind the guest socket. The sandbox inherits it listening, and only the daemon can reach its name."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with refusals_named():
            listener.bind(str(run_dir.guest_socket))
            run_dir.guest_socket.chmod(0o600)
            listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def write_record(run_dir: RunDir, record: dict[str, Any]) -> None:
    """Replace the record. Raises StartError where the file system refuses."""
    temporary = run_dir.path / ".sandbox.json"
    with refusals_named():
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w") as file:
            json.dump(record, file)
        temporary.replace(run_dir.record)


def read_record(run_dir: RunDir) -> dict[str, Any] | None:
    """Read the record; None when there is none or it is not one."""
    try:
        with run_dir.record.open("rb") as file:
            value = json.loads(file.read(_MAX_RECORD_BYTES))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def listed(root: Path) -> list[SessionId]:
    """The sessions that have a directory here."""
    if not root.is_dir():
        return []
    found: list[SessionId] = []
    for entry in root.iterdir():
        with contextlib.suppress(InvalidError):
            found.append(parse_session_id(entry.name))
    return sorted(found)


@contextlib.contextmanager
def refusals_named() -> Iterator[None]:
    """Turn what the file system refuses into a StartError that says whether space or permission is lacking."""
    try:
        yield
    except OSError as error:
        raise _refusal(error) from error


def _refusal(error: OSError) -> StartError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return start_error(StartReason.RUN_DIR_FULL if full else StartReason.RUN_DIR_UNWRITABLE)


def _make(run_dir: RunDir, uid: int | None) -> None:
    try:
        for directory in (run_dir.path, run_dir.link_dir):
            directory.mkdir(mode=0o700)
            if uid is not None:
                os.chown(directory, -1, uid)
                directory.chmod(0o750)
    except OSError as error:
        # A directory that was there before is another's and stays.
        if error.errno != errno.EEXIST:
            shutil.rmtree(run_dir.path, ignore_errors=True)
        raise


def _taken(root: Path) -> set[int]:
    taken: set[int] = set()
    for entry in root.iterdir():
        with contextlib.suppress(FileNotFoundError):
            taken.add(entry.stat(follow_symlinks=False).st_gid)
    return taken


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    if not root.is_dir():
        root.mkdir(mode=0o711, parents=True, exist_ok=True)
        root.chmod(0o711)  # the umask may have taken the x's
    fd = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
