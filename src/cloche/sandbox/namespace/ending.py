"""`stop` and `destroy`: ask, TERM, KILL, wait, remove. Each step has its deadline; the driver shields them."""

import asyncio
import contextlib
import signal
from typing import Final

from cloche.concurrency.threads import in_thread
from cloche.errors import InternalError
from cloche.process.pidfd import ProcessHandle
from cloche.process.stop import KILL_TIMEOUT_S, ended_or_hurried
from cloche.sandbox.namespace import freezing, members, run_dir
from cloche.sandbox.namespace.handle import NamespaceSandbox

_STRAY_ROUNDS: Final = 3


async def stop(handle: NamespaceSandbox, grace_s: float, hurry: asyncio.Event) -> None:
    """End everything inside. With `hurry` set, what is left of the grace is skipped.

    Raises:
        InternalError: the kernel has not let go of it in time.
    """
    inner = handle.processes.inner
    if grace_s > 0:
        await in_thread(freezing.thaw, handle)  # what is frozen cannot be asked
    # An agent that is not there to be asked, because it is still to be forked, needs no grace.
    if grace_s > 0 and inner is not None and await in_thread(_terminate_agent, inner):
        await ended_or_hurried(inner.wait(grace_s), hurry)
    await kill(handle)


async def kill(handle: NamespaceSandbox) -> None:
    """KILL to the init: the kernel ends every process of its pid namespace with it (pid_namespaces(7))."""
    processes = handle.processes
    if handle.is_dead:
        return
    for process in (processes.inner, processes.outer):
        if process is not None:
            process.send(signal.SIGKILL)
    await in_thread(freezing.thaw, handle)  # what is frozen dies only when it is let go
    for process in (processes.inner, processes.outer):
        if process is not None and not await process.wait(KILL_TIMEOUT_S):
            raise InternalError("a sandbox does not end")
    if processes.inner is None and handle.was_started:
        await in_thread(_kill_strays, handle)
    processes.exit_code()  # reaps the outer one
    # The inner one is an orphan by now. In a container where the daemon is process 1, orphans are ours to reap.
    if processes.inner is not None:
        processes.inner.reap()
    await in_thread(_empty_group, handle)
    handle.is_dead = handle.was_started


def remove(handle: NamespaceSandbox) -> None:
    """Remove what is left of an ended sandbox; blocks. The directory, and with it the uid, goes last."""
    handle.group.end()
    handle.close_descriptors()
    run_dir.remove(handle.run_dir)
    handle.is_removed = True


def _terminate_agent(init: ProcessHandle) -> bool:
    """Ask the agent to end; False when there is none to ask. Not the init: bubblewrap's does not pass signals on."""
    agent = members.agent_of(init.identity.pid) if init.is_alive() else None
    if agent is None:
        return False
    agent.send(signal.SIGTERM)
    agent.close()
    return True


def _empty_group(handle: NamespaceSandbox) -> None:
    # The pid namespace has ended all; this is for a process that some mistake put into the group from outside.
    with contextlib.suppress(OSError):
        if handle.group.pids():
            handle.group.kill()


def _kill_strays(handle: NamespaceSandbox) -> None:
    # Its outer process is gone by now, so none can come after; a second round sees whether all have gone.
    for _ in range(_STRAY_ROUNDS):
        if not members.kill_strays(handle.run_dir.link_dir):
            return
