"""Start a program of somebody else's: in a session and process group of its own, on three pipes or on a terminal.

It gets exactly the environment that is given, three descriptors and no other (Python opens everything close-on-exec,
and the agent has seen to the rest at its start), and no ignored signal. What cannot be executed is an error
here and not an exit code later: glibc's posix_spawn waits for the exec.
"""

import errno
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from cloche.agent.population import kill_group

_DEFAULT_SIGNALS: Final = tuple(number for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP))
"""An ignored signal stays ignored across exec, and a program must not inherit that: neither what Python ignores, nor
what whoever started the agent did."""
_WINDOW: Final = struct.Struct("HHHH")
"""struct winsize (ioctl_tty(2)): rows, columns, and two that nobody uses."""


class WrongDirectoryError(OSError):
    """It is not the program but the directory it should run in that cannot be had."""


class Started(NamedTuple):
    """Every descriptor is the caller's to close, and does not block."""

    pid: int
    pidfd: int
    stdin: int
    outputs: tuple[int, ...]
    """stdout and stderr; of a terminal only one."""
    terminal: int = -1
    """The program's side of its terminal. While it is open the terminal is not hung up, whatever the program closes."""


def start_on_pipes(argv: Sequence[str], env: Mapping[str, str], directory: str = "") -> Started:
    """`directory` empty: where the agent stands.

    Raises:
        WrongDirectoryError: it cannot be entered.
        OSError, ValueError: it cannot be started. Nothing is left of the attempt.
    """
    fds: list[int] = []
    try:
        for _ in range(3):
            fds += os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        their_stdin, stdin, stdout, their_stdout, stderr, their_stderr = fds
        theirs = their_stdin, their_stdout, their_stderr
        for fd in theirs:
            os.set_blocking(fd, True)  # each end has a flag of its own; a program expects plain pipes
        actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(theirs)]
        pid, pidfd = _spawn(argv, env, directory, actions)
    except BaseException:
        _close(fds)
        raise
    _close(theirs)
    return Started(pid, pidfd, stdin, (stdout, stderr))


def start_on_terminal(
    argv: Sequence[str], env: Mapping[str, str], directory: str = "", *, rows: int, columns: int
) -> Started:
    """As `start_on_pipes`, with a new terminal as all three descriptors and as the controlling terminal."""
    fds: list[int] = []
    try:
        ours, theirs = os.openpty()
        fds += (ours, theirs)
        fds.append(stdin := fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 0))  # closed at another time than the output
        os.set_blocking(ours, False)
        set_window(ours, rows, columns)
        # Whoever leads a session and has no controlling terminal gets the first one that it opens (tty(4)).
        actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.ttyname(theirs), os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ]
        pid, pidfd = _spawn(argv, env, directory, actions)
    except BaseException:
        _close(fds)
        raise
    return Started(pid, pidfd, stdin, (ours,), theirs)


def set_window(terminal: int, rows: int, columns: int) -> None:
    """Set a terminal's size; its foreground processes get SIGWINCH if that changes it."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, _WINDOW.pack(rows, columns, 0, 0))


def can_be_reaped(pidfd: int) -> bool:
    """Whether waiting for a process that has ended would not block.

    One that is traced (ptrace(2)) is its tracer's first: there is nothing to wait for until that has taken note.
    """
    try:
        return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # this process was started with SIGCHLD ignored: the kernel has reaped it
        return True


def find_program(name: str, path: str) -> str:
    """Return the file that a command's name stands for (execvp(3)).

    Relative directories of `path` are left out: what is run must not depend on where the agent stands.

    Raises:
        FileNotFoundError, PermissionError: no directory holds it; one does, and it may not be executed.
    """
    if "/" in name:
        return name
    files = [f"{directory}/{name}" for directory in path.split(":") if directory.startswith("/")]
    there = [file for file in files if os.path.isfile(file)]
    runnable = next((file for file in there if os.access(file, os.X_OK)), None)
    if runnable is None:
        number = errno.EACCES if there else errno.ENOENT
        raise OSError(number, os.strerror(number))
    return runnable


def _spawn(argv: Sequence[str], env: Mapping[str, str], directory: str, actions: Sequence[object]) -> tuple[int, int]:
    if not argv:
        raise ValueError("there is nothing to run")
    with _standing_in(directory):
        pid = os.posix_spawn(
            find_program(argv[0], env.get("PATH", os.defpath)),
            list(argv),
            dict(env),
            file_actions=actions,  # type: ignore[arg-type]  # typeshed's tuples are narrower than what is taken
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT_SIGNALS,
        )
    try:
        return pid, os.pidfd_open(pid)
    except ProcessLookupError:  # it is over already, and the kernel has reaped it: SIGCHLD was ignored at our start
        raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD)) from None
    except OSError:
        # Out of descriptors. Waiting is all that is left, and it is short: the process has only just begun.
        kill_group(pid)
        with suppress(ChildProcessError):  # this process was started with SIGCHLD ignored: the kernel has reaped it
            os.waitpid(pid, 0)
        raise


@contextmanager
def _standing_in(directory: str) -> Iterator[None]:
    """Stand in another directory for a moment, as posix_spawn knows no other way to start a program in one.

    Nothing of the agent's runs meanwhile, and what its other thread does (`disks`) names files from the root.
    """
    if not directory:
        yield
        return
    before = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        try:
            os.chdir(directory)
        except OSError as error:
            raise WrongDirectoryError(error.errno, error.strerror) from None
        try:
            yield
        finally:
            try:
                os.fchdir(before)
            except OSError:  # somebody has shut that directory; the agent needs none in particular
                os.chdir("/")
    finally:
        os.close(before)


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
