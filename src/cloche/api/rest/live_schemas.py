"""What goes over the REST border about live views."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from cloche.api.rest.schemas import In, Out
from cloche.live.messages import MAX_SDP_CHARS
from cloche.live.model import ClipboardPolicy, Codec, Right, Transport
from cloche.sessions.live.interface import (
    ControlState,
    LiveState,
    RecordingFormat,
    RecordingInfo,
    RecordingRequest,
    RecordingStatus,
)

VIEWER_ID: Final = r"^v[0-9]{1,12}$"
MAX_RECORDING_SECONDS: Final = 7 * 24 * 3600
MAX_RECORDING_BYTES: Final = 1 << 40

ViewerId = Annotated[str, StringConstraints(pattern=VIEWER_ID)]

_OFFER: Final[list[JsonValue]] = [{"type": "offer", "sdp": "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n…"}]
_LINK: Final[list[JsonValue]] = [{"right": "view", "lifetime_s": 3600, "name": "Ann"}]
_RECORDING: Final[list[JsonValue]] = [{"format": "webm", "max_seconds": 600, "max_bytes": 104857600}]


class OfferIn(In):
    """The body of `POST …/live/offer`: an SDP offer with its candidates (RFC 9429), as `RTCPeerConnection` makes it."""

    model_config = ConfigDict(json_schema_extra={"examples": _OFFER})

    type: Literal["offer"]
    sdp: Annotated[str, StringConstraints(min_length=1, max_length=MAX_SDP_CHARS)]


class AnswerOut(Out):
    type: Literal["answer"] = "answer"
    sdp: str


class IceOut(Out):
    """`RTCConfiguration`, in snake_case. Credentials of TURN end after a while: ask anew for each connection."""

    ice_servers: list[dict[str, Any]] = Field(
        examples=[[{"urls": ["turn:turn.example:3478"], "username": "1766000000:ses_…", "credential": "…"}]]
    )
    ice_transport_policy: Literal["all", "relay"]


class ViewerOut(Out):
    """One who watches. The last five are of what it last told about itself, or its connection about it."""

    id: str
    name: str
    right: Right
    has_control: bool
    wants_control: bool
    joined_at: datetime
    transport: Transport | None
    codec: Codec | None
    fallback_reason: str = Field(description="Why it is not an earlier one of the transports: `webrtc_timeout`, …")
    fps: float
    rtt_ms: float
    frame_age_ms: float
    bits_per_second: float
    dropped: int


class ViewersOut(Out):
    viewers: list[ViewerOut]
    max_viewers: int


class ControlOut(Out):
    state: ControlState = Field(description="`agent`: a program is driving; `taken`: its actions wait for a person.")
    holder: str = Field(description="A viewer's id, or empty.")


class LiveTabOut(Out):
    id: str
    title: str
    url: str
    active: bool


class MarkOut(Out):
    """A chapter: something that was done, so many seconds after the recording's beginning."""

    at_s: float
    title: str


class RecordingOut(Out):
    """`ended_by`: `stopped`, `time_cap`, `size_cap`, `session_ended` or `error`.

    `artifact_id` is set once it is `ready`: download it as `/v1/artifacts/{artifact_id}/content`.
    """

    id: str
    status: RecordingStatus
    format: RecordingFormat
    started_at: datetime
    seconds: float
    bytes: int
    ended_by: str
    artifact_id: str | None
    error: str
    marks: list[MarkOut]


class RecordingListOut(Out):
    """Of this session, newest first."""

    recordings: list[RecordingOut]


class LiveStateOut(ViewersOut):
    control: ControlOut
    clipboard: ClipboardPolicy
    recording: RecordingOut | None
    tabs: list[LiveTabOut] = Field(description="Known only while someone watches.")


class ControlIn(In):
    """The body of `POST …/live/control`."""

    viewer_id: ViewerId


class LinkIn(In):
    """The body of `POST …/live/links`."""

    model_config = ConfigDict(json_schema_extra={"examples": _LINK})

    right: Literal["view", "control"] = "view"
    lifetime_s: Annotated[int, Field(ge=1)] | None = None
    """At most the server's ceiling (a day, unless it is set otherwise). Left out: an hour."""
    name: Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    """How the others see who comes by it."""


class LinkOut(Out):
    """Who has it may watch, and with `control` act, until it ends. It cannot be taken back, only outlived: by its end
    or the session's."""

    url: str = Field(description="The viewer page.")
    ws_url: str = Field(description="The WebSocket of docs/reference/live-protocol.md.")
    token: str
    right: Right
    expires_at: datetime


class RecordingIn(In):
    """The body of `POST …/recordings`. At the first cap that is reached the recording ends, and is kept."""

    model_config = ConfigDict(json_schema_extra={"examples": _RECORDING})

    format: Literal["webm", "mp4"] = "webm"
    """`webm`: VP8. `mp4`: H.264."""
    max_seconds: Annotated[int, Field(ge=1, le=MAX_RECORDING_SECONDS)] | None = None
    """Both are lowered to the server's ceilings, which hold where none is named."""
    max_bytes: Annotated[int, Field(ge=1, le=MAX_RECORDING_BYTES)] | None = None

    def to_request(self) -> RecordingRequest:
        format_ = RecordingFormat(self.format)
        return RecordingRequest(format=format_, max_seconds=self.max_seconds, max_bytes=self.max_bytes)


def render_state(state: LiveState) -> LiveStateOut:
    return LiveStateOut(
        control=ControlOut(state=state.control, holder=state.holder),
        clipboard=state.clipboard,
        viewers=[ViewerOut.model_validate(viewer) for viewer in state.viewers],
        max_viewers=state.max_viewers,
        recording=None if state.recording is None else RecordingOut.model_validate(state.recording),
        tabs=[LiveTabOut.model_validate(tab) for tab in state.tabs],
    )


def render_viewers(state: LiveState) -> ViewersOut:
    whole = render_state(state)
    return ViewersOut(viewers=whole.viewers, max_viewers=whole.max_viewers)


def render_recording(recording: RecordingInfo) -> RecordingOut:
    return RecordingOut.model_validate(recording)
