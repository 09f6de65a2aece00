"""What the clients ask of a live view."""

from cloche.client import live_calls

ID = "ses_1"


def test_what_is_not_said_is_not_sent() -> None:
    assert live_calls.link(ID, right="view", lifetime_s=None, name="").body == {"right": "view", "name": ""}
    recording = live_calls.start_recording(ID, format_="webm", max_seconds=None, max_bytes=5)
    assert recording.body == {"format": "webm", "max_bytes": 5}
    assert recording.path == "/v1/sessions/ses_1/recordings"


def test_a_viewers_id_cannot_lead_elsewhere() -> None:
    call = live_calls.remove_viewer(ID, "../../keys")
    assert call.path == "/v1/sessions/ses_1/live/viewers/..%2F..%2Fkeys" and call.method == "DELETE"
    assert call.read(204, b"") is None
