"""Builds what is kept: profiles and artifacts with their keys, and what looks after them. For `bootstrap` alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from cloche.artifacts.clamd import ClamdScanner
from cloche.artifacts.draft import StoreLimits
from cloche.artifacts.keys import ArtifactKeys
from cloche.artifacts.scan_command import CommandScanner
from cloche.artifacts.scanner import ClamdSetting, Scanner, parse_scanner
from cloche.artifacts.store import ArtifactStore
from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.daemon.policy import key_source
from cloche.daemon.settings import Settings
from cloche.profiles.limits import ProfileLimits
from cloche.profiles.store import ProfileStore
from cloche.sessions.artifacts.service import Artifacts
from cloche.sessions.artifacts.side import ArtifactSide
from cloche.sessions.audit import AuditWriter
from cloche.sessions.keeping import Keeping
from cloche.sessions.manager import Manager
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.profiles.service import Profiles
from cloche.sessions.profiles.side import Storing
from cloche.sessions.runner import SessionRunner
from cloche.storage.database import Database
from cloche.vault.keyring import LiveKeyring

SWEEP_EVERY_S: Final = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeepingParts:
    """What the manager, the doors and every runner get of it."""

    keyring: LiveKeyring
    profiles: ProfileStore
    artifacts: ArtifactStore
    keeper: ProfileKeeper
    audit: AuditWriter

    def of(self, runner: SessionRunner) -> Keeping:
        """The parts of one session. They end the other way round: downloads are taken before the browser is stopped."""
        side = ArtifactSide(runner.session, runner, self.artifacts, self.audit)
        return Keeping([*self.keeper.parts_of(runner), side, runner.live])

    def profiles_for(self, manager: Manager) -> Profiles:
        return Profiles(self.profiles, self.keyring, self.audit, manager.save_profile, self.artifacts.rewrap)

    def artifacts_for(self, manager: Manager, *, upload_bytes: int) -> Artifacts:
        return Artifacts(self.artifacts, self.audit, session=manager.get, upload_bytes=upload_bytes)


@asynccontextmanager
async def keeping_parts(
    settings: Settings, database: Database, secret: bytes, clock: Clock, audit: AuditWriter
) -> AsyncIterator[KeepingParts]:
    """Open what is kept, and look after it until the block ends. Raises: InvalidError: the state key is unusable."""
    keyring = await LiveKeyring.open(key_source(settings))
    profiles = ProfileStore(
        database,
        settings.state_dir / "profiles",
        keyring,
        clock,
        ProfileLimits(
            max_profiles_per_principal=settings.max_profiles_per_principal,
            max_profile_bytes=settings.max_profile_bytes,
            profile_revisions=settings.profile_revisions,
        ),
    )
    artifacts = ArtifactStore(
        database,
        settings.state_dir / "artifacts",
        ArtifactKeys(secret, keyring),
        clock,
        StoreLimits(
            retention_s=settings.artifact_retention_s,
            quarantine_retention_s=settings.quarantine_retention_s,
            max_total_bytes=settings.max_artifact_total_bytes,
        ),
        _scanner(settings),
    )
    await artifacts.start()
    storing = Storing(profiles, settings.max_profile_bytes) if profiles.is_on else None
    sweeping = spawn(_sweep(artifacts), name="artifact-sweep")
    try:
        yield KeepingParts(keyring, profiles, artifacts, ProfileKeeper(storing), audit)
    finally:
        await cancel_and_wait(sweeping)
        await artifacts.close()


def _scanner(settings: Settings) -> Scanner | None:
    """Raises: InvalidError."""
    if settings.scanner is None:
        return None
    chosen = parse_scanner(settings.scanner)
    if isinstance(chosen, ClamdSetting):
        return ClamdScanner(chosen.socket, timeout_s=settings.scanner_timeout_s)
    hidden: tuple[Path, ...] = (settings.state_dir, settings.run_dir)
    bwrap = str(settings.bubblewrap or "bwrap")
    return CommandScanner(chosen.argv, timeout_s=settings.scanner_timeout_s, bwrap=bwrap, hidden=hidden)


async def _sweep(artifacts: ArtifactStore) -> None:
    while True:
        try:
            if count := await artifacts.sweep():
                _log.info("artifacts_expired", count=count)
        except Exception:  # noqa: BLE001 - one turn of a loop: the next may go well
            _log.exception("artifacts_not_swept")
        await asyncio.sleep(SWEEP_EVERY_S)
