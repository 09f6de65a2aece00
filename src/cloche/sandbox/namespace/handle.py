"""What the driver knows of one sandbox, and the JSON form of it that outlives the daemon."""

import asyncio
import socket
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cloche.ids import SessionId
from cloche.process.cgroup import Cgroup
from cloche.process.output import SealedOutput
from cloche.process.pidfd import ProcessHandle
from cloche.process.spawn import Child
from cloche.sandbox.driver import Sandbox
from cloche.sandbox.namespace.engine import BrowserFiles
from cloche.sandbox.namespace.image import Image
from cloche.sandbox.namespace.run_dir import RunDir
from cloche.sandbox.namespace.shell import Shell
from cloche.sandbox.spec import SandboxSpec

DRIVER_NAME: Final = "namespace"


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is needed to start, known from `create` until `start`."""

    spec: SandboxSpec
    image: Image
    browser: BrowserFiles
    shell: Shell | None
    listener: socket.socket


@dataclass(slots=True)
class Processes:
    """The two processes of bubblewrap: the outer one waits, the inner one is the sandbox's init (pid 1 inside)."""

    outer: ProcessHandle | None = None
    inner: ProcessHandle | None = None
    child: Child | None = None
    """The outer one when this daemon started it, so that it can be reaped."""

    def are_alive(self) -> bool:
        return any(handle is not None and handle.is_alive() for handle in (self.outer, self.inner))

    def exit_code(self) -> int | None:
        """Bubblewrap passes the agent's on; 128 + n for signal n. None: running, or another daemon's child."""
        if self.child is None or (code := self.child.exit_code()) is None:
            return None
        return 128 - code if code < 0 else code

    def close(self) -> None:
        for handle in (self.outer, self.inner):
            if handle is not None:
                handle.close()


@dataclass(slots=True, kw_only=True, eq=False)
class NamespaceSandbox(Sandbox):
    """Held by the caller, filled by the driver only. One verb at a time: `lock`."""

    session_id: SessionId
    run_dir: RunDir
    own_uid: int | None
    peer_uid: int | None
    image_digest: str
    created_at: datetime
    group: Cgroup
    plan: Plan | None = None
    processes: Processes = field(default_factory=Processes)
    output: SealedOutput | None = None
    priming: "asyncio.Task[None] | None" = None
    """Has the kernel ready for the move into the group."""
    was_started: bool = False
    is_dead: bool = False
    """Its processes have ended and were reaped."""
    is_removed: bool = False
    death_was_logged: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.link_path = self.run_dir.link_socket

    def record(self) -> dict[str, Any]:
        """What `describe` returns and sandbox.json holds."""
        return {
            "driver": DRIVER_NAME,
            "session_id": self.session_id,
            "own_uid": self.own_uid,
            "image": self.image_digest,
            "created_at": self.created_at.isoformat(),
            "cgroup": self.group.record(),
            "was_started": self.was_started,
            "outer": _encoded(self.processes.outer),
            "inner": _encoded(self.processes.inner),
        }

    def close_descriptors(self) -> None:
        """Give up every descriptor; a running sandbox runs on."""
        self.processes.close()
        if self.plan is not None:
            self.plan.listener.close()
            self.plan = None
        if self.output is not None:
            self.output.close()


def _encoded(handle: ProcessHandle | None) -> dict[str, Any] | None:
    return None if handle is None else handle.identity.encode()
