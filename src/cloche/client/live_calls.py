"""Every call about a session's live view and recordings as a value; see `calls`. Pure."""

from typing import Any, Final
from urllib.parse import quote

from cloche.client.calls import Call, session_path
from cloche.client.live_answers import IceServers, LiveAnswer, LiveLink, LiveState, Recording, RecordingList

THUMBNAIL_WAIT_S: Final = 30.0
STOP_WAIT_S: Final = 120.0
"""A recording is brought to its end, sealed and looked through."""

_state: Final = LiveState.model_validate_json


def state(session_id: str) -> Call[LiveState]:
    return Call(method="GET", path=session_path(session_id) + "/live/state", parse=_state)


def link(session_id: str, *, right: str, lifetime_s: int | None, name: str) -> Call[LiveLink]:
    body: dict[str, Any] = {"right": right, "name": name}
    body |= {} if lifetime_s is None else {"lifetime_s": lifetime_s}
    path = session_path(session_id) + "/live/links"
    return Call(method="POST", path=path, body=body, parse=LiveLink.model_validate_json)


def give_control(session_id: str, viewer_id: str) -> Call[LiveState]:
    path = session_path(session_id) + "/live/control"
    return Call(method="POST", path=path, body={"viewer_id": viewer_id}, parse=_state)


def release_control(session_id: str) -> Call[LiveState]:
    return Call(method="DELETE", path=session_path(session_id) + "/live/control", parse=_state)


def remove_viewer(session_id: str, viewer_id: str) -> Call[None]:
    path = session_path(session_id) + f"/live/viewers/{quote(viewer_id, safe='')}"
    return Call(method="DELETE", path=path, parse=_nothing)


def thumbnail(session_id: str) -> Call[bytes]:
    path = session_path(session_id) + "/live/thumbnail"
    return Call(method="GET", path=path, parse=bytes, may_take_s=THUMBNAIL_WAIT_S)


def offer(session_id: str, sdp: str) -> Call[LiveAnswer]:
    path = session_path(session_id) + "/live/offer"
    return Call(method="POST", path=path, body={"type": "offer", "sdp": sdp}, parse=LiveAnswer.model_validate_json)


def ice_servers(session_id: str) -> Call[IceServers]:
    return Call(method="GET", path=session_path(session_id) + "/live/ice", parse=IceServers.model_validate_json)


def start_recording(
    session_id: str, *, format_: str, max_seconds: int | None, max_bytes: int | None
) -> Call[Recording]:
    given = {"format": format_, "max_seconds": max_seconds, "max_bytes": max_bytes}
    body = {name: value for name, value in given.items() if value is not None}
    path = session_path(session_id) + "/recordings"
    return Call(method="POST", path=path, body=body, parse=Recording.model_validate_json)


def stop_recording(session_id: str) -> Call[Recording]:
    path = session_path(session_id) + "/recordings/stop"
    return Call(method="POST", path=path, parse=Recording.model_validate_json, may_take_s=STOP_WAIT_S)


def recordings(session_id: str) -> Call[RecordingList]:
    return Call(method="GET", path=session_path(session_id) + "/recordings", parse=RecordingList.model_validate_json)


def _nothing(_body: bytes) -> None:
    return None
