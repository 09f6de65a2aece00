"""What keeps a session's pictures: the live view hands recording on to it."""

from typing import Protocol

from cloche.errors import ConflictError, DeniedError
from cloche.sessions.live.interface import RecordingInfo, RecordingRequest
from cloche.sessions.principal import Principal


class Recorder(Protocol):
    """Of one session. Watches as a viewer does, by `LiveService.recording`."""

    @property
    def current(self) -> RecordingInfo | None:
        """The one that is running or finishing."""
        ...

    async def start(self, principal: Principal, request: RecordingRequest) -> RecordingInfo:
        """Raises: as `SessionLive.start_recording`."""
        ...

    async def stop(self, principal: Principal) -> RecordingInfo:
        """Raises: as `SessionLive.stop_recording`."""
        ...

    def all(self) -> tuple[RecordingInfo, ...]:
        """Newest first."""
        ...

    async def begin(self) -> None:
        """The session has come up: where every session is recorded, now."""
        ...

    async def finish(self, reason: str) -> None:
        """The session ends as somebody wished, and everything still runs. Must not raise."""
        ...

    async def close(self) -> None:
        """Let go of everything, at any point."""
        ...


class NoRecorder(Recorder):
    """Of sessions whose pictures are not kept."""

    @property
    def current(self) -> RecordingInfo | None:
        return None

    async def start(self, principal: Principal, request: RecordingRequest) -> RecordingInfo:
        raise DeniedError("recordings are off", reason="recording_off")

    async def stop(self, principal: Principal) -> RecordingInfo:
        raise ConflictError("nothing is being recorded", reason="not_recording")

    def all(self) -> tuple[RecordingInfo, ...]:
        return ()

    async def begin(self) -> None: ...

    async def finish(self, reason: str) -> None: ...

    async def close(self) -> None: ...
