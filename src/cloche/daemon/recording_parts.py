"""Builds what sessions are recorded by. For `bootstrap` alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cloche.artifacts.store import ArtifactStore
from cloche.clock import Clock
from cloche.daemon.settings import Settings
from cloche.live.encoder_child import EncoderSettings
from cloche.live.mux_process import MuxProcess, MuxRequest
from cloche.sessions.audit import AuditWriter
from cloche.sessions.events import EventLog
from cloche.sessions.live.recording.limits import RecordingLimits
from cloche.sessions.live.recording.recorder import SessionRecorder
from cloche.sessions.live.recording.store import RecordingStore
from cloche.sessions.live.service import LiveService
from cloche.sessions.model import EndReason
from cloche.sessions.runner import SessionRunner
from cloche.storage.database import Database


@dataclass(frozen=True, slots=True)
class RecordingParts:
    store: RecordingStore
    events: EventLog
    clock: Clock
    audit: AuditWriter

    def of(self, runner: SessionRunner, live: LiveService) -> SessionRecorder:
        """One session's."""
        return SessionRecorder(
            *(runner.session, runner, live, self.store),
            events=self.events,
            clock=self.clock,
            audit=self.audit,
            cannot_go_on=lambda: runner.end(EndReason.RECORDING_UNAVAILABLE),
        )


@asynccontextmanager
async def recording_parts(
    settings: Settings,
    database: Database,
    artifacts: ArtifactStore,
    encoder: EncoderSettings,
    *,
    events: EventLog,
    clock: Clock,
    audit: AuditWriter,
) -> AsyncIterator[RecordingParts]:
    """Entered after the store of artifacts and left before it: what sessions leave behind is finished by then."""

    async def start_mux(request: MuxRequest) -> MuxProcess:
        return await MuxProcess.start(encoder, request)

    limits = RecordingLimits(max_seconds=settings.live_record_max_s, max_bytes=settings.live_record_max_bytes)
    store = RecordingStore(database, settings.state_dir / "recordings", artifacts, start_mux, clock, limits)
    await store.start()
    try:
        yield RecordingParts(store, events, clock, audit)
    finally:
        await store.close()
