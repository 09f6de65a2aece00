"""The contract between Cloche and a kind of sandbox: twelve verbs, all safe to repeat.

    create → start → (running) → stop → destroy
                        ▲ │ ▲
              adopt ────┘ │ └── thaw     after the daemon was restarted, from what `describe` returned
                          └──► freeze

Rules for every driver, checked by `cloche.testing.contract`:
- Each verb may be called twice in a row; the second call finds nothing to do.
- Each verb may be cancelled at any await. After a cancelled or failed `create` or `start`, `destroy` leaves nothing
  behind: no process, mount, cgroup, directory, descriptor or reserved uid.
- No truth lives only in the driver's memory: `describe` is small JSON, and `adopt` takes it back after a restart of
  the daemon. Identity is never a bare pid: boot id, pid and start time together, or a container id.
- What an earlier daemon left is found by the driver's module, not by a verb: a `leftovers()` beside it lists
  descriptions, recovery adopts what a row wants and destroys the rest.
- Errors are `StartError` (with a `reason` from the driver's documented list), `LostError` and `InternalError`.
"""

import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cloche.ids import SessionId
from cloche.sandbox.spec import Limits, SandboxSpec


class SandboxState(StrEnum):
    CREATED = "created"  # made, not started
    RUNNING = "running"
    EXITED = "exited"  # was started, and its first process is gone
    GONE = "gone"  # destroyed, or never there


@dataclass(frozen=True, slots=True)
class Usage:
    """What a sandbox has taken so far, as the kernel accounts it. None where this host cannot tell."""

    memory_bytes: int | None = None
    memory_peak_bytes: int | None = None
    cpu_seconds: float | None = None
    processes: int | None = None
    out_of_memory_kills: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """What `poll` saw. `reason` is a stable slug for an end: `exited`, `killed`, `out_of_memory`."""

    state: SandboxState
    exit_code: int | None = None
    reason: str = ""
    usage: Usage = field(default_factory=Usage)
    is_frozen: bool = False
    """Of a running one: everything in it stands still."""


class Sandbox:
    """A driver's handle on one sandbox. Callers hold it and read these two; what else is in it is the driver's."""

    session_id: SessionId
    link_path: Path
    """Where the host must listen for the agent (a unix socket) before `start`."""
    peer_uid: int | None
    """The uid that the agent's connection must come from, as SO_PEERCRED gives it. None: cannot be told."""


class SandboxDriver(ABC):
    """Builds, watches and removes sandboxes of one kind. Owned by the composition root, called by `sessions`."""

    name: str
    passes_descriptors: bool
    """Host and sandbox share a kernel, so that the agent can hand over sockets (SCM_RIGHTS)."""

    @abstractmethod
    async def create(self, spec: SandboxSpec) -> Sandbox:
        """Reserve all a sandbox needs, start nothing. Either it is whole or nothing of it remains."""

    @abstractmethod
    async def start(self, sandbox: Sandbox) -> None:
        """Run the agent inside. Returns when the process is running, not when the agent has registered."""

    @abstractmethod
    async def stop(self, sandbox: Sandbox, *, grace_s: float) -> None:
        """End everything inside: TERM, after `grace_s` KILL, and wait until the kernel has let go of it."""

    @abstractmethod
    async def destroy(self, sandbox: Sandbox) -> None:
        """Stop it if it runs, then remove every trace. Never fails because part of it is already gone."""

    @abstractmethod
    async def freeze(self, sandbox: Sandbox) -> None:
        """Stop everything inside where it stands, and return when nothing moves any more. Its memory stays.

        Raises:
            LostError: the sandbox is not running.
            InternalError: something inside could not be stopped; all of it goes on.
        """

    @abstractmethod
    async def thaw(self, sandbox: Sandbox) -> Observation:
        """Let all of it go on, and see how it is then. Nothing happens to one that runs, or has ended. `stop` and
        `destroy` do it themselves.

        Raises:
            InternalError: the kernel refuses.
        """

    @abstractmethod
    async def reclaim(self, sandbox: Sandbox) -> None:
        """Have the host take back what memory of a frozen one it can. May take a while; a thaw need not wait for it."""

    @abstractmethod
    async def limit(self, sandbox: Sandbox, limits: Limits) -> None:
        """Give a running one other limits of processes and processor time. What is built in stays: memory and disk.

        Raises:
            LostError: the sandbox is not running.
            InternalError: this host limits by other means, or the kernel refuses; what was in force still is.
        """

    @abstractmethod
    async def poll(self, sandbox: Sandbox) -> Observation:
        """Look at it now, without waiting; `usage` is what the kernel has counted."""

    @abstractmethod
    def describe(self, sandbox: Sandbox) -> dict[str, Any]:
        """Return the JSON from which `adopt` finds this sandbox again after a restart of the daemon."""

    @abstractmethod
    async def adopt(self, description: Mapping[str, Any]) -> Sandbox:
        """Take back a sandbox that an earlier daemon started, dead or alive; `poll` tells which.

        Raises:
            LostError: the description is not one of this driver's, or nothing of it is left.
        """

    @abstractmethod
    async def connect(self, sandbox: Sandbox) -> socket.socket:
        """Open a stream to the agent's guest socket: connected, non-blocking, no preface sent yet.

        Raises:
            LostError: the sandbox is not running.
        """
