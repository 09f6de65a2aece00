"""`client.sessions.live(…)` of the synchronous client."""

from typing import TYPE_CHECKING

from cloche.client import live_calls
from cloche.client.live_answers import IceServers, LiveAnswer, LiveLink, LiveState, Recording

if TYPE_CHECKING:
    from cloche.client.sync import SyncClient


class Live:
    """A session's live view: who watches, who acts, and what is recorded of it."""

    def __init__(self, client: "SyncClient", session_id: str) -> None:
        self._client = client
        self._id = session_id

    def state(self) -> LiveState:
        """Who watches, who has control, which tabs there are."""
        return self._client.send(live_calls.state(self._id))

    def link(self, *, right: str = "view", lifetime_s: int | None = None, name: str = "") -> LiveLink:
        """Make a link for somebody without a key: to watch, or with `right="control"` to act too."""
        return self._client.send(live_calls.link(self._id, right=right, lifetime_s=lifetime_s, name=name))

    def give_control(self, viewer_id: str) -> LiveState:
        """Give control to a viewer, whoever has it now."""
        return self._client.send(live_calls.give_control(self._id, viewer_id))

    def release_control(self) -> LiveState:
        """Take control from whoever has it."""
        return self._client.send(live_calls.release_control(self._id))

    def remove_viewer(self, viewer_id: str) -> None:
        """End a viewer's place. Its link still opens."""
        self._client.send(live_calls.remove_viewer(self._id, viewer_id))

    def thumbnail(self) -> bytes:
        """A small JPEG of the tab that is shown."""
        return self._client.send(live_calls.thumbnail(self._id))

    def ice_servers(self) -> IceServers:
        """STUN and TURN servers for a connection of one's own."""
        return self._client.send(live_calls.ice_servers(self._id))

    def offer(self, sdp: str) -> LiveAnswer:
        """Watch over WebRTC: an SDP offer in, the answer out."""
        return self._client.send(live_calls.offer(self._id, sdp))

    def start_recording(
        self, *, format: str = "webm", max_seconds: int | None = None, max_bytes: int | None = None
    ) -> Recording:
        """Record to the first cap or to a stop. `format`: `webm` or `mp4`."""
        call = live_calls.start_recording(self._id, format_=format, max_seconds=max_seconds, max_bytes=max_bytes)
        return self._client.send(call)

    def stop_recording(self) -> Recording:
        """End the recording, and wait until it is an artifact."""
        return self._client.send(live_calls.stop_recording(self._id))

    def recordings(self) -> list[Recording]:
        """Newest first."""
        return self._client.send(live_calls.recordings(self._id)).recordings
