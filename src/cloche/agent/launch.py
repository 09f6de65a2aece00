"""Start Chromium as a child.

On the agent's way to its first act, so it imports `os` and nothing that takes time: `typing` alone is 13 ms. Type
checkers take a constant of this name for `typing.TYPE_CHECKING` (PEP 484).
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Left behind by a browser that was killed: a stale port file names a dead address, a stale lock stops a new start.
_STALE = ("DevToolsActivePort", "SingletonLock", "SingletonCookie", "SingletonSocket")

# Python ignores these in itself (signal(7) numbers; importing `signal` costs a millisecond here). An ignored signal
# stays ignored across exec, and Chromium must not inherit that.
_SIGPIPE = 13
_SIGXFSZ = 25


class Launch:
    """A browser that was started, or why it was not.

    `started_at` is `time.monotonic`, `output_fd` the reading end of its stdout and stderr, `error` an errno's name.
    """

    def __init__(self, started_at: float, pid: int = -1, output_fd: int = -1, error: str = "") -> None:
        self.started_at = started_at
        self.pid = pid
        self.output_fd = output_fd
        self.error = error


def launch(executable: str, args: Sequence[str], env: Mapping[str, str], now: float) -> Launch:
    """Start a browser in a session and process group of its own, with exactly this environment.

    It gets /dev/null, one pipe for both outputs, and no other descriptor: Python opens everything close-on-exec, and
    `close_inherited` has seen to the rest. A file that cannot be executed is an error here, not an exit code later
    (glibc's posix_spawn waits for the exec).

    Raises:
        TypeError, ValueError: arguments of the wrong type, or with a NUL in them.
    """
    try:
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:  # out of descriptors, say: this start has failed, the next may not
        return Launch(now, error=errno.errorcode.get(error.errno or 0, "unknown"))
    try:
        os.set_blocking(writing, True)  # the child shares this end's flags, and expects a plain pipe
        pid = os.posix_spawn(
            executable,
            [executable, *args],
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, writing, 1),
                (os.POSIX_SPAWN_DUP2, writing, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=(_SIGPIPE, _SIGXFSZ),
        )
    except OSError as error:
        os.close(reading)
        return Launch(now, error=errno.errorcode.get(error.errno or 0, "unknown"))
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return Launch(now, pid, reading)


def close_inherited(keep: Sequence[int] = ()) -> None:
    """Mark every descriptor above 2 close-on-exec, so that no child of ours gets what we were given.

    `keep` stays open in the agent; the others are closed: whatever they are, they were left open by mistake.
    """
    for entry in os.listdir("/proc/self/fd"):
        fd = int(entry)
        if fd <= 2:
            continue
        try:
            if fd in keep:
                os.set_inheritable(fd, False)
            else:
                os.close(fd)
        except OSError:
            continue  # the listing's own descriptor, closed by now


def keep_from_children() -> None:
    """Mark every descriptor above 2 close-on-exec, whoever opened it."""
    for entry in os.listdir("/proc/self/fd"):
        if int(entry) > 2:
            try:
                os.set_inheritable(int(entry), False)
            except OSError:
                continue  # the listing's own descriptor, closed by now


def clear_stale(user_data_dir: str) -> None:
    """Remove what an earlier browser left in its profile that a new one, or we, would take for its own."""
    for name in _STALE:
        try:
            os.unlink(f"{user_data_dir}/{name}")
        except OSError:
            continue  # not there, as it should be
