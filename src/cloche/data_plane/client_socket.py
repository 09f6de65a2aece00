"""The client's side of a spliced WebSocket: a socket that knows whether it stands between two frames."""

import errno
import socket
from typing import Any

from cloche.data_plane.frames import FrameCounter


class ClientSocket(socket.socket):
    """Counts frames in what the kernel took, which is what the client will see, whatever a splice still holds back.

    It refuses to be shut down while spliced: the splice would pass on Chromium's end as a half-close, after which the
    client could not be told why. The splice then ends at once, with this socket failing with `END_OF_BROWSER`.
    """

    END_OF_BROWSER = errno.ECANCELED

    def __init__(self, fileno: int, head_bytes: int) -> None:
        super().__init__(fileno=fileno)
        self.frames = FrameCounter(skip=head_bytes)
        self.has_left = False
        """Whether the client has said that it will send no more."""

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        received = super().recv_into(buffer, nbytes, flags)
        self.has_left = not received
        return received

    def send(self, data: Any, flags: int = 0) -> int:
        sent = super().send(data, flags)
        self.frames.feed(memoryview(data)[:sent])
        return sent

    def shutdown(self, how: int) -> None:
        raise OSError(self.END_OF_BROWSER, "the browser's end is told in a Close frame")
