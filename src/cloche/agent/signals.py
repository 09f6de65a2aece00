"""Signals as something a task can wait for (signal.set_wakeup_fd)."""

import signal
import socket
from collections.abc import Callable, Sequence

from cloche.agent.loop import Loop


async def watch_signals(loop: Loop, wanted: Sequence[signal.Signals], take: Callable[[int], None]) -> None:
    """Call `take` with the number of each signal that comes. Never returns; one such task in a process."""
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        # set_wakeup_fd only hears of handled signals.
        handlers = {number: signal.signal(number, lambda _number, _frame: None) for number in wanted}
        try:
            while True:
                await loop.readable(reading.fileno())
                for number in reading.recv(64):
                    take(number)
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
