"""Which processes belong to this session, and how to end them without ever hitting a stranger."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from typing import Final

from cloche.agent.procfs import Process, read_process, read_processes

_SWEEPS: Final = 2
"""The second one finds what was forked during the first."""
_FEW_SERVICES: Final = 64
"""Fewer are not worth looking through for those that are no more."""


class Population:
    """The session's processes. Owned by `main`; the supervisor names each browser it starts.

    In a pid namespace of its own everything it can see is the session's. Elsewhere it is the agent, what descends
    from it or from a named browser, what shares a browser's unix session, and whatever was ever one of these: a
    process that daemonises keeps its pid and start time.
    """

    def __init__(self, *, owns_namespace: bool, watched_pid: Callable[[], int | None] | None = None) -> None:
        """`watched_pid` tells of a browser that someone else started, while it lives."""
        self._owns_namespace = owns_namespace
        self._watched_pid = watched_pid
        self._agent = os.getpid()
        self._browsers: set[int] = set()
        self._own: set[int] = set()
        self._services: set[int] = set()
        self._look_for_services_at = _FEW_SERVICES
        self._remembered: set[tuple[int, int]] = set()

    def add_browser(self, pid: int) -> None:
        self._services.discard(pid)  # a number of old, given out anew
        self._browsers.add(pid)

    def remove_browser(self, pid: int) -> None:
        self._browsers.discard(pid)

    def add_own(self, pid: int) -> None:
        """Name a command of the agent's own, in a session of its own: it does not go when a browser is killed."""
        self._own.add(pid)

    def remove_own(self, pid: int, *, keeps_session: bool = False) -> None:
        """`keeps_session`: it has ended, and what it has started and is in its session is still ours."""
        self._own.discard(pid)
        if keeps_session:
            self._services.add(pid)

    def add_service(self, pid: int) -> None:
        """Name a program of the session's user, in a session of its own: neither it nor what it leaves behind there
        goes when a browser is killed, and what it works is the session's work."""
        if len(self._services) >= self._look_for_services_at:
            with contextlib.suppress(OSError):  # processes cannot be listed: the next one looks again
                living = self._living_services(read_processes().values())
                self._look_for_services_at = _FEW_SERVICES + 2 * len(living)
        self._services.add(pid)

    def is_own(self, process: Process) -> bool:
        """Whether it is the agent or belongs to one of its commands."""
        return process.pid == self._agent or process.session in self._own

    def commands_ticks(self) -> int:
        """Return the CPU time, in ticks, of those of the agent's own commands that run now."""
        if not self._own:
            return 0
        return sum(process.cpu_ticks for process in read_processes().values() if process.session in self._own)

    def members(self) -> list[Process]:
        """Read `/proc` and return those that are the session's, the agent among them."""
        everyone = read_processes()
        if self._owns_namespace:
            return list(everyone.values())
        watched = self._watched_pid() if self._watched_pid is not None else None
        roots = {self._agent, *self._browsers} | ({watched} if watched is not None else set())
        sessions = self._browsers | self._own | self._living_services(everyone.values())
        chosen = select_members(everyone, roots, sessions, self._remembered)
        self._remembered = {(process.pid, process.started) for process in chosen}
        return chosen

    def guests(self) -> list[Process]:
        """Return the members that are not ours: all but the agent and its namespace's first process."""
        return [process for process in self.members() if process.pid not in (1, self._agent)]

    def kill_browser(self, pid: int) -> None:
        """Kill a browser that is not yet reaped, its process group, and all guests that are left of it.

        Commands of ours and services that they have started stay: they are not the browser's.
        """
        guests = self.guests()
        spared = self._own | self._living_services(guests)
        kill_group(pid)
        kill(guest for guest in guests if guest.pid != pid and guest.session not in spared)

    def kill_own(self, pid: int) -> None:
        """Kill a command of ours that is not yet reaped, its process group, what descends from it, and its session:
        a shell's job or a `timeout` has a group of its own.

        Where processes cannot be listed (no descriptor to be had) at least the group is killed.
        """
        for _ in range(_SWEEPS):
            family: list[Process] = []
            with contextlib.suppress(OSError):
                family = select_members(read_processes(), {pid}, {pid}, set())
            kill_group(pid)
            kill(process for process in family if process.is_alive)

    def _living_services(self, processes: Iterable[Process]) -> set[int]:
        """Return the sessions of services; one with nobody in it is forgotten before its number is someone else's."""
        if self._services:
            self._services &= {process.session for process in processes}
        return self._services


def kill_group(pid: int) -> None:
    """Kill the process group of a leader that is not yet reaped."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # an empty group, or of other users
        os.killpg(pid, signal.SIGKILL)


def select_members(
    everyone: dict[int, Process], roots: set[int], sessions: set[int], remembered: set[tuple[int, int]]
) -> list[Process]:
    """Pick the processes that descend from `roots`, are in one of `sessions`, or are remembered (pid, start)."""
    chosen: dict[int, Process] = {}
    for process in everyone.values():
        if process.pid in roots or process.session in sessions or (process.pid, process.started) in remembered:
            chosen[process.pid] = process
    # Each process is looked at once, however deep they stand: thousands may descend from one another in one line.
    children: dict[int, list[Process]] = {}
    for process in everyone.values():
        children.setdefault(process.ppid, []).append(process)
    parents = list(chosen)
    while parents:
        for child in children.get(parents.pop(), ()):
            if child.pid not in chosen:
                chosen[child.pid] = child
                parents.append(child.pid)
    return list(chosen.values())


def kill(processes: Iterable[Process]) -> int:
    """Send SIGKILL to each one that is still the process that was seen; return how many were reached."""
    return send(processes, signal.SIGKILL)


def send(processes: Iterable[Process], number: int) -> int:
    """Send a signal to each one that is still the process that was seen; return how many were reached."""
    return sum(_send_one(process, number) for process in processes)


def _send_one(process: Process, number: int) -> bool:
    # Open first, then compare: from here on the descriptor cannot come to mean another process (pidfd_open(2)).
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        now = read_process(process.pid)
        if now is None or now.started != process.started:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
