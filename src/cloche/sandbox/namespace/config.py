"""What the namespace driver is told by the composition root."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cloche.sandbox.namespace.uid_range import UidRange
from cloche.sandbox.spec import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceConfig:
    run_dir: Path
    """One directory per sandbox is made here (mode 0711). A tmpfs such as /run; never shared by two daemons."""
    state_dir: Path
    """Its `runtime/` holds the root images. With own uids per sandbox, every directory above must be o+x."""
    engines: Mapping[Engine, Path]
    """Each engine's executable. Distribution wrappers are resolved, see `engine`."""
    uid_range: UidRange = field(default_factory=UidRange)
    bwrap: str = "bwrap"
    """A name looked up in PATH, or an absolute path."""
    busybox: str = "busybox"
    """Likewise. Where there is none, sessions made with `machine` have no shell."""
    agent_argv: tuple[str, ...] = ()
    """What runs inside instead of the agent, for tests. Empty: the agent."""
    start_timeout_s: float = 10.0
    """For bubblewrap's own set-up, not for the agent or Chromium."""
