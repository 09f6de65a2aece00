"""The first words of a live WebSocket, and which codec a viewer gets. Pure."""

from collections.abc import Sequence
from datetime import datetime

from cloche.api.live.settings import LiveDoorSettings
from cloche.ids import SessionId
from cloche.live.messages import write_message
from cloche.live.model import ClipboardPolicy, Codec, Right
from cloche.live.webrtc.ice import ice_servers_for_viewer, ice_transport_policy

PROTOCOL = 1


def hello(
    settings: LiveDoorSettings,
    *,
    viewer_id: str,
    right: Right,
    session_id: SessionId,
    clipboard: ClipboardPolicy,
    expires_at: datetime | None,
    now: datetime,
) -> bytes:
    """`hello` of docs/reference/live-protocol.md. `expires_at`: the link's end, null for a key."""
    who, until_s = ice_user(session_id, viewer_id), None if expires_at is None else expires_at.timestamp()
    fields = {
        "protocol": PROTOCOL,
        "viewer_id": viewer_id,
        "right": right.value,
        "session_id": session_id,
        "transports": [transport.value for transport in settings.transports],
        "codecs": [codec.value for codec in settings.codecs],
        "webrtc_timeout_s": settings.webrtc_timeout_s,
        "ice_servers": ice_servers_for_viewer(settings.ice, who, now.timestamp(), until_s=until_s),
        "ice_transport_policy": ice_transport_policy(settings.ice),
        "devices": list(settings.devices),
        "clipboard": clipboard.value,
        "max_message_bytes": settings.max_message_bytes,
        "expires_at": None if expires_at is None else expires_at.isoformat().replace("+00:00", "Z"),
    }
    return write_message("hello", fields)


def ice_user(session_id: SessionId, viewer_id: str) -> str:
    """How the TURN server knows a viewer."""
    return f"{session_id}.{viewer_id}"


def codecs_for(wanted: Sequence[str], ours: Sequence[Codec]) -> list[Codec]:
    """Those of the viewer's that we make, in the viewer's order; ours where it names none."""
    return [Codec(name) for name in wanted if name in ours] if wanted else list(ours)
