"""One browser, from the wish for it to its end: what `supervisor` sees through and a command waits for."""

from collections.abc import Awaitable, Callable, Sequence

from cloche.agent.devtools import DevTools
from cloche.agent.loop import Event, Loop
from cloche.wire.messages import Payload

Furnish = Callable[[DevTools, float], Awaitable[None]]
"""Given where a browser answers and a deadline (`time.monotonic`), do to it what belongs to its start."""


class Ending(Exception):  # it is no fault
    """The agent is ending: what was asked of the browser is not done any more."""


class Life:
    """Made by who wants a browser; `supervisor` writes into it."""

    def __init__(self, loop: Loop, args: Sequence[str], cause: str, furnish: Furnish | None = None) -> None:
        """`cause` says why it is started. `furnish` is awaited once it answers, and only then it is ready."""
        self.args, self.cause, self.furnish = args, cause, furnish
        self.pid = -1
        self.devtools: DevTools | None = None
        """Once it has been ready, also when it is over."""
        self.start_ms = 0.0
        self.asked_end = ""
        """The reason that its end will be reported with, where somebody has asked for it."""
        self.closes = False
        """It was asked to close: its helpers may write on for a moment when it has exited."""
        self.reason = ""
        """Of its end."""
        self.log_tail = ""
        self.is_over = False
        self.changed = Event(loop)
        """Pulsed when it is ready and when it is over."""

    async def gone(self, deadline: float) -> bool:
        """Wait for its end; return whether it came by the deadline."""
        while not self.is_over:
            try:
                await self.changed.next(deadline)
            except TimeoutError:
                break
        return self.is_over


def line_of(said: Payload, why: str) -> str:
    """A report for a person to read: `browser ready (restart_asked): pid 12, …`"""
    facts = ", ".join(f"{key} {value}" for key, value in said.items() if key not in ("state", "reason") and value != "")
    return f"browser {said['state']} ({why})" + (f": {facts}" if facts else "")
