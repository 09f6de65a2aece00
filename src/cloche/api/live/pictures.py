"""One subscription's pictures on their way to a viewer's WebSocket: the newest, and no more than it takes."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from cloche.api.live.socket import LeftError, LiveSocket, UnresponsiveError
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.live.binary import binary_message
from cloche.live.model import Codec
from cloche.live.watching import StreamEndedError, Subscription

JPEGS_ON_THE_WAY: Final = 8
CHUNKS_ON_THE_WAY: Final = 32
"""Without an acknowledgement: half a second of video, so that a far viewer still gets its rate."""


class Pictures:
    """Sends until it is closed, the stream ends (`on_end`) or the viewer takes no more (`on_unresponsive`).

    Owns the subscription. What the socket does not take is not taken from the subscription either, which keeps only
    what is newest.
    """

    def __init__(
        self,
        subscription: Subscription,
        socket: LiveSocket,
        *,
        on_end: Callable[[], None],
        on_unresponsive: Callable[[], None],
    ) -> None:
        self._subscription = subscription
        self._socket = socket
        is_jpeg = subscription.codec is Codec.JPEG
        self._window = JPEGS_ON_THE_WAY if is_jpeg else CHUNKS_ON_THE_WAY
        self._on_the_way: deque[int] = deque()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._on_end, self._on_unresponsive = on_end, on_unresponsive
        self._sending = spawn(self._send(), name="live-pictures")

    def acknowledge(self, seq: int) -> None:
        """The viewer has dealt with `seq` and whatever went before it. One that was never sent means nothing."""
        if seq not in self._on_the_way:
            return
        while self._on_the_way.popleft() != seq:
            pass
        self._has_room.set()
        self._subscription.acknowledge(seq)

    def ask_key(self) -> None:
        self._subscription.ask_key()

    async def close(self) -> None:
        await cancel_and_wait(self._sending)
        self._subscription.close()

    async def _send(self) -> None:
        try:
            while True:
                await self._socket.writable()
                await self._has_room.wait()
                chunk = await self._subscription.next()
                self._socket.send_binary(binary_message(chunk))
                self._on_the_way.append(chunk.seq & 0xFFFFFFFF)
                if len(self._on_the_way) >= self._window:
                    self._has_room.clear()
        except StreamEndedError:
            self._on_end()
        except UnresponsiveError:
            self._on_unresponsive()
        except LeftError:
            pass
        finally:
            self._subscription.close()
