"""`freeze` and `thaw`: by the kernel's freezer, or where there is none by stopping process after process. Blocking."""

import contextlib
import signal
import time
from typing import Final

from cloche.errors import InternalError, LostError
from cloche.process.cgroup import FREEZE_TIMEOUT_S
from cloche.process.pidfd import ProcessHandle
from cloche.sandbox.namespace import members
from cloche.sandbox.namespace.handle import NamespaceSandbox

_PAUSE_S: Final = 0.002


def freeze(handle: NamespaceSandbox) -> None:
    """Stop everything inside. Raises: LostError, InternalError; then all of it goes on."""
    init = _init_pid(handle)
    if init is None:
        raise LostError("the sandbox is not running")
    try:
        if handle.group.can_freeze:
            handle.group.freeze()
        else:
            _stop_all(init)
    except FileNotFoundError as error:  # it ended meanwhile, and its group with it
        raise LostError("the sandbox is not running") from error
    except OSError as error:
        raise InternalError("the kernel does not freeze a sandbox") from error


def thaw(handle: NamespaceSandbox) -> None:
    """Let all of it go on; one that is gone is left alone. Raises: InternalError."""
    try:
        if handle.group.can_freeze:
            handle.group.thaw()
        elif (init := _init_pid(handle)) is not None:
            _continue_all(init)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InternalError("the kernel does not thaw a sandbox") from error


def is_frozen(handle: NamespaceSandbox) -> bool:
    with contextlib.suppress(OSError):
        if handle.group.can_freeze:
            return handle.group.is_frozen()
        init = _init_pid(handle)
        return init is not None and members.is_stopped(init)
    return False


def _init_pid(handle: NamespaceSandbox) -> int | None:
    inner = handle.processes.inner
    return inner.identity.pid if inner is not None and inner.is_alive() else None


def _stop_all(init: int) -> None:
    """Parents before children: who is stopped has no more, so a round that finds everyone stopped is the last."""
    deadline = time.monotonic() + FREEZE_TIMEOUT_S
    while running := [pid for pid in members.tree_of(init) if not members.is_stopped(pid)]:
        if time.monotonic() > deadline:
            _continue_all(init)
            raise InternalError("a sandbox does not freeze")
        for pid in running:
            _signal(pid, signal.SIGSTOP, init)
        time.sleep(_PAUSE_S)


def _continue_all(init: int) -> None:
    """Children before parents: nobody finds a child of its own stopped."""
    for pid in reversed(members.tree_of(init)):
        _signal(pid, signal.SIGCONT, init)


def _signal(pid: int, number: signal.Signals, init: int) -> None:
    """Pinned before it is judged: by now the pid may be another's, of another sandbox or none."""
    handle = ProcessHandle.open_pid(pid)
    if handle is None:
        return
    try:
        if members.descends_from(pid, init):
            handle.send(number)
    finally:
        handle.close()
