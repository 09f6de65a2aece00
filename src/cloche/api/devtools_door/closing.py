"""Why a connection through the door ends, as a WebSocket close code (RFC 6455, section 7.4). Pure.

    1001  the session was closed, or the tab was (`target_closed`)
    1011  the sandbox or its browser failed for good
    1012  the browser went away but the session goes on, or the daemon stops: dial the same URL again
    4408  idle for too long            4410  the session's lifetime is over
    4401  the key that the client came with was revoked
    4409  the browser was stopped: start it, then dial the same URL again
    4413  out of memory

A code of 4000 and above is ours (section 7.4.2); its last digits echo the HTTP status one would expect. The close
reason is the session's own reason.
"""

from dataclasses import dataclass
from typing import Final

from cloche.data_plane.frames import close_frame
from cloche.sessions.attachment import BROWSER_STOPPED
from cloche.sessions.model import EndReason


@dataclass(frozen=True, slots=True)
class Closing:
    code: int
    reason: str

    def frame(self) -> bytes:
        return close_frame(self.code, self.reason)


TARGET_CLOSED: Final = Closing(1001, "target_closed")
BROWSER_CLOSED: Final = Closing(1012, "browser_closed")
PROCESS_LOST: Final = Closing(1011, "agent_failed")
"""A process's own end is told by the agent, in a Close frame of its own."""
KEY_REVOKED: Final = Closing(4401, "key_revoked")
SERVER_STOPPING: Final = Closing(1001, EndReason.SERVER_STOPPING.value)

_CODES: Final = {
    EndReason.CLOSED_BY_USER: 1001,
    EndReason.SERVER_STOPPING: 1001,
    EndReason.IDLE_TIMEOUT: 4408,
    EndReason.LIFETIME_REACHED: 4410,
    EndReason.OUT_OF_MEMORY: 4413,
    EndReason.BUDGET_EXHAUSTED: 4429,
    EndReason.SANDBOX_LOST: 1011,
    EndReason.BROWSER_GAVE_UP: 1011,
    EndReason.START_FAILED: 1011,
    EndReason.RECORDING_UNAVAILABLE: 1011,
    EndReason.SNAPSHOT_LOST: 1011,
}


def closing_for(reason: str) -> Closing:
    """The close for an attachment's end. A reason that is no session's end is the browser's: it comes again."""
    if reason == BROWSER_STOPPED:
        return Closing(4409, reason)
    try:
        return Closing(_CODES[EndReason(reason)], reason)
    except ValueError:
        return Closing(1012, reason)
