"""The data channel `input`: messages of one viewer, both ways."""

from collections.abc import Callable
from typing import Final

from aiortc import RTCDataChannel, RTCDataChannelParameters
from aiortc.exceptions import InvalidStateError

from cloche.live.webrtc.describe import MAX_MESSAGE_BYTES
from cloche.live.webrtc.transports import InputSctp

LABEL: Final = "input"
MAX_BUFFERED_BYTES: Final = 256 << 10
"""That wait to be sent to a viewer that does not take them."""


class InputChannel:
    """The first channel of that label; others are closed. Ordered and reliable where we make it; where the viewer
    does, as it likes: one that lets messages be lost loses its own."""

    def __init__(self, sctp: InputSctp, on_message: Callable[[bytes], None], on_dropped: Callable[[str], None]) -> None:
        self._sctp = sctp
        self._on_message = on_message
        self._on_dropped = on_dropped
        self._channel: RTCDataChannel | None = None
        sctp.on("datachannel", self._take)

    def make(self) -> None:
        """Ours is the offer, so ours is the channel."""
        self._take(RTCDataChannel(self._sctp, RTCDataChannelParameters(label=LABEL)))

    def send(self, data: bytes) -> bool:
        """Send a message of UTF-8, as text; False: there is no room, or no channel."""
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return False
        if channel.bufferedAmount + len(data) > MAX_BUFFERED_BYTES:
            self._on_dropped("not_taken")
            return False
        try:
            channel.send(data.decode())
        except (InvalidStateError, ValueError):  # closed meanwhile; larger than the viewer takes
            return False
        return True

    def _take(self, channel: RTCDataChannel) -> None:
        if channel.label != LABEL or (self._channel is not None and self._channel.readyState in ("connecting", "open")):
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._received)

    def _received(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        if len(data) > MAX_MESSAGE_BYTES:
            self._on_dropped("too_large")
        else:
            self._on_message(data)
