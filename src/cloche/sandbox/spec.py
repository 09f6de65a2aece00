"""What is asked of a driver: the limits of a sandbox and what its agent is told."""

from dataclasses import dataclass, field
from enum import StrEnum

from cloche.ids import SessionId
from cloche.wire.agent_config import AgentConfig


class Engine(StrEnum):
    """Which Chromium a sandbox holds."""

    SHELL = "shell"  # chromium-headless-shell: light
    CHROME = "chrome"  # full Chromium, --headless=new


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Kernel limits over everything in a sandbox together."""

    memory_bytes: int = 1 << 30
    processes: int = 512
    cpu_cores: float = 2.0
    """Quota in cores: 1.5 means one and a half cores' time at most."""
    disk_bytes: int = 1 << 30
    """Size of the sandbox's writable file system (memory-backed, so it counts against `memory_bytes` as it fills)."""
    open_files: int = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSpec:
    """All a driver needs to build one sandbox.

    `agent_config` is handed to the agent on a descriptor, never in argv or the environment. The driver completes it
    with what only it knows: the fields that `cloche.wire.agent_config` marks *driver*.
    """

    session_id: SessionId
    engine: Engine = Engine.SHELL
    limits: Limits = field(default_factory=Limits)
    machine: bool = False
    """Programs are run in it at a user's wish: it gets a shell and its tools, where the host has one to give."""
    agent_config: AgentConfig
