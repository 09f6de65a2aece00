"""What a transport is given to send from: one viewer's share of a session's pictures."""

from typing import Protocol

from cloche.live.model import Chunk, Codec


class Subscription(Protocol):
    """Made by `LiveStream.watch`. While one is open the browser is made to send pictures; `close` ends it, any number
    of times. Bounded: for JPEG only the newest picture waits, and video that is not taken is dropped up to the next key
    frame, which is asked for."""

    codec: Codec

    async def next(self) -> Chunk:
        """The next to be sent; waits for one. The first of video is a key frame. Once closed: asyncio.CancelledError
        never, but StreamEndedError."""
        ...

    def ask_key(self) -> None:
        """Have the next chunk be a key frame; asked more often than is good, it comes when it is good."""
        ...

    def set_rate(self, bits_per_second: int | None) -> None:
        """What this viewer's link takes, as far as its transport knows; None: not known. The slowest of a codec's
        viewers sets the pace of that codec."""
        ...

    def acknowledge(self, seq: int) -> None:
        """The viewer has shown `seq`: transports over TCP, which have no other way to know their rate."""
        ...

    @property
    def dropped(self) -> int:
        """Chunks that were not sent for want of room."""
        ...

    def close(self) -> None: ...


class StreamEndedError(Exception):
    """There will be no more pictures from this subscription."""
