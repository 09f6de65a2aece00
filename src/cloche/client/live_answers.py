"""What live views and recordings answer, as types."""

from datetime import datetime
from typing import Any

from cloche.client.answers import Answer


class LiveViewer(Answer):
    """One who watches; the last five are of its own last report."""

    id: str
    name: str
    right: str
    has_control: bool
    wants_control: bool
    joined_at: datetime
    transport: str | None
    codec: str | None
    fallback_reason: str
    fps: float
    rtt_ms: float
    frame_age_ms: float
    bits_per_second: float
    dropped: int


class LiveControl(Answer):
    """`state`: `free`, `agent`, `viewer` or `taken`; `holder` is a viewer's id, or empty."""

    state: str
    holder: str


class LiveTab(Answer):
    id: str
    title: str
    url: str
    active: bool


class RecordingMark(Answer):
    at_s: float
    title: str


class Recording(Answer):
    """`status`: `running`, `finishing`, `ready` (then `artifact_id` is set) or `failed`."""

    id: str
    status: str
    format: str
    started_at: datetime
    seconds: float
    bytes: int
    ended_by: str
    artifact_id: str | None
    error: str
    marks: list[RecordingMark]


class RecordingList(Answer):
    recordings: list[Recording]


class LiveState(Answer):
    """`tabs` are known only while someone watches."""

    viewers: list[LiveViewer]
    max_viewers: int
    control: LiveControl
    clipboard: str
    recording: Recording | None
    tabs: list[LiveTab]


class LiveLink(Answer):
    """`url` opens the viewer page, `ws_url` is the WebSocket behind it; both until `expires_at`."""

    url: str
    ws_url: str
    token: str
    right: str
    expires_at: datetime


class LiveAnswer(Answer):
    """An SDP answer."""

    type: str
    sdp: str


class IceServers(Answer):
    """For an `RTCPeerConnection`."""

    ice_servers: list[dict[str, Any]]
    ice_transport_policy: str
