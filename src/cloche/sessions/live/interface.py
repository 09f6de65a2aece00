"""What the doors may ask of a session's live view. `service` is the real thing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cloche.ids import ArtifactId, SessionId
from cloche.live.messages import BrowserMessage, ControlMessage, InputMessage, Report
from cloche.live.model import ClipboardPolicy, Codec, Right, Transport
from cloche.live.watching import Subscription
from cloche.sessions.principal import Principal


class LeaveReason(StrEnum):
    """Why a viewer's place ended: shown to it, in the audit journal, a metric label."""

    LEFT = "left"
    SESSION_ENDED = "session_ended"
    LINK_EXPIRED = "link_expired"
    FLOOD = "flood"
    """More messages, or more malformed ones, than any person makes."""
    UNRESPONSIVE = "unresponsive"
    REMOVED = "removed"
    """By an owner, over the API."""
    SERVER_STOPPING = "server_stopping"
    KEY_REVOKED = "key_revoked"


class ControlState(StrEnum):
    FREE = "free"
    """Nobody has it: whoever may and acts, has it while acting."""
    AGENT = "agent"
    """A program is driving. A person's hands do nothing until control is taken."""
    VIEWER = "viewer"
    """A person acts; nobody asked to have it for good, and programs go on."""
    TAKEN = "taken"
    """A person has taken it: actions of programs wait until it is released or given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """Who wants to watch, and how: what a door knows of it."""

    right: Right
    name: str = ""
    """As the viewer calls itself; shown to the others."""
    principal: Principal | None = None
    """Who came with a key. Of a link only its right is known."""
    expires_at: datetime | None = None
    """When the link does: the place ends then."""
    transport: Transport | None = None
    stands: Callable[[], Awaitable[bool]] | None = field(default=None, repr=False, compare=False)
    """Of a key: whether it is still valid. The door asks now and then, and ends the place when it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerInfo:
    id: str
    """`v1`, `v2`, … : never used again in a session."""
    name: str
    right: Right
    has_control: bool
    wants_control: bool
    joined_at: datetime
    transport: Transport | None
    codec: Codec | None
    fallback_reason: str
    fps: float
    """The last four, of what the viewer last reported."""
    rtt_ms: float
    frame_age_ms: float
    bits_per_second: float
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTab:
    id: str
    title: str
    url: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """What the API shows of it."""

    control: ControlState
    holder: str
    """A viewer's id, or empty."""
    clipboard: ClipboardPolicy
    viewers: tuple[ViewerInfo, ...]
    max_viewers: int
    recording: "RecordingInfo | None"
    tabs: tuple[LiveTab, ...] = ()
    """Known only while someone watches."""


class RecordingFormat(StrEnum):
    WEBM = "webm"
    """VP8."""
    MP4 = "mp4"
    """H.264."""


class RecordingStatus(StrEnum):
    RUNNING = "running"
    FINISHING = "finishing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRequest:
    format: RecordingFormat = RecordingFormat.WEBM
    max_seconds: int | None = None
    """Both under the server's ceilings, which hold where none is named. At a cap it ends and is kept."""
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A chapter: something that was done while it was recorded."""

    at_s: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingInfo:
    id: str
    """`r1`, `r2`, … in its session."""
    status: RecordingStatus
    format: RecordingFormat
    started_at: datetime
    seconds: float
    bytes: int
    ended_by: str = ""
    """`stopped`, `time_cap`, `size_cap`, `session_ended`, `error`."""
    artifact_id: ArtifactId | None = None
    """Once it is ready."""
    error: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveNews:
    """Messages for a viewer, JSON objects in UTF-8, in order."""

    messages: tuple[bytes, ...] = field(default_factory=tuple)


class LiveSeat(Protocol):
    """One viewer's place, for as long as the block of `SessionLive.join` lasts."""

    id: str
    right: Right
    owner: str = ""
    """Whose session it is."""
    ended: "asyncio.Future[LeaveReason]"
    """Done when the place is to be left; the door then closes and tells why."""

    def take(self, message: InputMessage | BrowserMessage | ControlMessage) -> None:
        """Do what the viewer did, in order; returns at once. What may not be or cannot be is dropped, counted, and
        where a person should know of it told by a `notice`. Never raises."""
        ...

    def dropped(self, why: str) -> None:
        """A message was malformed or too large and has been dropped: counted; a flood of them ends the place."""
        ...

    def watch(self, codec: Codec, *, max_fps: float = 0, acknowledges: bool = False) -> Subscription:
        """Pictures for this viewer. One at a time: the one before is to be closed first. `max_fps` 0: as many as come.
        `acknowledges`: that it does is known beforehand."""
        ...

    def transport_is(self, transport: Transport | None, codec: Codec | None, fallback_reason: str = "") -> None:
        """What the viewer now watches by, for the list of viewers and the metrics."""
        ...

    def reported(self, report: Report) -> None:
        """What the viewer tells about itself, or its transport about it."""
        ...

    async def news(self) -> LiveNews:
        """What there is to be told; waits until there is something. The first is the whole `state`. A viewer that is
        slow gets what has changed together, so this is bounded."""
        ...


class SessionLive(Protocol):
    """A session's live view, from `SessionManager.live`."""

    def join(self, joining: Joining) -> AbstractAsyncContextManager[LiveSeat]:
        """Take a place. While one is taken the session does not idle.

        Raises: GoneError, BusyError (`viewers_full`), JournalError.
        """
        ...

    def state(self) -> LiveState: ...

    async def take_control(self, principal: Principal, viewer_id: str) -> LiveState:
        """Give control to this viewer, whoever has it: for owners and their console.

        Raises: NotFoundError, DeniedError (`view_only`: its link is), GoneError.
        """
        ...

    async def release_control(self, principal: Principal) -> LiveState:
        """Nobody has it. Raises: GoneError."""
        ...

    async def remove(self, principal: Principal, viewer_id: str) -> None:
        """End a viewer's place. Raises: NotFoundError."""
        ...

    async def thumbnail(self) -> bytes:
        """A small JPEG of the tab that is shown, at most a few seconds old. Does not count as use of the session.

        Raises: ConflictError (`browser_stopped`), DeadlineError, GoneError, BusyError.
        """
        ...

    async def start_recording(self, principal: Principal, request: RecordingRequest) -> RecordingInfo:
        """Raises: DeniedError (`recording_off`), ConflictError (`already_recording`), BusyError, GoneError."""
        ...

    async def stop_recording(self, principal: Principal) -> RecordingInfo:
        """End it and wait until it is an artifact. Raises: ConflictError (`not_recording`), GoneError."""
        ...


class SessionRecordings(Protocol):
    """What was recorded of sessions, also of those that have ended. `recording.store.RecordingStore` is the real."""

    async def list(self, principal: Principal, session_id: SessionId) -> tuple[RecordingInfo, ...]:
        """A session's, newest first, running and finished; of a private one that has ended there is none."""
        ...
