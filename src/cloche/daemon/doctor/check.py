"""What a check is told and what it says."""

from dataclasses import dataclass, field
from pathlib import Path

from cloche.vault.keyring import KeySource


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorSettings:
    """What the checks need of the daemon's settings."""

    state_dir: Path
    run_dir: Path
    http_bind: str
    database_url: str
    chromium_shell: Path
    chromium: Path = Path("/usr/lib/chromium/chromium")
    bubblewrap: str = "bwrap"
    """A name looked up in PATH, or an absolute path."""
    busybox: str = "busybox"
    """Likewise."""
    first_uid: int = 2_000_000_000
    uid_count: int = 65_536
    has_admin_key: bool = False
    max_sessions: int = 64
    grpc_bind: str = ""
    """Empty: no gRPC."""
    state_key: KeySource = field(default_factory=KeySource)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One finding.

    `ok` None is a warning: sessions work, something will be missing. `meaning` says what the check is about, `found`
    what is there, `mend` the command or setting that mends it (empty when there is nothing to mend).
    """

    name: str
    ok: bool | None
    meaning: str
    found: str
    mend: str = ""


def good(name: str, meaning: str, found: str) -> CheckResult:
    return CheckResult(name=name, ok=True, meaning=meaning, found=found)


def warning(name: str, meaning: str, found: str, mend: str) -> CheckResult:
    return CheckResult(name=name, ok=None, meaning=meaning, found=found, mend=mend)


def bad(name: str, meaning: str, found: str, mend: str) -> CheckResult:
    return CheckResult(name=name, ok=False, meaning=meaning, found=found, mend=mend)
