"""Why a viewer's WebSocket ends, as a close code (docs/reference/live-protocol.md). Pure."""

from typing import Final

from cloche.api.auth import tokens
from cloche.api.devtools_door.closing import Closing
from cloche.errors import BusyError, ClocheError, GoneError, UnauthenticatedError
from cloche.sessions.live.interface import LeaveReason

_CODES: Final = {
    LeaveReason.LEFT: 1000,
    LeaveReason.SERVER_STOPPING: 1001,
    LeaveReason.FLOOD: 1008,
    LeaveReason.UNRESPONSIVE: 1008,
    LeaveReason.LINK_EXPIRED: 4401,
    LeaveReason.KEY_REVOKED: 4401,
    LeaveReason.REMOVED: 4403,
    LeaveReason.SESSION_ENDED: 4410,
}

VIEWERS_FULL: Final = Closing(4429, "viewers_full")


def closing_of(error: ClocheError) -> Closing | None:
    """What a viewer is told that has no place to begin with. None: an HTTP answer says it.

    A page's script never sees with which answer an upgrade was refused; a close code it does.
    """
    match error:
        case GoneError():
            return closing_for(LeaveReason.SESSION_ENDED)
        case UnauthenticatedError(fields={"reason": tokens.EXPIRED}):
            return closing_for(LeaveReason.LINK_EXPIRED)
        case BusyError():
            return VIEWERS_FULL
        case _:
            return None


def closing_for(reason: LeaveReason) -> Closing:
    return Closing(_CODES[reason], reason.value)
