"""The live view of sessions that have none: of runners that are made without the daemon's parts."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cloche.errors import ConflictError
from cloche.sessions.keeping import Kept
from cloche.sessions.live.interface import (
    Joining,
    LiveSeat,
    LiveState,
    RecordingInfo,
    RecordingRequest,
    SessionLive,
)
from cloche.sessions.principal import Principal


class LivePart(Kept, SessionLive, Protocol):
    """A session's live view as its runner has it."""


class NoLive(LivePart):
    """Refuses everything: `live_off`."""

    async def furnish(self) -> None: ...

    async def begin(self) -> None: ...

    def browser_came(self) -> None: ...

    def browser_went(self) -> None: ...

    async def save(self, reason: str) -> None: ...

    async def close(self) -> None: ...

    def join(self, joining: Joining) -> AbstractAsyncContextManager[LiveSeat]:
        raise _off()

    def state(self) -> LiveState:
        raise _off()

    async def take_control(self, principal: Principal, viewer_id: str) -> LiveState:
        raise _off()

    async def release_control(self, principal: Principal) -> LiveState:
        raise _off()

    async def remove(self, principal: Principal, viewer_id: str) -> None:
        raise _off()

    async def thumbnail(self) -> bytes:
        raise _off()

    async def start_recording(self, principal: Principal, request: RecordingRequest) -> RecordingInfo:
        raise _off()

    async def stop_recording(self, principal: Principal) -> RecordingInfo:
        raise _off()


def _off() -> ConflictError:
    return ConflictError("this server has no live view", reason="live_off")
