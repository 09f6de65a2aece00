"""Keeps a guest from stopping the daemon in accept(2).

The listener was made inside a sandbox, and the guest may have kept a copy. O_NONBLOCK belongs to what both share: a
guest that clears it, and takes the waiting connection away between our poll and our accept, leaves us waiting there,
and the whole event loop with us. Unlike recv(2), accept has no flag against that. So a thread watches, and shuts a
listener down that has held an accept up: that wakes it with EINVAL, and the session has lost its way out for good.
"""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

LOOK_EVERY_S: Final = 0.25


class AcceptGuard:
    """One for all gateways of an event loop. A context manager: inside it the thread runs."""

    def __init__(self, look_every_s: float = LOOK_EVERY_S) -> None:
        self._look_every_s = look_every_s
        self._held: tuple[socket.socket, float] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="accept-guard", daemon=True)

    def accept(self, listener: socket.socket) -> socket.socket:
        """Accept one connection; it is non-blocking. Raises what accept(2) does: EINVAL from a listener shut down."""
        listener.setblocking(False)
        self._held = (listener, time.monotonic())
        try:
            client, _ = listener.accept()
        finally:
            self._held = None
        client.setblocking(False)
        return client

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._look_every_s):
            held = self._held
            if held is not None and time.monotonic() - held[1] > self._look_every_s:
                with contextlib.suppress(OSError):
                    held[0].shutdown(socket.SHUT_RDWR)
