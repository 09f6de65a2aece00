"""Start a child of the daemon: only the descriptors named, only the environment given, in a session of its own."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloche.process import oom
from cloche.process.pidfd import ProcessHandle


@dataclass(slots=True)
class Child:
    """A process we are the parent of: its pinned handle, and its exit code once it has been reaped."""

    handle: ProcessHandle
    _exit_code: int | None = field(default=None)

    @property
    def is_reaped(self) -> bool:
        """Its pid may be another process's by now."""
        return self._exit_code is not None

    def exit_code(self) -> int | None:
        """Reap it if it has ended. Negative: the signal that ended it. None while it runs."""
        if self._exit_code is None:
            try:
                info = os.waitid(os.P_PID, self.handle.identity.pid, os.WEXITED | os.WNOHANG)
            except ChildProcessError:
                # Reaped by someone else, which is a mistake of ours; the code is lost, the end is not.
                self._exit_code = 255
                return self._exit_code
            if info is not None:
                self._exit_code = info.si_status if info.si_code == os.CLD_EXITED else -info.si_status
        return self._exit_code


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    pass_fds: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> Child:
    """Start `argv` and return when it has been exec'ed; blocks for about a millisecond.

    No preexec_fn is used, so that CPython can vfork: a fork would copy the page tables of a large daemon.
    `pass_fds` keep their numbers in the child. Raises OSError when the program cannot be started.
    """
    process = subprocess.Popen(
        argv,
        env=env,
        pass_fds=pass_fds,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        cwd="/",
    )
    if oom.is_protected():
        oom.set_score(process.pid, oom.CHILD)
    # From here on `Child` is the one owner: nobody else may reap it, and it may outlive the daemon, which Popen's
    # finalizer would report as a leak. A Popen that has a return code leaves the process alone.
    process.returncode = 0
    return Child(ProcessHandle.open_child(process.pid))
