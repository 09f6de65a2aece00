"""Settings of what is kept: profiles, artifacts, the audit journal."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

MIB: Final = 1 << 20
DAY_S: Final = 86_400


class KeepingSettings(BaseSettings):
    """Base of `daemon.settings.Settings`."""

    state_key: SecretStr | None = None
    """Base64 of exactly 32 bytes: what profiles' and artifacts' keys are wrapped by. At most one of the three."""
    state_key_file: Path | None = None
    """A file with that on its first line, and earlier ones on the next, which are still read."""
    state_key_command: str | None = None
    """A command (split as a shell would, run without one) that prints what would stand in such a file."""

    max_profiles_per_principal: int = Field(default=64, ge=1)
    max_profile_bytes: int = Field(default=512 * MIB, ge=1 * MIB)
    """Of one revision, unpacked."""
    profile_revisions: int = Field(default=3, ge=2)
    """How many of each profile are kept. At least two: the last one but one is what a power cut may fall back to."""

    artifact_retention_s: int = Field(default=7 * DAY_S, ge=60)
    quarantine_retention_s: int = Field(default=30 * DAY_S, ge=60)
    max_artifact_total_bytes: int = Field(default=10_240 * MIB, ge=1 * MIB)
    """Of all that is kept for one principal."""
    scanner: str | None = None
    """`clamd:/run/clamav/clamd.ctl`, or `command:/usr/bin/scan --stdin`: asked about every file before it is ready."""
    scanner_timeout_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)

    audit_durability: Literal["normal", "full"] = "normal"
    """`full`: a batch is on the disk (fsync) before it counts as written. `normal`: a power cut may lose the last."""
    audit_on_failure: Literal["stop", "continue"] = "stop"
    """What becomes of new work while the journal is full or cannot be written."""
    audit_max_events: int = Field(default=10_000_000, ge=1_000)
    audit_segment_events: int = Field(default=10_000, ge=10)
    audit_retention_days: int = Field(default=365, ge=1)
