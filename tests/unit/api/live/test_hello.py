"""The first words, and which codec a viewer gets."""

import json
from datetime import UTC, datetime, timedelta

from cloche.api.live.hello import codecs_for, hello, ice_user
from cloche.api.live.settings import LiveDoorSettings
from cloche.ids import SessionId
from cloche.live.model import ClipboardPolicy, Codec, Right, Transport
from cloche.live.webrtc.ice import IceSettings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SESSION = SessionId("ses_01K00000000000000000000000")


def test_hello_says_what_the_settings_say() -> None:
    settings = LiveDoorSettings(transports=(Transport.JPEG,), codecs=(Codec.VP8,), webrtc_timeout_s=3)
    told = json.loads(
        hello(
            settings,
            viewer_id="v3",
            right=Right.VIEW,
            session_id=SESSION,
            clipboard=ClipboardPolicy.OFF,
            expires_at=NOON,
            now=NOON,
        )
    )
    assert told["type"] == "hello" and told["viewer_id"] == "v3" and told["right"] == "view"
    assert told["transports"] == ["jpeg"] and told["codecs"] == ["vp8"] and told["webrtc_timeout_s"] == 3
    assert told["expires_at"] == "2026-01-01T12:00:00Z" and told["clipboard"] == "off"
    assert told["max_message_bytes"] == 262144 and told["ice_transport_policy"] == "all"


def test_credentials_for_the_turn_server_end_with_the_link() -> None:
    settings = LiveDoorSettings(ice=IceSettings(turn_urls=("turn:turn.test",), turn_secret="x" * 20))
    told = json.loads(
        hello(
            settings,
            viewer_id="v3",
            right=Right.VIEW,
            session_id=SESSION,
            clipboard=ClipboardPolicy.OFF,
            expires_at=NOON + timedelta(minutes=1),
            now=NOON,
        )
    )
    assert told["ice_servers"][0]["username"].startswith(f"{int(NOON.timestamp()) + 60}:")


def test_a_codec_is_the_viewers_choice_among_ours() -> None:
    ours = (Codec.H264, Codec.VP8)
    assert codecs_for(["vp8", "h264"], ours) == [Codec.VP8, Codec.H264]
    assert codecs_for(["h264"], (Codec.VP8,)) == []
    assert codecs_for([], ours) == list(ours)


def test_the_turn_server_knows_viewers_apart() -> None:
    assert ice_user(SESSION, "v1") != ice_user(SESSION, "v2")
